"""Histories of jobs with somebody else's server: people change both sides, connections break.

Whatever a person wrote, and nobody changed or removed after that, is still there at the end: in its
place, under another name, or in a trash. And both sides are the same then.
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
            self.kept -= {files[one] for one in there}
            (server.drop if far else near.remove)(path)
            return
        self.kept -= {files[one] for one in there | above}
        for one in sorted(above | there):
            (server.drop if far else near.remove)(one)
        (server.drop if far else near.remove)(path)
        self.written += 1
        content = b"%d" % self.written
        self.kept.add(content)
        time = int(self.system.now) * SECOND
        (server.write if far else near.write)(path, content, time)

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
        everywhere = {*server.files(ours=True).values(), *near.files().values()}
        everywhere |= {content for _, content in near.trash}
        assert self.kept <= everywhere, f"lost: {self.kept - everywhere}"


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_is_lost_and_both_sides_become_the_same(seed: int, tmp_path: Path) -> None:
    history = History(seed, tmp_path)
    await history.tell()
    history.system.database.close()
