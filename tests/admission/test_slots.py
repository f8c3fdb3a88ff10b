"""Who gets a slot, and when."""

import asyncio
from collections.abc import Callable

import pytest

from cargo_sync.admission.bandwidth import Shares
from cargo_sync.admission.slots import Slots
from cargo_sync.admission.turn import Turn


class Queue:
    """Jobs that enter in order of the calls; `inside` names those that have a slot."""

    def __init__(self, size: int) -> None:
        self.slots = Slots(size)
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def comes(self, name: str, priority: int = 50) -> None:
        async def enter() -> None:
            await self.slots.enter(name, priority)
            self.inside.append(name)

        self.tasks[name] = asyncio.create_task(enter())
        await asyncio.sleep(0)

    async def leaves(self, name: str) -> None:
        self.inside.remove(name)
        self.slots.leave()
        await asyncio.sleep(0)


async def test_the_higher_priority_first_then_who_came_first() -> None:
    queue = Queue(1)
    await queue.comes("first")
    for name, priority in (("low", 10), ("old", 50), ("young", 50), ("high", 90)):
        await queue.comes(name, priority)
    assert (queue.inside, queue.slots.waiting()) == (["first"], ["high", "old", "young", "low"])
    order = []
    for _ in range(4):
        await queue.leaves(queue.inside[0])
        order += queue.inside
    assert order == ["high", "old", "young", "low"]
    await queue.leaves("low")
    assert queue.slots.inside == 0


async def test_more_slots_let_in_at_once_and_fewer_put_nobody_out() -> None:
    queue = Queue(1)
    for name in "abcd":
        await queue.comes(name)
    queue.slots.resize(3)
    await asyncio.sleep(0)
    assert queue.inside == ["a", "b", "c"]
    queue.slots.resize(1)
    await queue.leaves("a")
    await queue.leaves("b")
    assert (queue.inside, queue.slots.waiting()) == (["c"], ["d"])
    await queue.leaves("c")
    assert queue.inside == ["d"]


async def test_who_gives_up_waiting_takes_no_slot_along() -> None:
    queue = Queue(1)
    for name in "abc":
        await queue.comes(name)
    queue.tasks["b"].cancel()
    await asyncio.sleep(0)
    assert queue.slots.waiting() == ["c"]
    await queue.leaves("a")
    assert queue.inside == ["c"]


async def test_who_gives_up_in_the_moment_of_being_let_in_hands_the_slot_on() -> None:
    queue = Queue(1)
    for name in "abc":
        await queue.comes(name)
    queue.slots.leave()  # b has it now, but has not woken up yet
    queue.tasks["b"].cancel()
    for _ in range(3):
        await asyncio.sleep(0)
    assert queue.inside == ["a", "c"] and queue.slots.inside == 1


async def test_nobody_overtakes_one_who_was_let_in_and_has_not_woken() -> None:
    queue = Queue(1)
    await queue.comes("a")
    await queue.comes("b")
    queue.slots.leave()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await queue.slots.enter("c", 100)


async def test_a_turn_that_fails_to_begin_gives_everything_back() -> None:
    slots, shares = Slots(1), Shares(10)

    async def broken(_: int | None) -> None:
        raise RuntimeError("canary")

    share = shares.of("a", lambda: None)
    with pytest.raises(RuntimeError, match="canary"):
        async with Turn("a", 50, slots, share, broken):
            pass
    assert (slots.inside, share.moves) == (0, False)


def test_bandwidth_is_shared_among_those_that_move_now() -> None:
    shares = Shares(90)
    limits: dict[str, int | None] = {"a": None, "b": 20, "c": None}
    jobs = {name: shares.of(name, _asked(limits, name)) for name in limits}

    def rates() -> dict[str, int | None]:
        return {name: job.rate for name, job in jobs.items() if job.moves}

    jobs["a"].join()
    assert rates() == {"a": 90}
    jobs["b"].join()
    assert rates() == {"a": 70, "b": 20}
    jobs["c"].join()
    assert rates() == {"a": 35, "b": 20, "c": 35}
    limits["c"] = 5
    jobs["c"].refresh()
    assert rates() == {"a": 65, "b": 20, "c": 5}
    shares.limit(30)
    assert rates() == {"a": 13, "b": 12, "c": 5} or rates() == {"a": 12, "b": 12, "c": 5}
    jobs["b"].leave()
    shares.limit(None)
    assert rates() == {"a": None, "c": 5}


async def test_only_those_whose_rate_is_another_hear_of_it() -> None:
    shares = Shares(100)
    one, other = shares.of("one", lambda: 10), shares.of("other", lambda: None)
    one.join()
    assert not await one.changed.wait(0)  # it asks for its rate when it joins
    other.join()
    assert not await one.changed.wait(0)
    shares.limit(15)
    assert [await share.changed.wait(0) for share in (one, other)] == [True, True]
    assert (one.rate, other.rate) == (7, 7)


def _asked(limits: dict[str, int | None], name: str) -> Callable[[], int | None]:
    return lambda: limits[name]
