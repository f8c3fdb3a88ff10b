from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.cluster.flow_orders import FlowsElsewhere, digest_of
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.flow_orders import FlowOrder, FlowOrders, OrderAnswer, What
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.offloads import inline
from tests.server.house import tokens
from tests.server.surroundings import Clock


class Flows:
    """Flows of one server: their users by id."""

    def __init__(self, **users: str) -> None:
        self.users = users
        self.done: list[tuple[str, str, int | None]] = []

    def named(self, digest: bytes, user: str) -> str | None:
        found = [id for id, one in self.users.items() if (digest_of(id), one) == (digest, user)]
        return found[0] if found else None

    async def do(self, id: str, user: str, what: What, bits: int | None) -> OrderAnswer:
        if id not in self.users:
            raise ProblemError(Problem(Code.UNKNOWN, "no such flow"))
        self.done.append((id, what, bits))
        return OrderAnswer(bits and bits // 2)


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[FlowOrders]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        yield FlowOrders(database)


def asking(rows: FlowOrders, clock: Clock, *servers: Flows) -> FlowsElsewhere:
    """Who asks; while it waits, time passes and these servers look."""
    world = World(clock, clock, lambda: 0.5, tokens(), inline, clock)
    one = FlowsElsewhere(rows, world)

    async def pause(seconds: float) -> None:
        clock.now += seconds
        for flows in servers:
            await one.serve(flows)

    one.pause = pause
    return one


async def test_the_server_that_has_the_flow_does_what_is_asked(rows: FlowOrders) -> None:
    clock, b, c = Clock(), Flows(f2="ana"), Flows(f3="ana")
    one = asking(rows, clock, b, c)
    assert await one.ask("f3", "ana", "speed", 1_000) == OrderAnswer(500)
    assert await one.ask("f2", "ana", "end", None) == OrderAnswer(None)
    assert (b.done, c.done) == ([("f2", "end", None)], [("f3", "speed", 1_000)])
    assert rows.all() == []  # and nothing is left


@pytest.mark.parametrize(("flow", "user"), [("f2", "ben"), ("f9", "ana")])
async def test_nobody_else_can_ask_and_nobody_waits_for_ever(
    rows: FlowOrders, flow: str, user: str
) -> None:
    clock, b = Clock(), Flows(f2="ana")
    assert await asking(rows, clock, b).ask(flow, user, "end", None) is None
    assert clock() == pytest.approx(1_003, abs=0.2) and b.done == []
    assert rows.all() == []


@pytest.mark.parametrize("ahead", [-86_400.0, 0.0, 86_400.0])
async def test_the_clock_of_who_asks_may_say_anything(rows: FlowOrders, ahead: float) -> None:
    clock, b = Clock(), Flows(f2="ana")
    rows.add(FlowOrder("asked", clock() + ahead, digest_of("f2"), "ana", "end"))
    await asking(rows, clock).serve(b)
    assert b.done == [("f2", "end", None)]
    assert rows.answer("asked") == OrderAnswer(None)


@pytest.mark.parametrize("done", [False, True])
async def test_what_a_killed_server_has_asked_is_not_done_and_goes(
    rows: FlowOrders, done: bool
) -> None:
    clock, b = Clock(), Flows()
    rows.add(FlowOrder("left", clock(), digest_of("f2"), "ana", "end", done=done))
    one = asking(rows, clock)
    await one.serve(b)
    clock.now += 61
    b.users["f2"] = "ana"
    await one.serve(b)
    assert (b.done, rows.all()) == ([], [])
