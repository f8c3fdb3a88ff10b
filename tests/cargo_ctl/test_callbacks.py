"""`cargo_ctl callback …`: its requests, its output, its exit codes."""

from typing import Any

import pytest

from cargo_ctl.render import callbacks
from cargo_sync.api.messages import ControlError
from tests.cargo_ctl.test_commands import run, transcript
from tests.control.canned import canned

NOW = 1_700_000_000.0
ROWS: list[dict[str, Any]] = [
    {
        "id": "msg_1", "job": "nightly", "event": "onFinish", "transfer": "ab",
        "file": "a\x1b[2J.txt",
        "state": "pending", "created": NOW - 90, "attempts": 2, "next_at": NOW + 30,
        "error": "answered 503",
    },
    {
        "id": "msg_2", "job": "nightly", "event": "onIdle", "transfer": None, "file": None,
        "state": "dead", "created": NOW - 3 * 86400, "attempts": 0, "next_at": None, "error": "",
    },
]  # fmt: skip


def listed(args: dict[str, Any]) -> dict[str, Any]:
    """The list in pages of one."""
    after = args["after"]
    return {
        "callbacks": ROWS[after : after + 1],
        "totals": {"pending": 1, "dead": 1},
        "next": after + 1 if after + 1 < len(ROWS) else None,
    }


def test_what_waits() -> None:
    result = {"callbacks": ROWS, "totals": {"pending": 1, "dead": 1200}}
    assert callbacks.callback_list(result, NOW) == (
        "ID     JOB      EVENT     STATE           AGE  TRIES  DUE      FILE          ERROR\n"
        "msg_1  nightly  onFinish  pending  1 min 30 s      2  in 30 s  a\\x1b[2J.txt  answered "
        "503\n"
        "msg_2  nightly  onIdle    dead            3 d\n"
        "1 waiting, 1,200 given up"
    )
    assert callbacks.callback_list({"callbacks": [], "totals": {"pending": 0, "dead": 0}}, NOW) == (
        "no callbacks are waiting"
    )


def test_pages_are_put_together(runtime: str) -> None:
    with canned(runtime, {"callback.list": listed}) as daemon:
        assert len(run("callback", "list").stdout.splitlines()) == 4
        run("callback", "list", "nightly", "--state", "dead", "--limit", "1", "--json")
        assert daemon.asked[-1] == (
            "callback.list",
            {"job": "nightly", "state": "dead", "after": 0, "limit": 1},
        )


def test_retry(runtime: str) -> None:
    answers = {"callback.retry": lambda args: {"count": 0 if args else 1200}}
    assert transcript(runtime, answers, "callback retry --all", "callback retry --job a") == (
        "$ callback retry --all\n1,200 callbacks will be tried now\n"
        "$ callback retry --job a\nno callbacks to retry"
    )
    unknown = {"callback.retry": ControlError("unknown_callback", 'no callback "x" waits', "look")}
    assert transcript(runtime, unknown, "callback retry x").endswith("(look)\nexit 2")


@pytest.mark.parametrize(
    "line", ["callback retry", "callback retry x --all", "callback retry --job a --all"]
)
def test_retry_of_what(runtime: str, line: str) -> None:
    assert run(*line.split()).exit_code == 2


def test_a_test_callback(runtime: str) -> None:
    def answer(args: dict[str, Any]) -> dict[str, Any]:
        good = args.get("event") != "onError"
        return {
            "job": args["job"], "event": args.get("event", "onStart"), "delivered": good,
            "status": 204 if good else None, "seconds": 0.125, "error": "" if good else "no\x07",
        }  # fmt: skip

    assert transcript(
        runtime, {"callback.test": answer}, "callback test a", "callback test a onError"
    ) == (
        "$ callback test a\nonStart of a: accepted with status 204 in 0.12 s\n"
        "$ callback test a onError\nonError of a: not accepted after 0.12 s: no\\x07\nexit 1"
    )
