"""Runs that are cut short in the middle of steps: each step that was done is told once."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from tests.engine.renames import big
from tests.engine.test_remote_runs import SECOND, RemoteSystem
from tests.state.crash import Killed

GONE = {f"deleted f/{number}" for number in range(3)} | {"deleted g", "deleted g/x"}
"""What is told of deletions; how deep folders go, depends on what the server can do."""


CHANGES = {"remove", "move", "copy", "make", "set_metadata"}


class Cut:
    """Cuts a run short at the `at`-th call that changes the server, or just after it was done.

    how  "stop": the run is cancelled; "away": the server cannot be reached any more, from then on;
         "kill": nobody can catch it
    """

    def __init__(self, at: int, how: str) -> None:
        self.left = at
        self.how = how
        self.running: asyncio.Task[object] | None = None

    def __call__(self, call: str, path: str) -> None:
        if not CHANGES & set(call.split()):
            return
        self.left -= 1
        if self.left > 0 or (self.left < 0 and self.how == "stop"):
            return
        if self.how == "kill":
            raise Killed
        if self.how == "away":
            raise ProblemError(Problem(Code.UNREACHABLE, "the server cannot be reached"))
        assert self.running is not None
        self.running.cancel()


async def prepared(folder: Path, kind: str, mode: Mode) -> RemoteSystem:
    """Both sides are alike; then people have deleted, renamed and touched files here."""
    folder.mkdir(exist_ok=True)
    system = RemoteSystem(folder, kind, mode, propagate=True, guard=None)
    near = system.near
    for number in range(5):
        near.write(f"f/{number}", b"%d" % number, SECOND)
    near.write("g/x", b"x", SECOND)
    near.write("large", big("l"), SECOND)
    near.write("kind", b"a file", SECOND)
    await system.settled()
    for number in range(3):
        near.remove(f"f/{number}")
    near.remove("g")
    near.move("large", "moved")
    near.remove("kind")
    near.write("kind/y", b"y", SECOND)
    near.write("f/3", b"3", 99 * SECOND)
    system.said()
    return system


async def cut_short(system: RemoteSystem, cut: Cut) -> bool:
    """Whether a run was cut short. Afterwards nothing is in the way any more."""
    system.now += 60
    system.server.fault = cut
    cut.running = asyncio.ensure_future(system.look())
    try:
        await cut.running
        return False
    except (asyncio.CancelledError, ProblemError, Killed):
        return True
    finally:
        system.server.fault = None
        system.connect()


@pytest.mark.parametrize(
    ("how", "kind", "mode", "first"),
    [
        ("stop", "bucket", Mode.UPLOAD, 1),
        ("stop", "shell", Mode.BIDIRECTIONAL, 2),
        ("away", "bucket", Mode.BIDIRECTIONAL, 3),
        ("kill", "shell", Mode.UPLOAD, 4),
    ],
)
async def test_each_step_is_told_once_wherever_the_run_was_cut_short(
    tmp_path: Path, how: str, kind: str, mode: Mode, first: int
) -> None:
    whole = await prepared(tmp_path / "whole", kind, mode)
    await whole.settled()
    expected = Counter(whole.said())
    whole.database.close()
    assert "moved moved" in expected and expected.keys() >= GONE
    for at in range(first, 100, 5):
        system = await prepared(tmp_path / str(at), kind, mode)
        is_cut = await cut_short(system, Cut(at, how))
        if how == "kill":
            system.restart()
        await system.settled()
        told = Counter(system.said())
        where = f"{how} at call {at}: {told} instead of {expected}"
        if how == "stop":
            assert told == expected, where
        assert all(told[one] == 1 for one in GONE), where
        system.database.close()
        if not is_cut:
            break
    assert 10 < at < 90
