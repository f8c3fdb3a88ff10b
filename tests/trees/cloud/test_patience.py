"""What a slow line is given, and a dead one is not. The clock is virtual."""

import asyncio
from collections.abc import Sequence

import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.cloud.calls import PIECE, CloudCalls
from cargo_sync.trees.cloud.operator import SLOWEST, CloudOperators
from cargo_sync.trees.cloud.patience import ANSWER, BESIDE, LINE, SharedLine
from cargo_sync.trees.cloud.problems import CloudErrors
from tests.virtual import run

MIB = 2**20
NEVER = 10**9


async def ends(line: SharedLine, count: int, seconds: float) -> float:
    """When a call ends that sends so many bytes for so long; a negative time: it was given up."""
    try:
        async with line.sending(count):
            await asyncio.sleep(seconds)
    except TimeoutError:
        return -asyncio.get_running_loop().time()
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([(4 * MIB, 128)], [128]),
        ([(4 * MIB, NEVER)], [-(ANSWER + 4 * MIB / LINE)]),
        ([(0, NEVER)], [-ANSWER]),
        ([(4 * MIB, 2_000)] * 16, [2_000] * 16),  # all that share the line
        ([(4 * MIB, NEVER), (4 * MIB, 10)], [-(ANSWER + 8 * MIB / LINE), 10]),
        ([(0, NEVER)] + [(64 * MIB, 3_000)] * 4, [-(ANSWER + BESIDE / LINE)] + [3_000] * 4),
    ],
)
def test_each_call_has_time_for_all_that_shares_its_line(
    calls: Sequence[tuple[int, float]], expected: Sequence[float]
) -> None:
    async def all_of() -> list[float]:
        line = SharedLine()
        return list(await asyncio.gather(*(ends(line, *call) for call in calls)))

    assert run(all_of()) == expected


class SlowOperator:
    """OpenDAL over a line that carries so many bytes per second."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self.written = 0

    def capability(self) -> "SlowOperator":
        return self

    rename = copy = write_can_multi = write_can_empty = True

    async def open(self, path: str, mode: str) -> "SlowOperator":
        return self

    async def write(self, *given: str | bytes) -> None:
        await asyncio.sleep(len(given[-1]) / self._speed)
        self.written += len(given[-1])

    async def close(self) -> None:
        """All of it is there."""


def test_a_large_file_goes_over_a_slow_line_and_a_small_one_too() -> None:
    """Each piece takes longer than a call that only asks."""
    slow = SlowOperator(PIECE / (1.5 * SLOWEST))
    calls = CloudCalls(CloudOperators(slow, slow), CloudErrors("x", []), is_store=True)  # type: ignore[arg-type]

    async def send() -> None:
        opened = await calls.writer("large")
        for _ in range(512):
            await calls.send(opened, "large", bytes(PIECE))
        await calls.finish(opened, "large")
        await calls.write("small", bytes(PIECE))

    run(send())
    assert slow.written == 513 * PIECE


def test_a_dead_line_is_given_up() -> None:
    dead = SlowOperator(1 / NEVER)
    calls = CloudCalls(CloudOperators(dead, dead), CloudErrors("x", []), is_store=True)  # type: ignore[arg-type]
    with pytest.raises(ProblemError) as caught:
        run(calls.write("small", b"x"))
    assert caught.value.problem.code is Code.TIMEOUT
