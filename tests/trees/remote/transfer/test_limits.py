"""One turn and one speed for all transfers of a job."""

import asyncio

from cargo_sync.trees.remote.transfer.limits import SEGMENT, TransferLimits
from tests.virtual import run

PIECE = 64 * 1024
RATE = 8_000_000 * SEGMENT // (8 * (SEGMENT + 52))
"""Bytes of content per second, at 8 Mbit/s on the wire."""


async def move(limits: TransferLimits, pieces: int) -> float:
    """Moves content; returns when its end is allowed."""
    for _ in range(pieces):
        await limits.pace(PIECE)
    return asyncio.get_running_loop().time()


def test_two_directions_share_one_speed() -> None:
    async def main() -> None:
        limits = TransferLimits(asyncio.Semaphore(1), asyncio.get_running_loop().time)
        limits.set_speed(8_000_000)
        ends = await asyncio.gather(move(limits, 80), move(limits, 80))
        assert abs(max(ends) - 160 * PIECE / RATE) < 0.3

    run(main())


def test_another_speed_holds_for_what_waits_already() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        limits = TransferLimits(asyncio.Semaphore(1), loop.time)
        limits.set_speed(8_000)  # a piece takes more than a minute
        waiting = asyncio.create_task(move(limits, 20))
        await asyncio.sleep(1)
        limits.set_speed(8_000_000)
        assert 1 <= await waiting <= 1 + 21 * PIECE / RATE
        limits.set_speed(8_000)
        waiting = asyncio.create_task(move(limits, 20))
        await asyncio.sleep(1)
        limits.set_speed(None)
        before = loop.time()
        assert await waiting == before

    run(main())


async def test_the_turn_is_entered_once_and_left_at_the_end() -> None:
    turn = asyncio.Semaphore(1)
    limits = TransferLimits(turn, lambda: 0.0)
    async with limits.moving():
        assert turn.locked() and limits.moves
        async with limits.moving():
            assert turn.locked()
        assert turn.locked() and limits.moves
    assert not turn.locked() and not limits.moves
