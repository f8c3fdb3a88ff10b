import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.cluster import membership
from cargo_sync.cluster.identity import ID_FILE, server_id
from cargo_sync.cluster.membership import Measured, Membership, Reached
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.servers import MemoryServerRows, ServerRow, ServerRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.cluster.servers import member, states
from tests.server.surroundings import Clock


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[ServerRows]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        yield ServerRows(database)


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


async def test_servers_see_each_other_come_and_go(rows: ServerRows, clock: Clock) -> None:
    a = member("a", rows, clock, reached=Reached("https://a:8443", "a:8444", "ab"))
    b = member("b", rows, clock, measure=lambda: Measured('{"uploads": 2}', '[{"id": "f"}]'))
    await a.join(alone=True)
    await a.tick()
    assert states(a) == {"a": "up"} and [one.is_this for one in a.all()] == [True]
    await b.join(alone=False)
    await a.tick()
    assert states(a) == states(b) == {"a": "up", "b": "up"}
    [other] = a.others()
    assert (other.row.figures, other.row.flows) == ('{"uploads": 2}', '[{"id": "f"}]')
    assert [one.row.address for one in b.others()] == ["https://a:8443"]
    assert a.lives("id of b", "life of b") and not a.lives("id of b", "an earlier life")
    clock.now += 3
    await a.tick()
    assert states(a) == {"a": "up", "b": "away"}
    await b.tick()
    await a.tick()
    assert states(a) == {"a": "up", "b": "up"}
    await b.leave()
    await a.tick()
    assert states(a) == {"a": "up", "b": "away"} and not a.lives("id of b", "life of b")
    await a.remove(*a.others())
    assert states(a) == {"a": "up"}


async def test_one_of_them_does_what_only_one_shall_do(rows: ServerRows, clock: Clock) -> None:
    a, b = member("a", rows, clock), member("b", rows, clock)
    assert a.is_first()
    for one in (a, b, a):
        await one.tick()
    assert (a.is_first(), b.is_first()) == (True, False)
    await a.drain(next(one for one in a.all() if one.is_this))
    await b.tick()
    assert (a.is_first(), b.is_first()) == (False, True)
    await a.drain(next(one for one in a.all() if one.is_this), undo=True)
    await b.tick()
    assert not b.is_first()
    clock.now += 3
    await b.tick()
    assert b.is_first()  # the other one is away


async def test_a_server_that_was_away_for_a_day_is_forgotten(
    rows: ServerRows, clock: Clock
) -> None:
    a, b = member("a", rows, clock), member("b", rows, clock)
    b._wall = lambda: 0.0  # its clock is years behind
    await b.tick()
    await a.tick()
    clock.now += 86_400
    await a.tick()
    assert states(a) == {"a": "up", "b": "away"}
    clock.now += 1
    await a.tick()
    await a.tick()
    assert states(a) == {"a": "up"}


async def test_a_life_drains_and_the_next_one_does_not(rows: ServerRows, clock: Clock) -> None:
    a, b = member("a", rows, clock), member("b", rows, clock)
    await b.tick()
    await a.tick()
    await a.drain(*a.others())
    await b.tick()
    assert states(a) == states(b) == {"a": "up", "b": "draining"}
    assert b.draining and not a.draining
    await a.drain(*a.others(), undo=True)
    await b.tick()
    assert not b.draining
    await a.drain(*a.others())
    again = member("b", rows, clock, life="another life")
    await again.tick()
    assert not again.draining and states(again) == {"a": "up", "b": "up"}


@pytest.mark.parametrize(
    ("name", "id", "alone", "words"),
    [
        ("b", "", True, 'write "cluster" in the file of each'),
        ("a", "another id", False, 'give each server another "name"'),
        ("b", "id of a", False, "remove the file server.id in the copy"),
    ],
)
async def test_beside_whom_a_server_does_not_start(
    rows: ServerRows, clock: Clock, name: str, id: str, alone: bool, words: str
) -> None:
    a = member("a", rows, clock)
    await a.tick()
    other = member(name, _Passing(rows, clock, a), clock, id=id, life="new")
    with pytest.raises(ProblemError, match=r"runs already|uses the database") as caught:
        await other.join(alone=alone)
    assert caught.value.problem.code == "state_in_use" and words in caught.value.problem.hint
    clock.now += 60  # nobody hears of the first one any more: it was killed
    await member(name, _Passing(rows, clock), clock, id=id, life="new").join(alone=alone)


async def test_the_last_row_of_a_killed_server_may_come_late(
    rows: ServerRows, clock: Clock
) -> None:
    killed = member("a", rows, clock)
    await killed.tick()
    late = _Passing(rows, clock, killed, counts=1)
    await member("a", late, clock, life="new").join(alone=False)
    assert not late.counts


class _Passing(ServerRows):
    """Time passes at each look, in which others may be alive."""

    def __init__(
        self, rows: ServerRows, clock: Clock, *alive: Membership, counts: int = 100
    ) -> None:
        super().__init__(rows._database)
        self._clock, self._alive, self.counts = clock, alive, counts

    def all(self) -> list[ServerRow]:
        self._clock.now += 1
        found = super().all()
        if self.counts:
            self.counts -= 1
            for one in self._alive:
                self.put(one._own())
        return found


async def test_a_server_of_its_own_is_the_only_one(clock: Clock) -> None:
    a = member("a", MemoryServerRows(), clock)
    await a.join(alone=True)
    await a.drain(*a.all())
    assert states(a) == {"a": "draining"} and a.draining and not a.others()
    clock.now += 1
    await a.tick()
    assert a.draining


def test_the_id_stays_with_the_state_folder(tmp_path: Path) -> None:
    ids = iter(("a" * 32, "b" * 32))
    place = tmp_path / "state"
    assert server_id(str(place), lambda: next(ids)) == "a" * 32
    assert server_id(str(place), lambda: next(ids)) == "a" * 32
    (place / ID_FILE).write_text("cut o")
    assert server_id(str(place), lambda: next(ids)) == "b" * 32
    (place / ID_FILE).write_bytes(b"\xff")
    with pytest.raises(ProblemError):
        server_id(str(place), lambda: next(ids))


async def test_what_cannot_be_used_of_others_does_not_stop_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(membership, "TICK", 0.001)
    one, looks = member("a", MemoryServerRows(), Clock()), list[int]()

    def looked() -> None:
        looks.append(one.all()[0].row.beat)
        raise ValueError("a later release says it in other words")

    one.looked = looked
    running = asyncio.create_task(one.run())
    while len(looks) < 3 and not running.done():
        await asyncio.sleep(0.001)
    assert looks[:3] == [1, 2, 3]
    running.cancel()
