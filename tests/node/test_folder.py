"""Which folder a node accepts as its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.node.node import open_folder
from cargo_sync.process.system import system_clocks
from cargo_sync.state.clock import RetentionClock
from cargo_sync.state.database import Database
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.node.coordinator import settings


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = SqliteDatabase.open(str(tmp_path / "state" / "state.db"), "node")
    yield opened
    opened.close()


def marker(path: Path, database: Database, node: int = 7) -> str:
    """Starts a node in its folder, and stops it; the marker of the folder."""
    clock = RetentionClock(database, system_clocks(), lambda stopped: None)
    blobs = open_folder(settings(path, id=node), database, clock, f"{node:032x}")
    blobs.close()
    return blobs.marker


def test_the_folder_of_a_pairing_stays_the_same(tmp_path: Path, database: Database) -> None:
    assert marker(tmp_path, database) == marker(tmp_path, database) == f"{7:032x}"


@pytest.mark.parametrize("loss", ["marker", "all"])
def test_a_node_whose_folder_is_lost_refuses_until_it_has_joined_again(
    tmp_path: Path, database: Database, loss: str
) -> None:
    marker(tmp_path, database)
    if loss == "marker":
        (tmp_path / "kept" / ".cargo_sync" / "marker").unlink()
    else:
        (tmp_path / "kept").rename(tmp_path / "away")
        (tmp_path / "kept").mkdir()  # the mount point
    with pytest.raises(ProblemError) as refused:
        marker(tmp_path, database)
    assert refused.value.problem.code == "root_replaced"
    assert "join it as a new node" in refused.value.problem.hint
    assert not (tmp_path / "kept" / ".cargo_sync" / "marker").exists()
    assert marker(tmp_path, database, node=8) == f"{8:032x}"


def test_a_lost_state_costs_nothing(tmp_path: Path, database: Database) -> None:
    first = marker(tmp_path, database)
    other = SqliteDatabase.open(str(tmp_path / "other" / "state.db"), "node")
    try:
        assert marker(tmp_path, other) == first
    finally:
        other.close()
