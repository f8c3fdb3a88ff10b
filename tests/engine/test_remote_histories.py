"""Histories of jobs with somebody else's server: people change both sides, connections break.

Whatever a person wrote is still there at the end: in its place, under another name, or in a trash;
unless people themselves changed or removed the last of it. And both sides are the same then.
"""

import random
from pathlib import Path

import pytest

from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from tests.conformance.remotes import KINDS
from tests.engine.test_remote_runs import RemoteSystem

SECOND = 10**9
NAMES = ("a", "b", "d/a", "d/b", "d/e/a", "f", "f/a")
STEPS = 12


class History:
    """One job, its people, and what must not be lost."""

    def __init__(self, seed: int, place: Path) -> None:
        self.chance = random.Random(seed)
        mode = self.chance.choice([Mode.UPLOAD, Mode.BIDIRECTIONAL, Mode.BIDIRECTIONAL])
        kind = self.chance.choice(sorted(KINDS))
        self.system = RemoteSystem(place, kind, mode, propagate=True, guard=None)
        self.written = 0
        self.kept: set[bytes] = set()
        self.cuts = 0

    def fault(self, call: str, path: str) -> None:
        if self.chance.random() < 0.04:
            self.cuts += 1
            raise ProblemError(Problem(Code.CUT, "the connection broke"))

    def act(self) -> None:
        """A person does something on one side."""
        near, server = self.system.near, self.system.server
        far = self.system.rules.mode is Mode.BIDIRECTIONAL and self.chance.random() < 0.5
        path = self.chance.choice(NAMES)
        files = server.files() if far else near.files()
        there = {one for one in files if one == path or one.startswith(f"{path}/")}
        above = {one for one in files if path.startswith(f"{one}/")}
        if self.chance.random() < 0.3:
            (server.drop if far else near.remove)(path)
            return
        for one in sorted(above | there):
            (server.drop if far else near.remove)(one)
        (server.drop if far else near.remove)(path)
        self.written += 1
        content = b"%d" % self.written
        self.kept.add(content)
        time = int(self.system.now) * SECOND
        (server.write if far else near.write)(path, content, time)

    def everywhere(self) -> set[bytes]:
        """All contents that there are."""
        near = self.system.near
        contents = {*self.system.server.files(ours=True).values(), *near.files().values()}
        return contents | {content for _, content in near.trash}

    async def look(self) -> bool:
        """A run, perhaps of a new daemon; whether it found nothing to do."""
        self.system.now += 61
        if self.chance.random() < 0.3:
            self.system.restart()
            self.system.connect()
        try:
            report = await self.system.look()
        except ProblemError:
            return False
        return not report.acted and not report.problems and report.again_in is None

    async def tell(self) -> None:
        for _ in range(STEPS):
            for _ in range(self.chance.randrange(4)):
                self.act()
                self.kept &= self.everywhere()
            self.system.server.fault = self.fault if self.chance.random() < 0.7 else None
            await self.look()
        self.system.server.fault = None
        for _ in range(12):
            self.system.now += 4_000  # what failed is tried again
            if await self.look() and await self.look():
                break
        else:
            raise AssertionError("it never ends")
        self.judge()

    def judge(self) -> None:
        near, server = self.system.near, self.system.server
        here, there = near.files(), server.files()
        assert here.items() <= there.items()
        if self.system.rules.mode is Mode.BIDIRECTIONAL:
            assert here == there  # one way, what came just before a cut is not the job's to delete
        lost = self.kept - self.everywhere()
        assert not lost


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 60])
async def test_nothing_is_lost_and_both_sides_become_the_same(seed: int, tmp_path: Path) -> None:
    history = History(seed, tmp_path)
    await history.tell()
    history.system.database.close()
