"""Names and messages that others made up, through everything that prints: nothing acts on a terminal, and no
name adds a line of its own."""

import inspect
import io
import pkgutil
import re
from collections.abc import Callable
from datetime import UTC
from importlib import import_module
from typing import Any

import click
import orjson
import pytest
from click.testing import CliRunner
from rich.console import Console

from cargo_ctl import render
from cargo_ctl.main import cargo_ctl
from cargo_ctl.render import board, history, jobs, plan, progress, transfers, trial
from cargo_ctl.watching import LiveView, PlainView
from cargo_sync.api.client import CommandError, NotRunning
from cargo_sync.api.messages import FeedMessage
from tests.cargo_ctl.examples import FAILING, NOW, PLAN_TOTALS, PLANNED, SHOWN, STATUS, SYNCING, TRANSFERS
from tests.cargo_ctl.walk import examples, walk
from tests.control.canned import Answer, canned

BAD = "n\x1b[2J\x1b]0;t\x07\x9b31m\r\nSPOOF\u202egnp\u2028\u2066\x7f[bold]x[/bold]"
LONE = BAD + "\udce9"
"""Bytes that are no text; JSON cannot hold them, a renderer may still be given them."""
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
HISTORY: dict[str, Any] = {
    "cursor": 7, "time": NOW, "kind": "error", "path": "a", "bytes": 12, "seconds": 2.5, "rate_bps": 38,
    "transfer": "1f", "message": "no",
}  # fmt: skip
STEPS = [
    {"name": "server", "ok": True, "message": "it answers", "hint": ""},
    {"name": "clock", "ok": True, "message": "41 s ahead", "hint": "set it"},
    {"name": "rate", "ok": False, "message": "busy", "hint": ""},
]
ADDED = {"name": "a", "file": "/jobs/a.json", "state": "paused"}
CANCELLED = {"id": "1f", "job": "a", "path": "b"}
STATES = {"jobs": [{"name": "a", "state": "paused"}]}
RELOADED = {"jobs": [{"name": "a", "result": "changed"}], "errors": ["b.json: bad"]}

ANSWERS: dict[str, Any] = {
    "status": STATUS,
    "job.list": {"jobs": [SYNCING, FAILING]},
    "job.show": SHOWN,
    "job.add": ADDED,
    "job.remove": ADDED,
    "job.test": {"test": "t", "ready": True, "steps": STEPS},
    "job.history": {"rows": [HISTORY], "next": None},
    "job.plan": {"run": "3f2a", "ready": True, "totals": PLAN_TOTALS, "actions": PLANNED, "next": None},
    "job.start": STATES,
    "job.pause": STATES,
    "job.reload": STATES,
    "job.sync": {"run": "3f2a"},
    "job.approve": {"run": "3f2a"},
    "transfer.list": TRANSFERS,
    "transfer.cancel": CANCELLED,
    "reload": RELOADED,
    "shutdown": {},
}
"""What each command is answered when all is well."""

RENDERERS: dict[Callable[..., Any], tuple[Any, ...]] = {
    jobs.status: (STATUS,),
    jobs.job_list: ({"jobs": [SYNCING, FAILING]}, NOW),
    jobs.explained: (FAILING, NOW),
    jobs.job_show: (SHOWN, NOW),
    jobs.states: (STATES,),
    jobs.started: ("a", {"run": "3f2a"}),
    jobs.added: (ADDED,),
    jobs.removal: ("a",),
    jobs.removed: (ADDED,),
    jobs.reloaded: (RELOADED,),
    transfers.transfer_list: (TRANSFERS,),
    transfers.cancelled: (CANCELLED,),
    plan.actions: (PLANNED,),
    plan.totals: ("a", PLAN_TOTALS, 4, False),
    history.history: ("a", [HISTORY], None, UTC),
    trial.step: (STEPS[1],),
    board.job_state: ("a", {"state": "error", "detail": "no"}),
    board.notice: ("a", {"kind": "error", "count": 2, "paths": ["b", "c"], "bytes": 3, "message": "no"}),
}
FIGURES = {"words", "table"}
"""Rooms of `render` that show no message: what `escaped` is made of, and columns of what was escaped."""
BY_THEMSELVES = {"watch", "feed", "completion", "shell"}
"""Commands that show no result: tested by what they are made of."""


def spoilt(value: Any, bad: str) -> Any:
    """`value` with every text in it hostile, names of fields too where they are data."""
    if isinstance(value, str):
        return bad
    if isinstance(value, dict):
        data = {"settings", "filters", "jobs"}
        return {
            key: {f"{bad}{number}": spoilt(one, bad) for number, one in enumerate(item.values())}
            if key in data and isinstance(item, dict)
            else spoilt(item, bad)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(spoilt(one, bad) for one in value)
    return value


def clean(text: str) -> None:
    assert not UNSAFE.search(text), ascii(text)
    assert "SPOOF" in text or not text.strip(), "the name is shown, escaped"
    assert not re.search("^SPOOF", text, re.MULTILINE), "a name made a line"


@pytest.mark.parametrize("bad", [BAD, LONE], ids=["text", "no text"])
@pytest.mark.parametrize("function", RENDERERS, ids=lambda function: function.__qualname__)
def test_every_renderer(function: Callable[..., Any], bad: str) -> None:
    clean(function(*spoilt(RENDERERS[function], bad)))


def test_no_renderer_is_left_out() -> None:
    for room in pkgutil.iter_modules(render.__path__):
        if room.name in FIGURES:
            continue
        module = import_module(f"cargo_ctl.render.{room.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            takes = str(inspect.signature(function)) if function.__module__ == module.__name__ else ""
            if name.startswith("_") or not ("Mapping" in takes or "name" in takes):
                continue
            if function in (progress.progress, progress.pace, progress.moving):
                continue  # numbers alone
            assert function in RENDERERS, f"add an example of {room.name}.{name} to RENDERERS"


def leaves() -> dict[str, str]:
    """The first example of every command that speaks to a daemon or a server, by its name."""
    found: dict[str, str] = {}
    for name, command in walk(cargo_ctl, "cargo_ctl"):
        short = name.removeprefix("cargo_ctl ")
        if not isinstance(command, click.Group) and short not in BY_THEMSELVES:
            found[short] = next(line for line in examples(command.help or "") if line.startswith(name))
    return found


LEAVES = leaves()


@pytest.fixture
def files(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the examples name."""
    (tmp_path / "photos.json").write_text("{}")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_that_is_answered(runtime: str, files: None, name: str) -> None:
    answers: dict[str, Answer] = {}
    for cmd, answer in ANSWERS.items():
        bad = spoilt(answer, BAD)
        answers[cmd] = bad if isinstance(bad, dict) else {}
    with canned(runtime, answers), canned(runtime, answers, "server"):
        plain = CliRunner().invoke(cargo_ctl, LEAVES[name].removesuffix(" --json").split()[1:])
        json = CliRunner().invoke(cargo_ctl, [*LEAVES[name].removesuffix(" --json").split()[1:], "--json"])
    assert "there is no command" not in plain.output, f"add an answer of {name} to ANSWERS"
    assert plain.exception is None or isinstance(plain.exception, SystemExit), plain.exception
    if name != "shutdown":
        clean(plain.output)
    assert not UNSAFE.search(json.stdout) and len(json.stdout.splitlines()) == 1
    orjson.loads(json.stdout)


@pytest.mark.parametrize("code", ["unknown_job", "bad_config", "a new one"])
@pytest.mark.parametrize("name", LEAVES)
def test_every_command_that_is_refused(
    runtime: str, files: None, name: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise CommandError(code, BAD, BAD)

    monkeypatch.setattr("cargo_sync.api.client.Client.call", refuse)
    words = LEAVES[name].removesuffix(" --json").split()[1:]
    with canned(runtime, {}), canned(runtime, {}, "server"):
        result = CliRunner().invoke(cargo_ctl, words)
    assert result.exit_code in (1, 2)
    assert not UNSAFE.search(result.output), ascii(result.output)
    if code != "bad_config":  # there a line a problem is meant
        assert len(result.stderr.splitlines()) == 1


def test_no_answer_at_all(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise NotRunning("ipc://x", LONE)

    monkeypatch.setattr("cargo_sync.api.client.Client.call", gone)
    with canned(runtime, {}):
        result = CliRunner().invoke(cargo_ctl, ["status"])
    assert result.exit_code == 3
    clean(result.stderr)


def messages() -> list[FeedMessage]:
    """One of each kind, about things with a hostile name."""
    topics = {
        "status/": ("status", STATUS),
        "progress/": ("progress", SYNCING["progress"]),
        "job/n%1B%0D%0ASPOOF/status": ("status", {"state": "error", "detail": "x", "next_at": NOW + 9}),
        "job/n%1B%0D%0ASPOOF/progress": ("progress", SYNCING["progress"]),
        "job/m%1B%0ASPOOF/status": ("status", {"state": "held", "detail": "x", "next_at": None}),
        "transfer/%1B%0ASPOOF/": ("transfer", TRANSFERS["transfers"][0]),
        "notice/n%1B%0ASPOOF/": ("notice", {"kind": "error", "count": 2, "paths": ["a"], "message": "m"}),
    }  # fmt: skip
    return [
        FeedMessage(topic, type, "e", number, NOW, spoilt(fields, LONE))
        for number, (topic, (type, fields)) in enumerate(topics.items())
    ]


def test_watching_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    view = PlainView()
    for message in messages():
        view.take(message)
    view.say(LONE)
    out, err = capsys.readouterr()
    clean(out)
    clean(err)


def test_watching_on_a_terminal() -> None:
    class Screen:
        """Rich's live display, as far as the view uses it."""

        def __init__(self) -> None:
            self.file = io.StringIO()
            self.console = Console(file=self.file, force_terminal=True, color_system="standard", width=400)

        def update(self, picture: Any, *, refresh: bool) -> None:
            self.console.print(picture)

    screen = Screen()
    view = LiveView(screen)  # type: ignore[arg-type]
    for message in messages():
        view.take(message)
    view.say(LONE)
    view.draw()
    shown = re.sub(r"\x1b\[[0-9;]*m", "", screen.file.getvalue())  # rich's own colours
    clean(shown)
    assert "[bold]x[/bold]" in shown, "names are no markup either"


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_the_feed_as_it_is(runtime: str, json: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def receive(self: Any, timeout: float | None = None) -> FeedMessage:
        if not waiting:
            raise NotRunning("x", "the daemon went away")
        return waiting.pop(0)

    waiting = messages()
    monkeypatch.setattr("cargo_sync.api.client.Subscription.receive", receive)
    with canned(runtime, {}):
        result = CliRunner().invoke(cargo_ctl, ["feed", *json])
    assert not UNSAFE.search(result.output)
    assert len(result.stdout.splitlines()) == len(messages()) + len(json)
