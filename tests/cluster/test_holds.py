from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from cargo_sync.cluster.holds import FolderHolds
from cargo_sync.cluster.membership import Membership, Reached
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.holders import NOBODY, HolderRows, ServerLife
from cargo_sync.state.postgres.database import PostgresDatabase
from cargo_sync.state.servers import ServerRow, ServerRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.cluster.servers import member
from tests.offloads import inline
from tests.postgres.waiting import comes_true, is_waiting
from tests.server.surroundings import Clock

ROOT = "/srv/ana"


class Pair:
    """Two servers with one state and one clock."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.clock = Clock(100.0)
        self.database = database
        self.a, self.a_holds = self.start("a")
        self.b, self.b_holds = self.start("b")

    def start(self, name: str, life: str = "") -> tuple[Membership, FolderHolds]:
        at = Reached(f"https://{name}:8443")
        one = member(name, ServerRows(self.database), self.clock, life=life, reached=at)
        holds = FolderHolds(one, HolderRows(self.database), inline)
        one.confirm = holds.look
        return one, holds

    async def seconds(self, count: float, *alive: Membership) -> None:
        """Time passes, in which these are alive."""
        for _ in range(int(count)):
            self.clock.now += 1
            for one in alive:
                await one.tick()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        yield Pair(database)


def has(holds: FolderHolds) -> str:
    """ "taken" now, "kept", or why a server cannot have the folder."""
    try:
        taken = holds.of(ROOT).take()
        holds.of(ROOT).check()
    except ProblemError as error:
        assert error.problem.code == "elsewhere" and error.problem.retry
        return error.problem.message
    return "taken" if taken else "kept"


def told_by(holds: FolderHolds) -> str:
    """What clients are told by a server that does not have it."""
    with pytest.raises(ProblemError) as raised:
        holds.of(ROOT).check()
    return raised.value.problem.message


def may_use(holds: FolderHolds) -> bool:
    try:
        holds.of(ROOT).check()
    except ProblemError:
        return False
    return True


IS_AT_NOBODY_KNOWN = "the folder of this workspace is served by another server"
IS_AT_A = 'the folder of this workspace is served by the server "a" at https://a:8443'
IS_AT_B = 'the folder of this workspace is served by the server "b" at https://b:8443'


async def test_one_has_it_until_it_is_away(pair: Pair) -> None:
    await pair.seconds(2, pair.a, pair.b)
    assert [has(pair.a_holds), has(pair.a_holds), has(pair.b_holds)] == ["taken", "kept", IS_AT_A]
    await pair.seconds(2, pair.b)
    assert has(pair.b_holds) == IS_AT_A
    # It stops before the others may take it, and they know when.
    free: list[str] = []
    pair.b_holds.lost = free.append
    pair.clock.now += 0.6
    assert not may_use(pair.a_holds)
    await pair.b.tick()
    assert free == []
    for _ in range(2):
        await pair.seconds(1, pair.b)
        assert free == [ROOT]
    assert has(pair.b_holds) == "taken"
    # It comes back from a long sleep, and knows before it does anything.
    lost: list[str] = []
    pair.a_holds.lost = lost.append
    await pair.a.tick()
    await pair.a.tick()
    assert lost == [ROOT]
    assert not may_use(pair.a_holds) and may_use(pair.b_holds)
    await pair.b.tick()
    await pair.a.tick()
    assert [has(pair.a_holds), has(pair.b_holds)] == [IS_AT_B, "kept"]


async def test_who_is_heard_again_keeps_it_though_others_have_not_looked_yet(pair: Pair) -> None:
    await pair.seconds(2, pair.a, pair.b)
    assert has(pair.a_holds) == "taken"
    pair.clock.now += 3.2  # the database is away, for both of them
    await pair.a.tick()
    assert [may_use(pair.a_holds), has(pair.b_holds)] == [True, IS_AT_A]
    await pair.b.tick()
    assert [may_use(pair.a_holds), has(pair.b_holds)] == [True, IS_AT_A]
    # The other way round: it is taken first, and its last holder knows when it is heard again.
    pair.clock.now += 3.2
    assert not may_use(pair.a_holds)
    has(pair.b_holds)
    await pair.a.tick()
    await pair.b.tick()
    assert [may_use(pair.a_holds), has(pair.b_holds)] == [False, "kept"]


async def test_who_was_late_and_lost_nothing_goes_on(pair: Pair) -> None:
    await pair.seconds(2, pair.a, pair.b)
    assert has(pair.a_holds) == "taken"
    await pair.seconds(10)
    assert not may_use(pair.a_holds)
    await pair.a.tick()
    assert has(pair.a_holds) == "kept"


async def test_what_is_given_back_or_left_in_order_is_free_at_once(pair: Pair) -> None:
    await pair.seconds(2, pair.a, pair.b)
    assert has(pair.a_holds) == "taken"
    pair.a_holds.of(ROOT).give_back()
    assert [has(pair.b_holds), has(pair.a_holds)] == ["taken", IS_AT_B]
    await pair.b.leave()
    await pair.a.tick()
    assert has(pair.a_holds) == "taken"


async def test_a_server_that_is_about_to_end_lets_others_have_all(pair: Pair) -> None:
    await pair.seconds(2, pair.a, pair.b)
    assert has(pair.a_holds) == "taken"
    lost: list[str] = []
    pair.a_holds.lost = lost.append
    await pair.a.end_soon()
    await pair.a_holds.leave()
    assert (lost, has(pair.a_holds)) == ([ROOT], "this server is about to end")
    assert told_by(pair.a_holds) == "another server is about to take the folder of this workspace"
    assert [has(pair.b_holds), has(pair.a_holds)] == ["taken", "this server is about to end"]
    await pair.a.tick()
    assert told_by(pair.a_holds) == IS_AT_B


async def test_a_server_of_which_another_has_not_heard_yet_keeps_its_folder(pair: Pair) -> None:
    await pair.a.tick()
    await pair.b.tick()
    assert has(pair.b_holds) == "taken"
    assert has(pair.a_holds) == IS_AT_NOBODY_KNOWN
    await pair.a.tick()
    assert has(pair.a_holds) == IS_AT_B


async def test_a_server_has_again_what_it_had_before_it_was_killed(pair: Pair) -> None:
    await pair.seconds(2, pair.a, pair.b)
    assert has(pair.a_holds) == "taken"
    again, holds = pair.start("a", life="the next one")
    await again.tick()
    assert has(holds) == "taken"
    await pair.a.tick()  # as if the first one had not died: it sees that it has nothing
    assert not may_use(pair.a_holds)


async def test_of_two_who_want_it_at_once_one_gets_it(pair: Pair) -> None:
    await pair.seconds(2, pair.a, pair.b)
    rows = HolderRows(pair.database)
    nobody, b = rows.get(ROOT), pair.b_holds._me
    assert has(pair.a_holds) == "taken"
    assert not rows.take(ROOT, b, nobody)  # it had looked before the other one was faster
    assert has(pair.b_holds) == IS_AT_A


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_take_waits_for_what_its_last_holder_is_just_saying(
    fresh_postgres: str, tmp_path: Path, goes_on: bool
) -> None:
    a, b = ServerLife("a", "life of a"), ServerLife("b", "life of b")
    with PostgresDatabase.open(fresh_postgres, str(tmp_path)) as database:
        ServerRows(database).put(ServerRow("a", "a", a.life, beat=7))
        rows, taken = HolderRows(database), list[bool]()
        assert rows.take(ROOT, a, NOBODY)
        takes = Thread(target=lambda: taken.append(rows.take(ROOT, b, a, 7)))
        with psycopg.connect(fresh_postgres) as connection:
            connection.execute("UPDATE server SET beat = beat + %s", (int(goes_on),))
            takes.start()
            comes_true(lambda: is_waiting(fresh_postgres))
        takes.join()
        assert (taken, rows.get(ROOT)) == (([False], a) if goes_on else ([True], b))


async def test_who_shares_with_nobody_has_all(pair: Pair) -> None:
    alone = FolderHolds(pair.a, None, inline)
    pair.clock.now += 60
    assert has(alone) == "kept"
    assert not may_use(pair.b_holds)
    pair.b.is_alone = True  # as it says: nobody can take anything from it
    assert may_use(pair.b_holds)
    await alone.look()
    alone.of(ROOT).give_back()
