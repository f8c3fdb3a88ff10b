"""A get or put waits for its turn like jobs, and gets its part of the daemon's bandwidth."""

import asyncio
from typing import cast

import pytest

from cargo_sync.admission.bandwidth import Shares
from cargo_sync.admission.slots import Slots
from cargo_sync.admission.turn import Turn
from cargo_sync.daemon.sessions.passage import Passage
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.visit import FarVisited


class Far:
    """A far side that records its speeds, and grants them; a `deaf` one refuses them.

    It answers when it `may`.
    """

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.told: list[int | None] = []
        self.deaf = False
        self.may = asyncio.Event()
        self.may.set()

    async def set_speed(self, bits: int | None) -> int | None:
        if self.deaf:
            raise ProblemError(Problem(Code.CUT, "it was cut"))
        self.told.append(bits)
        await self.may.wait()
        return bits

    def granted(self) -> int | None:
        return self.told[-1]


def passage(id: str, slots: Slots, shares: Shares) -> tuple[Passage, Far]:
    far: list[Far] = []

    def make(turn: Turn) -> FarVisited:
        far.append(Far(turn))
        return cast(FarVisited, far[0])

    return Passage(id, "session of ana", slots, shares, make), far[0]


async def test_what_moves_shares_the_bandwidth_and_lags_until_it_has_asked() -> None:
    shares = Shares(9_000)
    (one, far), (two, other) = (passage(id, Slots(8), shares) for id in ("1", "2"))
    one.limit(3_000)
    async with far.turn:
        assert far.told == [3_000]
        await one.ask(None)
        assert far.told == [3_000, 9_000]
        async with other.turn:
            assert other.told == [4_500]
            assert (one.behind, two.behind) == (True, False)
            await one.ask(None)
            assert far.told[-1] == 4_500
            assert not one.behind
            await one.ask(None)
            assert len(far.told) == 3, "it is told nothing twice"
        assert one.behind, "the other has ended"
    assert not one.behind, "nothing moves"


async def test_a_rate_that_could_not_be_told_is_still_to_be_told() -> None:
    one, far = passage("1", Slots(8), Shares(9_000))
    async with far.turn:
        far.deaf = True
        with pytest.raises(ProblemError):
            await one.ask(1_000)
        assert one.behind
        far.deaf = False
        await one.ask(1_000)
        assert (far.told, one.behind) == ([9_000, 1_000], False)


async def test_what_is_asked_while_another_speed_is_being_sent_is_sent_after_it() -> None:
    shares = Shares(9_000)
    one, far = passage("1", Slots(8), shares)
    async with far.turn:
        far.may.clear()
        shares.limit(5_000)
        sending = asyncio.create_task(one.ask(None))
        while far.told[-1] != 5_000:
            await asyncio.sleep(0)
        assert not one.behind, "it is being told"
        asked = asyncio.create_task(one.ask(4_000))
        far.may.set()
        assert (await sending, await asked) == (5_000, 4_000)
        assert far.told == [9_000, 5_000, 4_000]
        assert await one.ask(4_000) == 4_000, "it has it already"


async def test_it_waits_for_a_slot_among_the_jobs_after_those_of_a_higher_priority() -> None:
    slots, shares = Slots(1), Shares()
    _, far = passage("1", slots, shares)
    await slots.enter("first", 50)
    entered = asyncio.create_task(far.turn.__aenter__())
    while not slots.waiting():
        await asyncio.sleep(0)
    urgent = asyncio.create_task(slots.enter("urgent", 90))
    while len(slots.waiting()) < 2:
        await asyncio.sleep(0)
    assert slots.waiting() == ["urgent", "session of ana"]
    slots.leave()
    slots.leave()
    await asyncio.gather(urgent, entered)
    assert far.told == [None]
