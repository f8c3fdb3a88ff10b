"""Hostile names and messages in all output: no terminal is controlled, and no line is added."""

import inspect
import io
import pkgutil
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
from click.testing import CliRunner
from rich.console import Console

from cargo_ctl import render
from cargo_ctl.main import cargo_ctl
from cargo_ctl.render.board import Board
from cargo_ctl.render.server_board import ServerBoard
from cargo_ctl.watching import LiveView, PlainView
from cargo_sync.api.client import CommandError, NotRunning
from cargo_sync.api.messages import FeedMessage
from tests.cargo_ctl.answers import (
    ANSWERS,
    FEED,
    FIGURES,
    MADE_OF_THESE,
    NUMBERS_ALONE,
    RENDERERS,
    SERVER_FEED,
)
from tests.cargo_ctl.examples import NOW
from tests.cargo_ctl.walk import examples, walk
from tests.control.canned import Answer, canned

BAD = "n\x1b[2J\x1b]0;t\x07\x9b31m\r\nSPOOF\u202egnp\u2028\u2066\x7f[bold]x[/bold]"
LONE = BAD + "\udce9"
"""Bytes that are not valid text; JSON cannot have them, but a renderer may get them."""
UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
BY_THEMSELVES = {"watch", "feed", "completion", "shell", "copy", "job edit", "top"} | {
    f"web user {verb}" for verb in ("list", "add", "passwd", "remove")
}
"""Commands that show no result: their parts are tested."""
NAMELESS = {"shutdown", "callback retry", "trash empty", "node recovery-key"}
"""Commands whose result has no text from elsewhere."""


def spoilt(value: Any, bad: str) -> Any:
    """`value` with hostile text in every place, also in names of fields that are data."""
    if isinstance(value, str):
        return bad
    if isinstance(value, dict):
        data = {"settings", "filters", "jobs", "args", "grants"}
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
    assert "bold]" in text or not text.strip(), "the name, or its last part, is shown, escaped"
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
            takes = (
                str(inspect.signature(function)) if function.__module__ == module.__name__ else ""
            )
            if name.startswith("_") or not ("Mapping" in takes or "name" in takes):
                continue
            if function in NUMBERS_ALONE | MADE_OF_THESE:
                continue
            assert function in RENDERERS, f"add an example of {room.name}.{name} to RENDERERS"


def leaves() -> dict[str, str]:
    """The first example of every command that needs a daemon or a server, by command name."""
    found: dict[str, str] = {}
    for name, command in walk(cargo_ctl, "cargo_ctl"):
        short = name.removeprefix("cargo_ctl ")
        if not isinstance(command, click.Group) and short not in BY_THEMSELVES:
            line = next(line for line in examples(command.help or "") if line.startswith(name))
            asks = any(each.name == "password_file" for each in command.params)
            removes = any(each.name == "yes" for each in command.params)
            found[short] = (
                line.removesuffix(" --json")
                + (" --password-file password" if asks else "")
                + (" --yes" if removes else "")
            )
    return found


LEAVES = leaves()


@pytest.fixture
def files(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the examples name."""
    (tmp_path / "photos.json").write_text("{}")
    (tmp_path / "password").write_text("canary-3b9d\n")
    (tmp_path / "password").chmod(0o600)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_that_is_answered(runtime: str, files: None, name: str) -> None:
    answers: dict[str, Answer] = {}
    for cmd, answer in ANSWERS.items():
        bad = spoilt(answer, BAD)
        answers[cmd] = bad if isinstance(bad, dict) else {}
    with canned(runtime, answers), canned(runtime, answers, "server"):
        plain = CliRunner().invoke(cargo_ctl, LEAVES[name].split()[1:])
        Path("laptop.key").unlink(missing_ok=True)  # of `key add`, which never overwrites a file
        json = CliRunner().invoke(cargo_ctl, [*LEAVES[name].split()[1:], "--json"])
    assert "there is no command" not in plain.output, f"add an answer of {name} to ANSWERS"
    assert plain.exception is None or isinstance(plain.exception, SystemExit), plain.exception
    if name not in NAMELESS:
        clean(plain.output)
    assert not UNSAFE.search(json.stdout) and len(json.stdout.splitlines()) == 1
    assert set(orjson.loads(json.stdout)) != {"error"}


@pytest.mark.parametrize("code", ["unknown_job", "bad_config", "a new one"])
@pytest.mark.parametrize("name", LEAVES)
def test_every_command_that_is_refused(
    runtime: str, files: None, name: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise CommandError(code, BAD, BAD)

    monkeypatch.setattr("cargo_sync.api.client.Client.call", refuse)
    words = LEAVES[name].split()[1:]
    with canned(runtime, {}), canned(runtime, {}, "server"):
        result = CliRunner().invoke(cargo_ctl, words)
    assert result.exit_code in (1, 2)
    assert not UNSAFE.search(result.output), ascii(result.output)
    if code != "bad_config":  # such an error has one line per problem
        assert len(result.stderr.splitlines()) == 1


def test_no_answer_at_all(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise NotRunning("ipc://x", LONE)

    monkeypatch.setattr("cargo_sync.api.client.Client.call", gone)
    with canned(runtime, {}):
        result = CliRunner().invoke(cargo_ctl, ["status"])
    assert result.exit_code == 3
    clean(result.stderr)


def messages(feed: Any = FEED) -> list[FeedMessage]:
    """One message of each kind, about things with a hostile name."""
    return [
        FeedMessage(topic, type, "e", number, NOW, spoilt(fields, LONE))
        for number, (topic, (type, fields)) in enumerate(feed.items())
    ]


BOARDS = pytest.mark.parametrize(
    ("board", "feed"), [(Board, FEED), (ServerBoard, SERVER_FEED)], ids=["daemon", "server"]
)


@BOARDS
def test_watching_off_a_terminal(
    board: type[Board | ServerBoard], feed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    view = PlainView(board)
    for message in messages(feed):
        view.take(message)
    view.say(LONE)
    out, err = capsys.readouterr()
    clean(out)
    clean(err)


@BOARDS
def test_watching_on_a_terminal(board: type[Board | ServerBoard], feed: Any) -> None:
    class Screen:
        """The part of rich's live display that the view uses."""

        def __init__(self) -> None:
            self.file = io.StringIO()
            self.console = Console(
                file=self.file, force_terminal=True, color_system="standard", width=400
            )

        def update(self, picture: Any, *, refresh: bool) -> None:
            self.console.print(picture)

    screen = Screen()
    view = LiveView(screen, board)  # type: ignore[arg-type]
    for message in messages(feed):
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
