"""What happened is told to those who listen, whichever server wrote it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from cargo_sync.model.history import ChangeCause, HistoryFiles, HistoryKind, ToldBatch
from cargo_sync.model.world import World
from cargo_sync.server.history import journal
from cargo_sync.server.history.journal import ServerJournal
from cargo_sync.state.database import Database
from cargo_sync.state.postgres.database import PostgresDatabase
from tests.offloads import inline


class Listening:
    """A server's journal, and what those hear who listen there."""

    def __init__(self, database: Database) -> None:
        clock = lambda: 1e9  # noqa: E731
        world = World(clock, clock, lambda: 0.5, lambda: "token", inline, clock)
        self.journal = ServerJournal(database, world, shared=True)
        self.heard: list[str] = []
        self.journal.heard.append(self._hears)

    def _hears(self, told: Sequence[ToldBatch]) -> None:
        self.heard += [f"{one.batch.cursor} {' '.join(one.paths)}" for one in told]

    def writes(self, *paths: str) -> None:
        count = len(paths)
        files = HistoryFiles(list(paths), [5] * count, ["ab" * 32] * count, [7] * count)
        told = self.journal.rows.add(1, ChangeCause("ana"), HistoryKind.UPLOADED, files)
        self.journal.tell(told)


@pytest.fixture
def databases(fresh_postgres: str, tmp_path: Path) -> Iterator[list[Database]]:
    with ExitStack() as last:
        yield [
            last.enter_context(PostgresDatabase.open(fresh_postgres, str(tmp_path / name)))
            for name in "ab"
        ]


async def test_all_servers_tell_the_same_in_the_same_order(
    databases: list[Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PAGE", 2)
    one, other = map(Listening, databases)
    one.writes("before")
    for each in (one, other):
        await each.journal.look()
    for writer, path in ((one, "a"), (other, "b"), (one, "c")):
        writer.writes(path, "too")
    for each in (one, other):
        await each.journal.look()
        await each.journal.look()
        assert each.heard == ["3 a too", "5 b too", "7 c too"]
