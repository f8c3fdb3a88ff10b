"""Patterns never crash: they mean what git makes of them, or are an error of their field."""

import random
from pathlib import Path

import pytest

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.job import load_job
from cargo_sync.config.patterns import git_spec
from cargo_sync.plan.filters import Filters
from tests.config.samples import job, write

CASES = [
    ("/IMG_[9-0].mov", "IMG_5.mov", False),
    ("/IMG_[9-0].mov", "IMG_9.mov", True),
    ("/[9-0a].mov", "a.mov", True),
    ("/[9-0a].mov", "0.mov", False),
    ("/[!9-0].mov", "5.mov", True),
    ("/[^9-0].mov", "5.mov", True),
    ("/[!9-05].mov", "5.mov", False),
    ("/[!9-0].mov", "9.mov", False),
    ("/[a9-0-c].mov", "b.mov", False),
    ("/[a9-0-c].mov", "c.mov", True),
    ("/[]-A].mov", "].mov", True),
    ("/[]-A-z].mov", "b.mov", False),
    ("/[]-A-z].mov", "-.mov", True),
    ("/[]a].mov", "].mov", True),
    ("/[0-9].mov", "5.mov", True),
    ("/[9-0", "[9-0", False),
    (r"/\[9-0].mov", "[9-0].mov", True),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), CASES)
def test_a_reversed_range_is_its_first_character(pattern: str, path: str, expected: bool) -> None:
    assert git_spec([pattern]).match_file(path) is expected


@pytest.mark.parametrize("pattern", ["!", "\\", "a\\", "/[z-a]\\"])
def test_what_is_not_a_pattern_is_a_value_error(pattern: str) -> None:
    with pytest.raises(ValueError, match="is not a pattern"):
        git_spec([pattern])


def test_a_reversed_range_by_its_bare_name(tmp_path: Path) -> None:
    loaded = load_job(write(tmp_path, job(filters={"exclude": ["IMG_[9-0].mov"]})), {})
    filters = Filters(exclude=loaded.exclude)
    assert not filters.excluded("a/IMG_5.mov", False)
    assert filters.excluded("a/IMG_9.mov", False)


_PIECES = [
    *"ab09-[]!^\\/*?#. ~&|:é",
    *("[:alpha:]", "**", "[!", "[^", "[9-0]", "[]-", "\x00", "\n", "\t", "--", "&&", "\U0010ffff"),
]


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@pytest.mark.parametrize("seed", range(8))
def test_no_pattern_crashes(tmp_path: Path, seed: int) -> None:
    """A pattern is an error of its field, or can be matched; nothing else happens."""
    chance = random.Random(seed)
    used = 0
    for _ in range(60):
        some = [
            "".join(chance.choices(_PIECES, k=chance.randint(1, 9)))
            for _ in range(chance.randint(1, 3))
        ]
        file = write(tmp_path, job(filters={"include": some[1:], "exclude": some[:1]}))
        try:
            loaded = load_job(file, {})
        except ConfigError as error:
            assert {one.field.partition("[")[0] for one in error.problems} <= {
                "filters.include",
                "filters.exclude",
            }
            continue
        used += 1
        filters = Filters(loaded.include, loaded.exclude)
        for path in ("a", "b0/a", "[9-0]", "a/b/é", "--"):
            filters.excluded(path, False)
            filters.excluded(path, True)
    assert 20 < used < 60, "the pieces make both good and bad patterns"
