"""What the tests of the engine share."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model.jobs import Mode
from tests.engine.renames import Make
from tests.engine.world import System


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes jobs that repeat deletions, with one state."""
    made: list[System] = []

    def new(mode: Mode = Mode.UPLOAD, **rules: Any) -> System:
        made.append(System(tmp_path, mode, **({"propagate": True} | rules)))
        return made[-1]

    yield new
    for system in made:
        system.database.close()
