from collections.abc import Mapping

import pytest

from cargo_sync.api.log_command import LogArgs
from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.control.nouns.log import LogHandlers
from cargo_sync.process.lines import LogLine
from cargo_sync.process.ring import Ring


def numbers(answer: Mapping[str, object]) -> tuple[list[int], object, object]:
    rows = answer["rows"]
    assert isinstance(rows, list)
    return [row["number"] for row in rows], answer["next"], answer["lost"]


def _unknown(name: str) -> None:
    raise ControlError(ReplyCode.UNKNOWN_JOB, name)


async def test_the_last_lines_are_asked_for() -> None:
    ring = Ring(kept=5)
    handlers = LogHandlers(ring, _unknown)
    assert numbers(await handlers.log(LogArgs())) == ([], 0, 0)
    for number in range(1, 9):  # 4 to 8 are kept
        even = number % 2 == 0
        about = {"job": "even" if even else "odd"}
        ring(LogLine(1.5, "debug" if even else "error", "a.b", str(number), about))
    assert numbers(await handlers.log(LogArgs(limit=2))) == ([7, 8], 8, 0)
    assert numbers(await handlers.log(LogArgs(after=0, limit=3))) == ([4, 5, 6], 6, 3)
    assert numbers(await handlers.log(LogArgs(after=6))) == ([7, 8], 8, 0)
    assert numbers(await handlers.log(LogArgs(after=8))) == ([], 8, 0)
    assert numbers(await handlers.log(LogArgs(after=99))) == ([], 8, 0)
    assert numbers(await handlers.log(LogArgs(level="warning"))) == ([5, 7], 8, 0)
    assert numbers(await handlers.log(LogArgs(job="even", after=4))) == ([6, 8], 8, 0)
    assert (await handlers.log(LogArgs(limit=1)))["rows"] == [
        {
            "number": 8,
            "time": 1.5,
            "level": "debug",
            "logger": "a.b",
            "job": "even",
            "message": "8",
        }
    ]


async def test_no_lines_of_an_unknown_job_are_an_error() -> None:
    ring = Ring()
    ring(LogLine(1.5, "info", "a.b", "removed since", {"job": "old"}))
    handlers = LogHandlers(ring, _unknown)
    assert numbers(await handlers.log(LogArgs(job="old"))) == ([1], 1, 0)
    with pytest.raises(ControlError) as raised:
        await handlers.log(LogArgs(job="odl"))
    assert raised.value.code == ReplyCode.UNKNOWN_JOB
