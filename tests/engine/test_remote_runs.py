"""Whole runs of jobs whose far side is somebody else's server, in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.engine.report import RunReport
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.remote.tree import RemoteMemory
from tests.conformance.remotes import KINDS
from tests.engine.world import System
from tests.trees.remote.trees import ServerTree

SECOND = 10**9


class RemoteSystem(System):
    """One job between a tree in memory and a server in memory."""

    def __init__(self, state: Path, kind: str, mode: Mode, **rules: Any) -> None:
        super().__init__(state, mode, settle=0.0, **rules)
        self.kind = kind
        self.server = MemoryServer()
        self.remote = self.connect()

    def connect(self, memory: RemoteMemory | None = None) -> ServerTree:
        self.remote = ServerTree(self.world(), KINDS[self.kind], self.server, memory=memory)
        self.far = self.remote  # type: ignore[assignment]
        return self.remote

    def trash(self) -> dict[str, bytes]:
        """The contents in the server's trash, by their old paths."""
        return {path.split("/", 3)[3]: content for path, content in self.server.trash().items()}

    async def settled(self) -> RunReport:
        """Looks until nothing is left to do; then both sides have the same files."""
        for _ in range(6):
            self.now += 60
            report = await self.look()
            assert report.problems == [], report.problems
            if not report.acted and report.again_in is None:
                break
        assert not report.acted, "it never ends"
        assert self.server.files() == self.near.files()
        return report


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


async def test_the_server_follows_the_local_folder(tmp_path: Path, kind: str) -> None:
    system = RemoteSystem(tmp_path, kind, Mode.UPLOAD, propagate=True, guard=None)
    near, large = system.near, bytes(range(256)) * 8_000
    for number in range(30):
        near.write(f"f/{number}", b"1" * number, number * SECOND)
    near.write("g/h/x", b"x", 5 * SECOND)
    near.write("d/large", large, 5 * SECOND)
    near.make("empty")
    await system.settled()
    assert system.server.calls.count(("list", "g/h")) >= 1
    near.write("f/3", b"changed", 99 * SECOND)
    near.remove("f/4")
    near.remove("g")
    near.move("d/large", "moved/large")
    sent = system.server.sent
    await system.settled()
    assert system.server.sent - sent == len(b"changed"), "a rename sends nothing"
    assert system.trash() == {"f/3": b"111", "f/4": b"1111", "g/h/x": b"x"}
    before = len(system.server.calls)
    await system.look()
    looks = "changes" if kind == "telling" else "list"
    assert {call for call, _ in system.server.calls[before:]} == {"open", "find_out", looks}
    system.database.close()


async def test_the_local_folder_follows_the_server(tmp_path: Path, kind: str) -> None:
    system = RemoteSystem(tmp_path, kind, Mode.DOWNLOAD, propagate=True, guard=None)
    server, near = system.server, system.near
    for number in range(30):
        server.write(f"f/{number}", b"1" * number, number * SECOND)
    server.write("large", bytes(range(256)) * 8_000, 7 * SECOND, 0o600)
    await system.settled()
    large = near.entry("large")
    if KINDS[kind].modes or kind == "bucket":
        assert large is not None and (large.mtime_ns, large.mode) == (7 * SECOND, 0o600)
    server.write("f/3", b"changed", 99 * SECOND)
    server.drop("f/4")
    await system.settled()
    assert sorted(near.trash) == [("f/3", b"111"), ("f/4", b"1111")]
    system.database.close()


async def test_both_sides_follow_each_other(tmp_path: Path, kind: str) -> None:
    system = RemoteSystem(tmp_path, kind, Mode.BIDIRECTIONAL, propagate=True, guard=None)
    server, near = system.server, system.near
    near.write("a/near", b"near", SECOND)
    server.write("a/far", b"far", SECOND)
    near.write("both", b"the same", SECOND)
    server.write("both", b"the same", SECOND)
    sent = system.server.sent
    await system.settled()
    assert server.sent == sent + 4, "what is equal is not sent"
    near.write("both", b"of near", 20 * SECOND)
    server.write("both", b"of far!", 10 * SECOND)
    near.remove("a/far")
    server.drop("a/near")
    await system.settled()
    contents = sorted(near.files().values())
    assert contents == [b"of far!", b"of near"], "a conflict keeps both"
    assert ("a/near", b"near") in near.trash and system.trash()["a/far"] == b"far"
    system.database.close()


class Flaky:
    """Breaks the connection at about every seventh call, before it is done or after it."""

    def __init__(self) -> None:
        self.calls = 0
        self.cuts = 0

    def __call__(self, call: str, path: str) -> None:
        self.calls += 1
        if self.calls % 7 == 0:
            self.cuts += 1
            raise ProblemError(Problem(Code.CUT, f"the connection broke in {call}"))


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.BIDIRECTIONAL])
async def test_nothing_is_lost_however_often_the_connection_breaks(
    tmp_path: Path, kind: str, mode: Mode
) -> None:
    system = RemoteSystem(tmp_path, kind, mode, propagate=True, guard=None)
    server, near = system.server, system.near
    for number in range(12):
        near.write(f"f/{number}", b"%d" % number, SECOND)
    await system.settled()
    flaky = server.fault = Flaky()
    for number in range(8):
        near.write(f"f/{number}", b"new %d" % number, 9 * SECOND)
    near.remove("f/9")
    for _ in range(60):
        system.now += 60
        system.connect()
        try:
            report = await system.look()
        except ProblemError:
            continue
        if not report.acted and not report.problems:
            break
    assert flaky.cuts > 5
    server.fault = None
    await system.settled()
    old = {b"%d" % number for number in (*range(8), 9)}
    kept = set(server.files(ours=True).values())
    assert old <= kept, f"lost: {old - kept}"
    system.database.close()
