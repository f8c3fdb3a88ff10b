from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.state.database import Database


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Database]:
    with Database.open(str(tmp_path / "daemon.db"), "daemon") as database:
        yield database
