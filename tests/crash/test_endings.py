"""The script's own logic: which ends are planned, and what becomes of a program that is killed."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.crash import battlefield
from tests.crash.battlefield import PROGRAMS, Battlefield
from tests.crash.endings import Ending, meaning
from tests.crash.seam import BROKEN, Seam

KILLED = -signal.SIGKILL


@pytest.mark.parametrize(
    ("code", "fault", "told", "ending"),
    [
        (0, "", True, Ending.DONE),
        (0, "kill", True, Ending.DONE),
        (0, "eio", True, Ending.DONE),
        (KILLED, "kill", True, Ending.FAULT),
        (KILLED, "kill", False, Ending.FAULT),
        (1, "eio", False, Ending.FAULT),
        (1, "eio", True, Ending.FAULT),
        (0, "", False, Ending.WRONG),
        (0, "kill", False, Ending.WRONG),
        (1, "", True, Ending.WRONG),
        (1, "kill", True, Ending.WRONG),
        (1, "kill", False, Ending.WRONG),
        (KILLED, "", True, Ending.WRONG),
        (KILLED, "eio", True, Ending.WRONG),
        (-signal.SIGSEGV, "kill", True, Ending.WRONG),
        (-signal.SIGSEGV, "eio", False, Ending.WRONG),
    ],
)
def test_what_an_end_means(code: int, fault: str, told: bool, ending: Ending) -> None:
    assert meaning(code, fault, told=told) is ending


class Played(Battlefield):
    """Its programs only note that they started, and end as `ends` says, one start after another."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ends = {name: [0] for name in PROGRAMS}
        self._begun = dict.fromkeys(PROGRAMS, 0)

    def command(self, name: str) -> list[str]:
        super().command(name)
        self._begun[name] += 1
        code = self.ends[name].pop(0)
        end = f"os.kill(os.getpid(), {-code})" if code < 0 else f"os._exit({code})"
        program = (
            "import os, signal\n"
            f"signal.signal(signal.SIGTERM, lambda *_: {end})\n"
            f"open({str(self.folder / name)!r} + '.up', 'a').write('up ')\n"
            "while True: signal.pause()"
        )
        return [sys.executable, "-c", program]

    def starts(self, name: str) -> int:
        up = self.folder / f"{name}.up"
        return len(up.read_text().split()) if up.exists() else 0

    def until_all_arrived(self) -> None:
        """There is nothing to arrive."""

    def _is_up(self, name: str) -> bool:
        return self.starts(name) == self._begun[name]


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Played]:
    one = Played(tmp_path)
    yield one
    one.close()


def begin(field: Played) -> None:
    for name in PROGRAMS:
        field._start_again(name)


@pytest.mark.parametrize("victim", PROGRAMS)
def test_a_kill_at_the_very_end_is_the_fault_and_the_program_starts_again(
    field: Played, victim: str
) -> None:
    field.seams[victim] = ("kill", 295)
    field.ends[victim] = [KILLED, 0]
    begin(field)
    field.end()
    assert field.findings.fired
    assert field.findings.sound, field.findings
    assert field.starts(victim) == 2


def test_who_comes_to_no_fault_and_ends_as_told_is_not_counted(field: Played) -> None:
    field.seams["server"] = ("kill", 10_000)
    begin(field)
    field.end()
    assert not field.findings.fired
    assert field.findings.sound


@pytest.mark.parametrize("code", [1, KILLED])
def test_an_end_that_nobody_planned_is_wrong(field: Played, code: int) -> None:
    field.seams["daemon"] = ("kill", 7)
    field.ends["server"] = [code]
    begin(field)
    field.end()
    assert not field.findings.fired
    assert field.findings.wrong == [f"the server ended with {code}"]


def test_a_fault_comes_once_a_program_that_dies_of_it_again_is_wrong(field: Played) -> None:
    field.seams["server"] = ("kill", 7)
    field.ends["server"] = [KILLED, KILLED]
    begin(field)
    field.end()
    assert field.findings.fired
    assert field.findings.wrong == [f"the server ended with {KILLED}"]


def test_a_program_that_ends_by_itself_ends_the_case(field: Played) -> None:
    field.ends["server"] = [3]
    begin(field)
    os.kill(field.pid("server"), signal.SIGTERM)
    field.until(lambda: field.has_ended("server"), "the server has ended")
    with pytest.raises(pytest.fail.Exception, match="the server ended with 3"):
        field._has_all_arrived()


def test_a_wait_begins_again_when_a_program_was_started_again(
    field: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    clock = SimpleNamespace(monotonic=lambda: now, sleep=lambda seconds: None)

    def look() -> bool:
        nonlocal now
        now += 50.0
        if now == 100.0:
            field.ends["server"] = [0]
            field._start_again("server")
        return False

    monkeypatch.setattr(battlefield, "time", clock)
    with pytest.raises(pytest.fail.Exception, match="waited in vain: it"):
        field.until(look, "it", 120.0)
    assert now >= 250.0


def test_one_call_fails_and_leaves_a_mark_a_commit_cannot_fail(tmp_path: Path) -> None:
    counted = tmp_path / "daemon.calls"
    mark = counted.with_suffix(BROKEN)
    seam = Seam("eio", 2, counted)
    seam.reach("write")
    seam.reach("commit")
    assert not mark.exists()
    with pytest.raises(OSError, match="injected into rename"):
        seam.reach("rename")
    assert mark.exists()
    seam.reach("rename")


def test_without_a_number_no_call_fails(tmp_path: Path) -> None:
    seam = Seam("eio", 0, tmp_path / "daemon.calls")
    for _ in range(3):
        seam.reach("write")
    assert list(tmp_path.iterdir()) == []
