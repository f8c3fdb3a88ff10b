"""`cargo_ctl log`, against a daemon that answers from a table."""

import re
import time
from typing import Any

import orjson
import pytest

from tests.cargo_ctl.examples import LOGGED
from tests.cargo_ctl.test_commands import run
from tests.control.canned import canned

POLL = 0.5


def test_lines_can_do_nothing_to_a_terminal(runtime: str) -> None:
    with canned(runtime, {"log": LOGGED}):
        result = run("log")
        assert orjson.loads(run("log", "--json").stdout.splitlines()[1]) == LOGGED["rows"][1]
    told = [re.sub(r"^\d{4}-\d\d-\d\dT[\d:]{8} ", "", each) for each in result.stdout.splitlines()]
    assert told == [
        "INFO - up",
        "ERROR my docs\\x1b[31m failed: b\\x07",
        "    Traceback",
        "      ValueError: \\x1b[2J",
    ]


def test_following(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    left = [LOGGED, LOGGED | {"rows": [], "next": 3}, LOGGED | {"lost": 2}]

    def answer(args: dict[str, Any]) -> dict[str, Any]:
        asked.append(args)
        return left.pop(0)

    real = time.sleep

    def wait(seconds: float) -> None:
        if seconds == POLL and not left:
            raise KeyboardInterrupt
        real(min(seconds, 0.01))

    monkeypatch.setattr(time, "sleep", wait)
    with canned(runtime, {"log": answer}):
        result = run("log", "--follow", "-n", "5", "--level", "warning", "--job", "a")
    assert result.exit_code == 0
    only = {"level": "warning", "job": "a"}
    # Lower numbers than before come from a restarted process: all its lines are wanted.
    assert asked == [only | {"limit": 5}, only | {"after": 9}, only | {"after": 0}]
    assert result.stderr == "(2 lines before these are no longer kept)\n"


def test_nothing_to_tell(runtime: str) -> None:
    with canned(runtime, {"log": {"rows": [], "next": 0, "lost": 0}}):
        assert run("log").stdout == "nothing was logged\n"
        assert run("log", "--json").stdout == ""


def test_wrong_usage(runtime: str) -> None:
    for line in (["-n", "0"], ["-n", "1001"], ["--level", "loud"]):
        assert run("log", *line).exit_code == 2
    assert run("log").exit_code == 3
