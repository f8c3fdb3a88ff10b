"""docs/control-protocol.md: its scripts run as printed, its tables are complete."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.api import daemon_commands, server_commands
from cargo_sync.api.commands import Command
from cargo_sync.api.keys import key_text
from cargo_sync.config.control import ControlSettings
from cargo_sync.model.problems import Code
from tests.control.canned import canned

PAGE = Path(__file__).parents[2].joinpath("docs", "control-protocol.md").read_text(encoding="utf-8")
DAEMON, _, REST = PAGE.partition("\n## Commands of a server\n")
SERVER = REST.partition("\n## ")[0]
ASK, LISTEN, CURVE, IN_PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("script", [ASK, LISTEN])
def test_ten_lines_are_ten_lines(script: str) -> None:
    assert len(script.splitlines()) == 10


def test_asking(runtime: str) -> None:
    jobs = [{"name": "nightly", "state": "synced"}, {"name": "café", "state": "held"}]
    with canned(runtime, {"job.list": {"jobs": jobs}}) as daemon:
        told = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", ASK, daemon.addresses.commands],
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=True,
        )
    assert told.stdout == "ok\nnightly synced\ncafé held\n"


def test_listening(runtime: str) -> None:
    with canned(runtime, {}) as daemon:
        daemon.tell(
            lambda publisher: publisher.publish("job/a/status", "status", {"state": "synced"})
        )
        command = [sys.executable, "-c", LISTEN, daemon.addresses.feed]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
            assert listener.stdout is not None
            line = listener.stdout.readline()
            listener.kill()
    assert line.startswith("job/a/status {'replay': True, 'v': 1, 'epoch': 'e1', 'seq': 1,")


@pytest.mark.parametrize("script", [CURVE, IN_PYTHON])
def test_over_tcp_with_a_key(runtime: str, script: str) -> None:
    with canned(
        runtime, {"status": {"state": "synced"}}, control=ControlSettings(port=0)
    ) as daemon:
        Path(runtime, "laptop.key").write_bytes(key_text(daemon.made_key("laptop", "watch")))
        Path(runtime, "laptop.key").chmod(0o600)
        command = [sys.executable, "-c", script, "laptop.key"]
        told = subprocess.run(
            command, cwd=runtime, capture_output=True, text=True, timeout=60, check=True
        )
    assert told.stdout == "synced\n"


def test_the_codes_of_problems_are_those_of_the_page() -> None:
    table = PAGE.partition("\nA command that fails because")[2].partition("\nCompare ")[0]
    rows = re.findall(r"^\| `([a-z_]+)` \| [A-Z].*[.] \|$", table, re.MULTILINE)
    assert rows == [code.value for code in Code]


def test_no_command_is_described_twice() -> None:
    for part in (DAEMON, SERVER):
        rows = re.findall(
            r"^\| `([a-z.]+)` \|", part.partition("\n### ")[0].split("\n## ")[-1], re.MULTILINE
        )
        assert len(rows) > 10 and len(rows) == len(set(rows))


@pytest.mark.parametrize(
    ("commands", "part"), [(daemon_commands.COMMANDS, DAEMON), (server_commands.COMMANDS, SERVER)]
)
def test_every_command_and_every_argument_is_described(
    commands: Mapping[str, Command[Any]], part: str
) -> None:
    for name, command in commands.items():
        row = re.search(rf"^\| `{re.escape(name)}` (\|.*)$", part, re.MULTILINE)
        assert row is not None, name
        _, args, _, once, _ = row[1].split("|")
        assert set(re.findall(r"`(\w+)`", args)) == set(command.args), name
        assert ("once" in once) == command.changes, name
