"""Which tests coverage looks at: it only asks what ran at all, and makes Python far slower.

`make test` measures only the tests of the pure packages, all of them; `make coverage` those of
all packages. Of the others it does not look at whole programs and histories, at generated examples,
and at the later cases of a test with many. What they run besides is not counted: the floors are for
what is measured.
"""

from collections.abc import Iterable
from typing import Final

import pytest

from tests.floors import PURE_FLOORS

WHOLE: Final = frozenset({"browser", "crash", "e2e", "sim"})
"""The folders of tests of whole programs and histories."""
CASES: Final = 3
"""So many cases of a test are measured."""


def leave_out(items: Iterable[pytest.Item]) -> None:
    """Marks tests that are not measured."""
    cases: dict[str, int] = {}
    for item in items:
        name = item.nodeid.partition("[")[0]
        cases[name] = cases.get(name, 0) + 1
        generated = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        folder = name.split("/")[1]
        if folder in PURE_FLOORS:
            continue
        if folder in WHOLE or generated or cases[name] > CASES:
            item.add_marker("no_cover")
