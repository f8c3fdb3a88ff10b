"""A PostgreSQL is lost that another one follows. It takes some seconds: for `make cluster`."""

import os
import tempfile
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.state.postgres.database import PostgresDatabase
from tests.e2e.processes import PASSWORD, USER
from tests.many_servers.fleet import WORKSPACE
from tests.many_servers.standby import FleetWithStandby
from tests.postgres.program import PostgresProgram
from tests.postgres.waiting import comes_true
from tests.remotes.server import MissingError

pytestmark = pytest.mark.skipif(
    "CARGO_TEST_STATE" not in os.environ, reason="`make cluster` runs it"
)


async def told(session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(path) as answer:
        return await answer.json()


async def test_what_a_standby_had_not_got_is_seen_as_lost(fleet: FleetWithStandby) -> None:
    """Without `synchronous_standby_names`: as a state that was restored."""
    with fleet:
        fleet.start()
        a, b = (f"http://127.0.0.1:{one.api}" for one in fleet.servers.values())
        basic = aiohttp.encode_basic_auth(USER, PASSWORD)
        # Servers are started again meanwhile: a connection that was kept would be a closed one.
        anew = aiohttp.TCPConnector(force_close=True)
        headers = {"Authorization": basic}
        async with aiohttp.ClientSession(headers=headers, connector=anew) as session:

            async def put(name: str) -> int:
                url = f"{a}/v1/files/{WORKSPACE}/{name}"
                async with session.put(url, data=name * 3) as answer:
                    assert answer.status == 201, await answer.text()
                return await newest()

            async def newest() -> int:
                [row] = await rows("")
                return int(row["sequence"])

            async def lineage(of: int) -> str:
                [row] = await rows(f"?since={of}")
                return str(row["lineage"])

            async def rows(asked: str) -> list[dict[str, Any]]:
                async with session.post(
                    f"{b}/v1/login", json={"username": USER, "password": PASSWORD}
                ) as answer:
                    token = (await answer.json())["token"]
                bearer = {"Authorization": f"Bearer {token}"}
                async with session.get(f"{b}/v1/workspaces{asked}", headers=bearer) as answer:
                    found = (await answer.json())["workspaces"]
                return [row for row in found if row["name"] == WORKSPACE]

            kept = await put("kept")
            fleet.lose_the_newest()
            lost, objects = await put("lost"), fleet.objects()
            before = [await lineage(number) for number in (kept, lost)]
            fleet.fail_over()
            assert await newest() == kept < lost
            await put("new")
            after = [await lineage(number) for number in (kept, lost)]
            assert after[0] == before[0], "who has seen no more goes on"
            assert after[1] != before[1], "who has seen what is lost is told"
            for server in (a, b):
                for name, status in (("kept", 200), ("lost", 404), ("new", 200)):
                    url = f"{server}/v1/files/{WORKSPACE}/{name}"
                    async with session.get(url) as answer:
                        assert answer.status == status, (name, await answer.text())
            assert fleet.objects() > objects, "the content of what is lost stays for a week"
        assert fleet.unexpected() == []


@pytest.fixture
def alone() -> Iterator[PostgresProgram]:
    with tempfile.TemporaryDirectory(prefix="cg") as place:
        try:
            program = PostgresProgram(Path(place), {})
        except MissingError as missing:
            pytest.skip(str(missing))
        program.start()
        try:
            yield program
        finally:
            program.stop()


def test_a_commit_that_no_standby_has_is_not_confirmed(
    alone: PostgresProgram, tmp_path: Path
) -> None:
    """PostgreSQL calls it done when somebody cancels the wait for the standby, with a warning."""
    address = alone.address("postgres")

    def writes(name: str) -> None:
        with database.transaction() as connection:
            connection.execute("INSERT INTO account VALUES (?, ?)", (name, "x"))

    problems = list[ProblemError]()

    def waits() -> None:
        """Writes until a commit waits: PostgreSQL needs a moment to know of its new setting."""
        try:
            for number in count():
                writes(f"ana {number}")
        except ProblemError as error:
            problems.append(error)

    def cancelled() -> bool:
        found = admin.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        )
        return bool(found.fetchall())

    with psycopg.connect(address, autocommit=True) as admin:
        # Warnings of all connections are left out, but of those that ask for them.
        admin.execute("ALTER DATABASE postgres SET client_min_messages = error")
    with (
        PostgresDatabase.open(address, str(tmp_path)) as database,
        psycopg.connect(address, autocommit=True) as admin,
    ):
        admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        admin.execute("SELECT pg_reload_conf()")
        thread = threading.Thread(target=waits)
        thread.start()
        comes_true(cancelled)
        thread.join()
        [error] = problems
        assert error.problem.code == "database_away" and "may be lost" in error.problem.message
        admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        admin.execute("SELECT pg_reload_conf()")
        writes("ben")
