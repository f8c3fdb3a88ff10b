"""The command line, against a daemon that answers from a table."""

import contextlib
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from cargo_ctl.main import cargo_ctl
from cargo_ctl.reach import HOW_TO_START
from cargo_sync.api.client import Subscription
from cargo_sync.api.messages import ControlError, FeedMessage
from cargo_sync.api.renamed import RENAMED_WORDS
from tests.cargo_ctl.examples import PLAN_TOTALS, PLANNED, STATUS, TRANSFERS
from tests.control.canned import Answer, canned


def run(*args: str) -> Result:
    return CliRunner().invoke(cargo_ctl, args)


def transcript(runtime: str, answers: Mapping[str, Answer], *lines: str) -> str:
    """Each command line, its output, and its exit code if that is not 0."""
    told = []
    with canned(runtime, answers):
        for line in lines:
            result = run(*line.split())
            told.append(f"$ {line}\n{result.output.rstrip()}")
            if result.exit_code:
                told.append(f"exit {result.exit_code}")
    return "\n".join(told)


def test_no_daemon(runtime: str) -> None:
    result = run("status")
    assert (result.exit_code, result.stdout) == (3, "")
    message = f"no daemon is running in {runtime}, which CARGO_RUNTIME_DIR names"
    assert result.stderr == (f"cargo_ctl: {message} ({HOW_TO_START})\n")
    result = run("--json", "job", "list")
    assert (result.exit_code, result.stderr) == (3, "")
    assert orjson.loads(result.stdout) == {
        "error": {
            "code": "not_running",
            "message": message,
            "hint": HOW_TO_START,
        }
    }
    for line in (
        ["watch"],
        ["feed"],
        ["shutdown"],
        ["job", "plan", "a"],
        ["status", "--connect", "other"],
    ):
        assert run(*line).exit_code == 3


def test_job_speed(runtime: str) -> None:
    def ordered(args: dict[str, Any]) -> dict[str, Any]:
        speed = {"10mbps": 10_000_000, "none": None, None: 50_000_000}[args["speed"]]
        override = {} if args["speed"] is None else {"override": speed}
        return {"job": args["job"], "speed": {"file": 50_000_000, "now": speed} | override}

    lines = [f"job speed a {word}" for word in ("10mbps", "none", "reset")]
    assert transcript(runtime, {"job.speed": ordered}, *lines) == (
        "$ job speed a 10mbps\n"
        "a: 10mbps by command (the file says 50mbps)\n"
        "$ job speed a none\n"
        "a: no limit by command (the file says 50mbps)\n"
        "$ job speed a reset\n"
        "a: 50mbps"
    )


def test_jobs(runtime: str) -> None:
    def paused(args: dict[str, Any]) -> dict[str, Any]:
        names = [args["job"]] if "job" in args else ["a", "b"]
        return {"jobs": [{"name": name, "state": "paused"} for name in names]}

    answers: dict[str, Answer] = {
        "job.pause": paused,
        "job.show": ControlError(
            "unknown_job", 'there is no job "nigthly"', 'did you mean "nightly"?'
        ),
        "job.approve": ControlError("not_held", 'the job "a" is not held'),
        "job.sync": {"run": "3f2a"},
        "reload": {
            "jobs": [{"name": "a", "result": "changed"}],
            "errors": ["b.json: bad sleep"],
        },
        "shutdown": {},
        "transfer.list": TRANSFERS,
    }
    assert transcript(
        runtime,
        answers,
        "job pause a",
        "job pause --all",
        "job show nigthly",
        "job approve a",
        "job sync a",
        "job list",
        "reload",
        "shutdown",
    ) == (
        "$ job pause a\n"
        "a: paused\n"
        "$ job pause --all\n"
        "a: paused\n"
        "b: paused\n"
        "$ job show nigthly\n"
        'cargo_ctl: there is no job "nigthly" (did you mean "nightly"?)\n'
        "exit 2\n"
        "$ job approve a\n"
        'cargo_ctl: the job "a" is not held\n'
        "exit 1\n"
        "$ job sync a\n"
        "a: run 3f2a starts; to watch it: cargo_ctl watch\n"
        "$ job list\n"
        'cargo_ctl: there is no command "job.list" (`cargo_ctl --help` lists all commands)\n'
        "exit 2\n"
        "$ reload\n"
        "a: changed\n"
        "error: b.json: bad sleep\n"
        "exit 2\n"
        "$ shutdown\n"
        "the daemon is stopping"
    )


@pytest.mark.parametrize(
    "line",
    ["job pause", "job pause a --all", "job show", "jobs", "job plan a --limit 0"],
)
def test_wrong_usage(runtime: str, line: str) -> None:
    result = run(*line.split())
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_command_that_there_is_not() -> None:
    assert "No such command 'jobs'. Did you mean 'job'?" in run("jobs").stderr
    assert "No such command 'plan'." in run("plan").stderr


@pytest.mark.parametrize(("old", "new"), RENAMED_WORDS.items())
def test_a_command_that_has_another_name_now(old: str, new: str) -> None:
    result = run(old)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"No such command {old!r}. Did you mean {new!r}?" in result.stderr
    assert run(new, "--help").exit_code == 0


@pytest.mark.parametrize(
    "line", ["--json transfer list", "transfer --json list", "transfer list --json"]
)
def test_json_before_or_after(runtime: str, line: str) -> None:
    with canned(runtime, {"transfer.list": TRANSFERS}):
        result = run(*line.split())
    assert result.exit_code == 0
    assert orjson.loads(result.stdout) == TRANSFERS
    assert len(result.stdout.splitlines()) == 1


def test_json_holds_no_control_characters(runtime: str) -> None:
    hostile = {"state": "\x9b31m\u202e\u2028"}
    with canned(runtime, {"status": hostile}):
        result = run("status", "--json")
    assert result.stdout == '{"state":"\\u009b31m\\u202e\\u2028"}\n'
    assert orjson.loads(result.stdout) == hostile


@pytest.mark.parametrize("line", ["--connect two status", "status --connect two"])
def test_one_of_several_daemons(runtime: str, line: str) -> None:
    two = STATUS | {"state": "paused"}
    with canned(runtime, {"status": STATUS}, "one"), canned(runtime, {"status": two}, "two"):
        assert run(*line.split()).stdout.startswith("paused: ")
        result = run("status")
    assert result.exit_code == 2
    assert result.stderr == (
        "cargo_ctl: several daemons are running; choose one with --connect NAME:\n"
        f"  one            ipc://{runtime}/one/commands\n"
        f"  two            ipc://{runtime}/two/commands\n"
    )


def planning(args: dict[str, Any]) -> dict[str, Any]:
    """A plan that is ready at once, in pages of two at most."""
    if "run" not in args:
        return {"run": "3f2a", "state": "planning"}
    after = args["after"]
    end = after + min(args["limit"], 2)
    return {
        "run": args["run"],
        "ready": True,
        "totals": PLAN_TOTALS,
        "actions": PLANNED[after:end],
        "next": end if end < len(PLANNED) else None,
    }


def test_a_plan_in_pages(runtime: str) -> None:
    assert transcript(runtime, {"job.plan": planning}, "job plan a", "job plan a --limit 3") == (
        "$ job plan a\n"
        "OP            SIZE  WHY                       PATH\n"
        "mkdir               new                       new\n"
        "put        12.3 MB  new                       new/a b.bin\n"
        "overwrite      5 B  changed                   old\\x1b.txt\n"
        "delete         7 B  gone at the source        gone.txt\n"
        "1 put, 1 mkdir, 1 delete, 1 overwrite, 12.3 MB\n"
        "nothing was done; to do it now: cargo_ctl job sync a\n"
        "$ job plan a --limit 3\n"
        "OP            SIZE  WHY                       PATH\n"
        "mkdir               new                       new\n"
        "put        12.3 MB  new                       new/a b.bin\n"
        "overwrite      5 B  changed                   old\\x1b.txt\n"
        "1 put, 1 mkdir, 1 delete, 1 overwrite, 12.3 MB (the first 3 are listed)\n"
        "nothing was done; to do it now: cargo_ctl job sync a"
    )


def test_a_plan_is_waited_for_and_printed_as_json(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("cargo_ctl.commands.job.time.sleep", waits.append)

    def later(args: dict[str, Any]) -> dict[str, Any]:
        return planning(args) | (
            {} if len(waits) >= 2 else {"ready": False, "actions": [], "next": None}
        )

    with canned(runtime, {"job.plan": later}):
        result = run("job", "plan", "a", "--json")
    assert len(waits) == 2
    assert orjson.loads(result.stdout) == {"run": "3f2a", "totals": PLAN_TOTALS, "actions": PLANNED}


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        (
            "feed --topic notice/",
            'notice/a/ {"epoch":"e1","seq":1,"time":1700000000.0,"type":"notice",'
            '"cursor":7,"replay":true,'
            '"kind":"moved"}\n',
        ),
        (
            "feed --topic notice/ --json",
            '{"topic":"notice/a/","epoch":"e1","seq":1,"time":1700000000.0,"type":"notice","cursor":7,'
            '"replay":true,"kind":"moved"}\n'
            '{"error":{"code":"not_running","message":"the daemon went away",'
            f'"hint":"{HOW_TO_START}"}}}}\n',
        ),
    ],
)
def test_feeds_until_the_daemon_ends(
    runtime: str, command: str, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = Subscription.receive

    def receive_then_end(self: Subscription, timeout: float | None = None) -> FeedMessage | None:
        message = receive(self, timeout)
        if message is not None:
            daemon.end()
        return message

    monkeypatch.setattr(Subscription, "receive", receive_then_end)
    with canned(runtime, {}) as daemon:
        daemon.tell(
            lambda publisher: publisher.publish("notice/a/", "notice", {"kind": "moved"}, cursor=7)
        )
        daemon.tell(
            lambda publisher: publisher.publish("job/a/status", "status", {"state": "syncing"})
        )
        result = run(*command.split())
    assert (result.exit_code, result.stdout) == (3, printed)


def test_watch_waits_for_a_daemon_that_has_ended(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive = Subscription.receive
    states = iter(("syncing", "synced"))
    daemons = contextlib.ExitStack()

    def start() -> None:
        daemon = daemons.enter_context(canned(runtime, {}))
        state = next(states)
        daemon.tell(lambda publisher: publisher.publish("job/a/status", "status", {"state": state}))

    seen: list[str] = []

    def receive_then_end(self: Subscription, timeout: float | None = None) -> FeedMessage | None:
        if seen == ["syncing", "synced"]:
            raise KeyboardInterrupt
        message = receive(self, timeout)
        if message is not None:
            seen.append(message.fields["state"])
            if len(seen) == 1:
                daemons.close()
        return message

    monkeypatch.setattr(Subscription, "receive", receive_then_end)
    monkeypatch.setattr("cargo_ctl.commands.feed.sleep", lambda _seconds: start())
    with daemons:
        start()
        result = run("watch")
    assert (result.exit_code, result.stdout) == (0, "a: syncing\na: synced\n")
    assert result.stderr == (
        "the daemon has ended; waiting for it to come back (Ctrl-C ends this)\n"
    )


def test_a_topic_that_never_comes_is_refused(runtime: str) -> None:
    result = run("feed", "--topic", "notices/")
    assert result.exit_code == 2
    assert "no topic begins with 'notices/'; did you mean \"notice/\"?" in result.stderr
