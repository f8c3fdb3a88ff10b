"""Messages name commands of `cargo_ctl`; with --json they name those of the protocol."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from cargo_ctl.main import cargo_ctl
from cargo_ctl.render.hints import in_the_shell, typed
from cargo_sync.api import daemon_commands, server_commands
from cargo_sync.api.messages import ControlError
from tests.control.canned import canned


@pytest.mark.parametrize(
    ("hint", "of_daemon", "of_server"),
    [
        (
            "`user.list` names them",
            "`cargo_ctl user list` names them",
            "`cargo_ctl user list` names them",
        ),
        ("then `reload`", "then `cargo_ctl reload`", "then `cargo_ctl reload --server`"),
        ("`key.list`", "`cargo_ctl key list`", "`cargo_ctl key list --server`"),
        ("`job.list`", "`cargo_ctl job list`", "`cargo_ctl job list`"),
        ("`hello` lists", "`cargo_ctl --help` lists", "`cargo_ctl --help` lists"),
        ("`a.b`, user.list", "`a.b`, user.list", "`a.b`, user.list"),
    ],
)
def test_hints(hint: str, of_daemon: str, of_server: str) -> None:
    assert typed(hint, server=False) == of_daemon
    assert typed(hint, server=True) == of_server


def test_only_people_are_told_so(runtime: str) -> None:
    refused = ControlError("unknown_user", "no", "`user.list` names them")
    with canned(runtime, {"user.show": refused}, "server"):
        text = CliRunner().invoke(cargo_ctl, ["user", "show", "a"])
        json = CliRunner().invoke(cargo_ctl, ["user", "show", "a", "--json"])
    assert text.stderr == "cargo_ctl: no (`cargo_ctl user list` names them)\n"
    assert orjson.loads(json.stdout)["error"]["hint"] == "`user.list` names them"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("`job.list` lists all jobs", "`jobs` lists all jobs"),
        ("`session.show` lists all transfers", "`transfers` lists all transfers"),
        ("correct it, then `job.reload`", "correct it, then `cargo_ctl job reload`"),
        ("give it as `tls_fingerprint`", "give it as --tls-fingerprint"),
        ("`tls_fingerprint` or `a.b`", "--tls-fingerprint or `a.b`"),
    ],
)
def test_hints_of_the_interactive_client(text: str, said: str) -> None:
    assert in_the_shell(text) == said


def test_messages_are_told_so_too(runtime: str) -> None:
    refused = ControlError("bad_argument", '`job.speed`: "speed": "fast" is not a speed')
    with canned(runtime, {"job.speed": refused}):
        text = CliRunner().invoke(cargo_ctl, ["job", "speed", "a", "fast"])
    assert text.stderr == ('cargo_ctl: `cargo_ctl job speed`: "speed": "fast" is not a speed\n')


CODE = Path(__file__).parents[2] / "cargo_sync"
DOTTED = sorted(
    {
        name
        for commands in (daemon_commands.COMMANDS, server_commands.COMMANDS)
        for name in commands
        if "." in name
    }
)
BARE = re.compile(rf"(?<![`.\w])(?:{'|'.join(map(re.escape, DOTTED))})(?![`\w])")


def texts() -> Iterator[tuple[str, str]]:
    """(file:line, text) of each text with spaces in the code that is not a docstring."""
    for path in sorted(CODE.rglob("*.py")):
        code = path.read_text(encoding="utf-8")
        if not BARE.search(code):
            continue
        tree = ast.parse(code)
        docs = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in docs:
                value = node.value
                if isinstance(value, str) and " " in value and not value.strip().isupper():
                    yield f"{path.relative_to(CODE)}:{node.lineno}", value


def test_every_command_of_the_protocol_in_a_text_can_be_translated() -> None:
    """Front ends translate only what is in backticks."""
    found = {
        (place, match[0])
        for place, text in texts()
        if not re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA)\b", text)
        for match in BARE.finditer(text)
    }
    assert found == set()
