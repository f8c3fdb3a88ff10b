"""Uploads that were cut off: what a server has of them is not taken for somebody else's change."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model.actions import Op
from cargo_sync.model.conflicts import ConflictPolicy
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from tests.conformance.remotes import BUCKET, KINDS
from tests.engine.test_remote_runs import SECOND, RemoteSystem

FIRST, SECOND_ONE, OTHERS = b"first", b"second one", b"other"
"""What was sent, what the local file has then, and what somebody else has written: as long as what
was sent."""


class CutOff(RemoteSystem):
    """A job whose upload of a file was cut off; then the local file has changed."""

    path = "a"

    def __init__(self, state: Path, kind: str, mode: Mode, **rules: Any) -> None:
        super().__init__(state, kind, mode, propagate=True, guard=None, **rules)

    async def cut(self, when: str = "put done") -> None:
        """The answer to the upload does not come, or the call does not reach the server."""

        def fault(call: str, path: str) -> None:
            if (call, path) == (when, self.path):
                raise ProblemError(Problem(Code.CUT, "the connection broke"))

        self.now += 60
        self.near.write(self.path, FIRST, SECOND)
        self.server.fault = fault
        with pytest.raises(ProblemError):
            await self.look()
        self.server.fault = None
        assert f"failed {self.path}" in self.said()
        self.near.write(self.path, SECOND_ONE, 2 * SECOND)

    def contents(self) -> list[bytes]:
        return sorted(self.server.files().values())


@pytest.fixture(params=["bucket", "blind"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A server that has our hashes, and one of which all contents must be read."""
    monkeypatch.setitem(KINDS, "blind", replace(BUCKET, hashes=False))
    return str(request.param)


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.BIDIRECTIONAL])
@pytest.mark.parametrize("before", [b"", b"before"], ids=["new", "newer"])
@pytest.mark.parametrize("path", ["a", "folder/a"])
async def test_what_has_arrived_is_ours(
    tmp_path: Path, kind: str, mode: Mode, before: bytes, path: str
) -> None:
    system = CutOff(tmp_path, kind, mode)
    system.path = path
    if before:
        system.near.write(path, before, SECOND)
    await system.settled()
    system.said()
    await system.cut()
    assert system.server.files() == {path: FIRST}
    system.restart()
    system.connect()
    await system.settled()
    assert system.said() == [f"adopted {path}", f"uploaded {path}"]
    assert system.server.files() == {path: SECOND_ONE}
    assert FIRST in system.server.files(ours=True).values(), "it is in the trash"
    assert system.memory.folders.uncertain.all() == {}
    system.database.close()


def of_others(system: CutOff) -> None:
    system.server.write("a", OTHERS, 3 * SECOND)


def taken_away(system: CutOff) -> None:
    system.server.drop("a")


def as_before(system: CutOff) -> None:
    system.near.write("a", FIRST, 9 * SECOND)


def gone_here(system: CutOff) -> None:
    system.near.remove("a")


@pytest.mark.parametrize(
    ("when", "happens", "contents", "said"),
    [
        ("put done", of_others, [OTHERS, SECOND_ONE], "conflict a"),
        ("put done", taken_away, [SECOND_ONE], "uploaded a"),
        ("put", of_others, [OTHERS, SECOND_ONE], "conflict a"),
        ("put", taken_away, [SECOND_ONE], "uploaded a"),
        ("put done", as_before, [FIRST], "adopted a"),
        ("put done", gone_here, [FIRST], "downloaded a"),
    ],
)
async def test_nothing_else_is_ours(
    tmp_path: Path,
    kind: str,
    when: str,
    happens: Callable[[CutOff], None],
    contents: list[bytes],
    said: str,
) -> None:
    system = CutOff(tmp_path, kind, Mode.BIDIRECTIONAL)
    await system.settled()
    await system.cut(when)
    happens(system)
    await system.settled()
    assert system.contents() == contents and said in system.said()
    assert system.memory.folders.uncertain.all() == {}
    system.database.close()


async def test_what_is_not_ours_is_read_for_that_once(tmp_path: Path, kind: str) -> None:
    """A conflict that waits for a person is looked at each time."""
    system = CutOff(tmp_path, kind, Mode.BIDIRECTIONAL, conflicts=ConflictPolicy.ASK)
    await system.settled()
    await system.cut()
    of_others(system)
    uncertain = system.memory.folders.uncertain
    await system.run().preview()
    assert uncertain.all().keys() == {"a"}, "a preview stores nothing"
    await system.look()
    assert uncertain.all() == {} and system.server.files() == {"a": OTHERS}
    before = len(system.server.calls)
    system.now += 60
    await system.look()
    assert {call for call, _ in system.server.calls[before:]} == {"open", "find_out", "list"}
    system.database.close()


@pytest.mark.parametrize("kind", ["bucket"])
async def test_a_preview_shows_what_a_run_would_do(tmp_path: Path, kind: str) -> None:
    system = CutOff(tmp_path, kind, Mode.BIDIRECTIONAL)
    await system.settled()
    await system.cut()
    run = system.run()
    await run.preview()
    page = system.memory.planned.page(run.report.run, 0, 10)
    assert page is not None
    assert [(one.direction, one.action.op) for one in page.actions] == [(Mode.UPLOAD, Op.PUT)]
    assert system.memory.folders.uncertain.all().keys() == {"a"}
    system.database.close()
