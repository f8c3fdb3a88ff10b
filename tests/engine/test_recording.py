"""Runs that are cut short in the middle of steps: each step that was done is told once."""

import asyncio
import shutil
from collections import Counter
from pathlib import Path

import pytest

from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.testing.remote_server import Item
from tests.engine.renames import big
from tests.engine.test_remote_runs import SECOND, RemoteSystem

GONE = {f"deleted f/{number}" for number in range(3)} | {"deleted g"}
"""What is told of deletions. After a kill, a folder that is gone stands for what was in it."""


CHANGES = {"remove", "move", "copy", "make", "set_metadata"}


class Cut:
    """Cuts a run short at the `at`-th call that changes the server, or just after it was done.

    how  "stop": the run is cancelled; "away": the server cannot be reached any more, from then on;
         "kill": nothing of what follows counts
    """

    def __init__(self, at: int, how: str, system: "Killable") -> None:
        self.left = at
        self.how = how
        self.system = system
        self.image: dict[str, Item] = {}
        """What was on the server at the kill."""
        self.running: asyncio.Task[object] | None = None

    def __call__(self, call: str, path: str) -> None:
        if not CHANGES & set(call.split()):
            return
        self.left -= 1
        if self.left > 0 or (self.left < 0 and self.how != "away"):
            return
        if self.how == "kill" and not self.left:
            self.image = dict(self.system.server.items)
            self.system.save()
        if self.how == "away":
            raise ProblemError(Problem(Code.UNREACHABLE, "the server cannot be reached"))
        assert self.running is not None
        self.running.cancel()


class Killable(RemoteSystem):
    """Its state can go back to what it was at a kill."""

    folder: Path

    def save(self) -> None:
        self._told = len(self.events)
        self._saved = self.folder / "saved"
        self._saved.mkdir()
        for file in self.folder.glob("state.db*"):
            shutil.copy(file, self._saved)

    def go_back(self, image: dict[str, Item]) -> None:
        self.database.close()
        self.database = SqliteDatabase.open(str(self._saved / "state.db"), "daemon")
        self.server.items = image
        self.restart()
        del self.events[self._told :]


async def prepared(folder: Path, kind: str, mode: Mode) -> Killable:
    """Both sides are alike; then people have deleted, renamed and touched files here."""
    folder.mkdir(exist_ok=True)
    system = Killable(folder, kind, mode, propagate=True, guard=None)
    system.folder = folder
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


async def cut_short(system: Killable, cut: Cut) -> bool:
    """Whether a run was cut short. Afterwards nothing is in the way any more."""
    system.now += 60
    system.server.fault = cut
    cut.running = asyncio.ensure_future(system.look())
    try:
        await cut.running
        return False
    except (asyncio.CancelledError, ProblemError):
        return True
    finally:
        system.server.fault = None
        if cut.image:
            system.go_back(cut.image)
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
    for at in range(first, 100, 8):
        system = await prepared(tmp_path / str(at), kind, mode)
        is_cut = await cut_short(system, Cut(at, how, system))
        await system.settled()
        told = Counter(system.said())
        where = f"{how} at call {at}: {told} instead of {expected}"
        if how == "stop":
            assert told == expected, where
        assert all(told[one] == 1 for one in GONE), where
        system.database.close()
        if not is_cut:
            break
    assert 8 < at < 90


@pytest.mark.parametrize(
    ("path", "mode"), [("a", Mode.UPLOAD), ("a", Mode.BIDIRECTIONAL), ("f/g/a", Mode.UPLOAD)]
)
async def test_what_others_delete_after_a_deletion_has_failed_is_not_told(
    tmp_path: Path, path: str, mode: Mode
) -> None:
    """Nor is it told of a folder that could not go because of what is in it."""
    top = path.split("/")[0]
    system = RemoteSystem(tmp_path, "shell", mode, propagate=True, guard=None)
    system.near.write(path, b"a", SECOND)
    system.near.write("b", b"b", SECOND)
    await system.settled()
    system.near.remove(top)

    def refuse(call: str, at: str) -> None:
        if at == path and CHANGES & set(call.split()):
            raise ProblemError(Problem(Code.REFUSED, "not yours"))

    system.server.fault = refuse
    system.said()
    system.now += 60
    await system.look()
    assert system.said() == [f"failed {path}"] and path in system.server.files()
    system.server.fault = None
    system.server.drop(top)
    system.now += 6000
    await system.look()
    assert system.said() == [] and system.server.files() == {"b": b"b"}
    system.database.close()


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_of_an_upload_that_was_cut_off_the_next_look_tells(tmp_path: Path, how: str) -> None:
    """One file is as it was sent, one has changed again, and of one the turn had not come."""
    system = Killable(tmp_path, "bucket", Mode.UPLOAD, propagate=True, guard=None)
    system.folder = tmp_path
    await system.settled()
    for path in ("again", "same"):
        system.near.write(path, b"first", SECOND)
    system.near.write("zlater", b"z" * 5 * 2**20, SECOND)
    image: dict[str, Item] = {}

    def end(call: str, path: str) -> None:
        if {"again", "same"} <= system.server.files().keys() and not image:
            image.update(system.server.items)
            if how == "kill":
                system.save()
            running.cancel()

    system.server.fault = end
    running = asyncio.ensure_future(system.look())
    with pytest.raises(asyncio.CancelledError):
        await running
    system.server.fault = None
    if how == "kill":
        system.go_back(image)
    system.connect()
    told = system.said()
    system.near.write("again", b"second one", 2 * SECOND)
    system.server.write("again", b"of others", 3 * SECOND)
    for _ in range(3):
        system.now += 60
        await system.look()
    told += system.said()
    assert told.count("uploaded same") == told.count("uploaded zlater") == 1
    assert ("failed again" in told) is (how == "kill")
    system.database.close()
