"""Files that left the server: collected, and written together."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cargo_sync.model.history import ChangeCause, HistoryFiles, ToldBatch
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.server.history import downloads
from cargo_sync.server.history.downloads import Downloads, FetchedVersion
from cargo_sync.state.database import Database
from cargo_sync.state.history import HistoryFilter, HistoryRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.offloads import inline

ANA = ChangeCause("ana", "10.0.0.7", "run", "1f2e3d4c")
BEN = ChangeCause("ben", "10.0.0.8", "http")


class Exit:
    """Downloads over a real state, with the test's own clock."""

    def __init__(self, database: Database) -> None:
        self.now = 0.0
        clock = lambda: self.now  # noqa: E731
        self.rows = HistoryRows(database, clock, clock)
        self.told: list[ToldBatch] = []
        world = World(clock, clock, lambda: 0.5, lambda: "t", inline, clock)
        self.downloads = Downloads(self.rows, self.told.extend, world)

    def took(self, *paths: str, cause: ChangeCause = ANA, seconds: float = 1.0) -> None:
        count = len(paths)
        files = HistoryFiles(list(paths), [8] * count, ["ab" * 32] * count, [3] * count)
        self.downloads.took(1, cause, files, seconds)

    def fetched(self, path: str, start: int, end: int, size: int, cause: ChangeCause = BEN) -> None:
        file = FetchedVersion(1, cause, path, "", 3)
        self.downloads.fetched(file, start, end, size, 0.5)

    def batches(self) -> list[tuple[str, int, int]]:
        """User, files and bytes of what was told."""
        found = [(one.batch.user, one.batch.files, one.batch.bytes) for one in self.told]
        self.told.clear()
        return found


@pytest.fixture
def exit(tmp_path: Path) -> Iterator[Exit]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        yield Exit(database)


async def test_what_left_in_one_way_is_one_batch(exit: Exit) -> None:
    exit.took("a", "b")
    exit.took("c", seconds=2.0)
    exit.took("a", cause=BEN)
    assert exit.batches() == []
    await exit.downloads.tick()
    assert exit.batches() == [("ana", 3, 24), ("ben", 1, 8)]
    rows = exit.rows.after(0, HistoryFilter(), 9).rows
    assert [(row.batch.kind, row.path) for row in rows] == [
        ("downloaded", path) for path in ("a", "b", "c", "a")
    ]
    assert rows[0].batch.seconds == 3.0
    await exit.downloads.tick()
    assert exit.batches() == []


async def test_ranges_of_one_user_and_version_are_one_download(exit: Exit) -> None:
    exit.fetched("clip", 0, 4, 10)
    exit.fetched("clip", 4, 10, 10, cause=ANA)
    await exit.downloads.tick()
    assert exit.batches() == []
    exit.fetched("clip", 4, 10, 10)
    await exit.downloads.tick()
    assert exit.batches() == [("ben", 1, 10)]
    exit.now += 600
    await exit.downloads.tick()
    assert exit.batches() == [("ana", 1, 6)]  # so much of it


def test_the_end_writes_all(exit: Exit) -> None:
    exit.took("a")
    exit.fetched("clip", 0, 4, 10)
    exit.downloads.close()
    assert exit.batches() == [("ana", 1, 8), ("ben", 1, 4)]


async def test_what_cannot_be_written_is_kept_up_to_a_limit(
    exit: Exit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> Sequence[ToldBatch]:
        raise ProblemError(Problem(Code.DISK_FULL, "the disk is full"))

    monkeypatch.setattr(downloads, "MOST", 2)
    exit.took("a", "b")
    with monkeypatch.context() as broken:
        broken.setattr(exit.rows, "add", full)
        await exit.downloads.tick()
        exit.took("c")
        await exit.downloads.tick()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    await exit.downloads.tick()
    assert exit.batches() == [("ana", 1, 8)]  # the newest of them
