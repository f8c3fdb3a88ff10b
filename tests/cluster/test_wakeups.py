"""Those who wait at one server hear of what another one records."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from cargo_sync.catalogue.contract import Put
from cargo_sync.catalogue.feed import FeedPaths
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.cluster import wakeups
from cargo_sync.cluster.wakeups import OthersChanges
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.server.http.browsing.polls import Polls
from cargo_sync.state.database import Database
from cargo_sync.state.postgres.database import PostgresDatabase
from tests.offloads import inline

PATIENCE = 60


class OneServer:
    """One server's end: `heard` has the workspaces of which others told it."""

    def __init__(self, database: Database, name: str) -> None:
        self.catalogue = StoredCatalogue(database)
        self.polls = Polls(asyncio.get_running_loop())
        self.heard: list[Collection[int]] = []
        self.others = OthersChanges(
            database.signals(),
            name,
            FeedPaths(self.catalogue),
            self.polls,
            self.heard.append,
            inline,
            asyncio.get_running_loop().time,
        )

    def record(self, workspace: int, path: str, *, tell: bool = True) -> None:
        above, _, _ = path.rpartition("/")
        folders = [Put(above, Entry(above, FOLDER), 0, 0)] if above else []
        self.catalogue.record(workspace, [*folders, Put(path, Entry(path, FILE), 0, 0)])
        if tell:
            self.others.told(workspace)


@pytest.fixture
def databases(fresh_postgres: str, tmp_path: Path) -> Iterator[list[Database]]:
    with ExitStack() as last:
        yield [
            last.enter_context(PostgresDatabase.open(fresh_postgres, str(tmp_path / name)))
            for name in "ab"
        ]


@pytest.mark.parametrize("way", ["told", "a word is lost", "the connection was lost"])
async def test_who_waits_at_one_server_hears_of_the_other(
    databases: list[Database], monkeypatch: pytest.MonkeyPatch, fresh_postgres: str, way: str
) -> None:
    monkeypatch.setattr(wakeups, "TICK", 1_000.0 if way == "told" else 0.05)
    one, other = (OneServer(database, name) for database, name in zip(databases, "ab", strict=True))
    ids = [one.catalogue.workspace(root, lambda: "epoch").id for root in ("files", "more")]
    with (
        other.polls.waiting(ids[0], "in", "ana") as inside,
        other.polls.waiting(ids[0], "out", "ana") as outside,
    ):
        await other.others.look()
        running = asyncio.create_task(other.others.run())
        telling = asyncio.create_task(one.others.run())
        try:
            for round, path in enumerate(("in/a", "in/b")):
                if round and way == "the connection was lost":
                    with psycopg.connect(fresh_postgres, autocommit=True) as connection:
                        connection.execute(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                            "WHERE query LIKE 'LISTEN%'"
                        )
                while way == "told" and not listens(fresh_postgres):
                    await asyncio.sleep(0.01)
                one.record(ids[0], path, tell=way != "a word is lost")
                async with asyncio.timeout(PATIENCE):
                    await inside.wait()
                inside.clear()
            one.record(ids[1], "x", tell=way != "a word is lost")
            async with asyncio.timeout(PATIENCE):
                while not any(ids[1] in some for some in other.heard):
                    await asyncio.sleep(0.01)
        finally:
            for task in (running, telling):
                task.cancel()
            await asyncio.gather(running, telling, return_exceptions=True)
        assert not outside.is_set()


def listens(address: str) -> bool:
    """Whether both servers listen."""
    with psycopg.connect(address) as connection:
        found = connection.execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        return len(found.fetchall()) == 2


async def test_many_changes_are_one_word_and_nobody_hears_itself(
    databases: list[Database],
) -> None:
    one = OneServer(databases[0], "a")
    words, listener = databases[0].signals(), databases[1].signals()
    assert words is not None and listener is not None
    listener.open()
    ids = [one.catalogue.workspace(f"files {n}", lambda: "epoch").id for n in range(2)]
    await one.others.look()
    for number in range(50):
        one.record(ids[number % 2], f"{number}")
    await one.others.tell(words)
    async with asyncio.timeout(PATIENCE):
        while not (texts := listener.taken()):
            await asyncio.sleep(0.01)
    assert texts == [f"a {ids[0]} {ids[1]}"]
    await one.others.hear(texts)
    assert one.heard == []
    await one.others.hear([f"b {ids[1]} x", "", "b"])
    assert one.heard == [{ids[1]}]


async def test_a_restored_database_wakes_everybody(databases: list[Database]) -> None:
    one = OneServer(databases[0], "a")
    id = one.catalogue.workspace("files", lambda: "epoch").id
    one.record(id, "a")
    await one.others.look()
    with one.polls.waiting(id, "somewhere else", "ana") as waits:
        with databases[0].transaction() as connection:
            connection.execute("UPDATE workspace SET sequence = 0")
        for _ in range(2):
            await one.others.look()
        async with asyncio.timeout(PATIENCE):
            await waits.wait()
    assert one.heard == [{id}]
