"""Look-ahead: the local side is read while the server is being opened."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cargo_sync.model.jobs import Identity
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees import look_ahead
from cargo_sync.trees.contract import Observation, Whole
from cargo_sync.trees.look_ahead import FRESH, LookAhead
from tests.engine.world import System


class Read:
    """A side with `count` folders; `read` are those that were asked for, in each reading."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.read: list[list[int]] = []
        self.closed = 0

    async def observe(self) -> AsyncIterator[Observation]:
        read: list[int] = []
        self.read.append(read)
        try:
            for number in range(self.count):
                read.append(number)
                await asyncio.sleep(0)
                yield [Whole(str(number), b"12345", 1)]
        finally:
            self.closed += 1


async def turns() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def names(ahead: LookAhead) -> list[str]:
    return [seen[0].path async for seen in ahead.seen() if not isinstance(seen, tuple)]


async def test_it_reads_up_to_a_limit_and_then_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_ahead, "MOST", 14)
    side = Read(7)
    ahead = LookAhead(side.observe, lambda: 0.0)
    await turns()
    assert side.read == [[0, 1, 2]]
    assert await names(ahead) == list("0123456")
    assert side.read == [[0, 1, 2, 3, 4, 5, 6]]
    await ahead.close()
    assert side.closed == 1


@pytest.mark.parametrize("before", [0, 1, 50])
async def test_nothing_is_lost_or_read_twice_whenever_it_is_taken_over(before: int) -> None:
    side = Read(4)
    ahead = LookAhead(side.observe, lambda: 0.0)
    for _ in range(before):
        await asyncio.sleep(0)
    assert await names(ahead) == list("0123")
    assert side.read == [[0, 1, 2, 3]]


async def test_what_was_read_long_ago_is_read_again() -> None:
    now, side = [0.0], Read(3)
    ahead = LookAhead(side.observe, lambda: now[0])
    await turns()
    now[0] += FRESH + 1
    side.count = 4
    assert await names(ahead) == list("0123")
    assert side.read == [[0, 1, 2], [0, 1, 2, 3]]


async def test_a_run_reads_while_the_server_is_being_opened(tmp_path: Path) -> None:
    system = System(tmp_path)
    system.near.write("f/a", b"1")
    observe, open_far, read = system.near.observe, system.far.open, asyncio.Event()

    async def observed(cursor: int) -> AsyncIterator[Observation]:
        async for seen in observe(cursor):
            read.set()
            yield seen

    async def opened(cursor: int = 0) -> Identity:
        async with asyncio.timeout(10):
            await read.wait()
        return await open_far(cursor)

    system.near.observe = observed  # type: ignore[method-assign]
    system.far.open = opened  # type: ignore[method-assign]
    await system.run().execute()
    assert system.far.files() == {"f/a": b"1"}


async def test_a_server_that_cannot_be_opened_ends_the_reading(tmp_path: Path) -> None:
    system, side = System(tmp_path), Read(9)

    async def opened(cursor: int = 0) -> Identity:
        await turns()
        raise ProblemError(Problem(Code.UNREACHABLE, "nobody answers"))

    system.near.observe = lambda cursor: side.observe()  # type: ignore[method-assign]
    system.far.open = opened  # type: ignore[method-assign]
    with pytest.raises(ProblemError, match="nobody answers"):
        await system.run().execute()
    assert (len(side.read), side.closed) == (1, 1)


async def test_a_change_that_comes_meanwhile_is_for_the_next_look(tmp_path: Path) -> None:
    system = System(tmp_path)
    system.memory.scope.trust(True)
    open_far = system.far.open

    async def opened(cursor: int = 0) -> Identity:
        system.memory.scope.hinted({"f"})
        return await open_far(cursor)

    system.near.write("f/a", b"1")
    system.far.open = opened  # type: ignore[method-assign]
    await system.run().execute()
    assert system.memory.scope.begin(system.now) == frozenset({"f"}), (
        "the look began before the change"
    )
