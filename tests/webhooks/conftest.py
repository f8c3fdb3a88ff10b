from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.state.database import Database
from cargo_sync.state.sqlite.database import SqliteDatabase


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase.open(str(tmp_path / "daemon.db"), "daemon") as database:
        yield database
