"""Tab: the offers, from click and from a running daemon; the scripts in a real bash."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cargo_ctl import names
from cargo_ctl.completion import SHELLS, register, script
from cargo_ctl.main import cargo_ctl
from cargo_ctl.names import CALLBACK, INVITATION, JOB, KEY, TRANSFER, USER, WORKSPACE, NameParameter
from cargo_sync.api.keys import key_text
from cargo_sync.api.messages import ControlError
from cargo_sync.config.control import ControlSettings
from tests.cargo_ctl.answers import ANSWERS
from tests.cargo_ctl.walk import walk
from tests.control.canned import Answer, canned

JOBS: dict[str, Answer] = {
    "job.list": {
        "jobs": [
            {"name": 'my docs "q"', "state": "synced"}, {"name": "nightly:eu", "state": "error"},
            {"name": "nightly:us", "state": "synced"}, {"name": "a\x1b[31m\nb", "state": "\x1b"},
        ]
    },
    "transfer.list": {"transfers": [{"id": "1f2e", "path": "a\tb.mov"}]},
}  # fmt: skip
PATIENCE = 60.0
DEADLINE = names.DEADLINE


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a completion may need more time than it has."""
    monkeypatch.setattr(names, "DEADLINE", PATIENCE)


def offered(
    shell: str, *words: str, current: str = "", monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The lines that a shell gets if Tab is pressed after `words`."""
    register()
    monkeypatch.setenv("COMP_WORDS", "\n".join(["cargo_ctl", *words]))
    monkeypatch.setenv("COMP_CURRENT", current)
    monkeypatch.setenv("COMP_LINE", " ".join(["cargo_ctl", *words, current]))
    monkeypatch.setenv("COMP_BREAKS", " \t\n\"'@><=;|&(:")
    monkeypatch.setenv("_CARGO_CTL_COMPLETE", f"{shell}_complete")
    result = CliRunner().invoke(cargo_ctl, prog_name="cargo_ctl")
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.removesuffix("\n").split("\n")


def test_names_come_from_the_daemon(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with canned(runtime, JOBS):
        assert offered("bash", "job", "show", monkeypatch=monkeypatch) == [
            r"plain,my\ docs\ \"q\"", "plain,nightly:eu", "plain,nightly:us",
            r"plain,a\\x1b\[31m\\x0ab",
        ]  # fmt: skip
        assert offered("zsh", "job", "plan", current="my", monkeypatch=monkeypatch) == [
            "plain", 'my docs "q"', "synced",
        ]  # fmt: skip
        assert offered("fish", "job", "pause", current="my\\ d", monkeypatch=monkeypatch) == [
            'plain,my docs "q"\tsynced'
        ]
        assert offered("fish", "transfer", "cancel", monkeypatch=monkeypatch) == [
            "plain,1f2e\ta\\x09b.mov"
        ]
        found = offered(
            "fish",
            "--connect",
            "daemon",
            "job",
            "show",
            current="nightly:u",
            monkeypatch=monkeypatch,
        )
        assert found == ["plain,nightly:us\tsynced"]


def test_every_job_command_completes_its_name(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = cargo_ctl.get_command(click.Context(cargo_ctl), "job")
    assert isinstance(job, click.Group)
    with canned(runtime, JOBS):
        for name, command in job.commands.items():
            if name not in ("list", "add"):
                assert any(each.name == "name" for each in command.params), name
                found = offered("zsh", "job", name, current="nightly:e", monkeypatch=monkeypatch)
                assert found == ["plain", "nightly:eu", "error"], name


@pytest.mark.parametrize(
    "words", [["job", "show"], ["transfer", "cancel"], ["job", "plan", "--limit"]]
)
def test_never_an_error(runtime: str, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered("bash", *words, monkeypatch=monkeypatch) == [""]
    with canned(
        runtime, {"job.list": ControlError("busy", "not now"), "transfer.list": {"strange": 1}}
    ):
        assert offered("bash", *words, monkeypatch=monkeypatch) == [""]


def test_a_daemon_that_does_not_answer_is_not_waited_for(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    class Silent:
        def __init__(self, address: str, key: object = None) -> None: ...
        def __enter__(self) -> "Silent":
            return self

        def __exit__(self, *_: object) -> None: ...
        def call(self, cmd: str, args: dict[str, Any] | None = None, timeout: float = 10.0) -> None:
            asked.append(timeout)
            raise TimeoutError

    monkeypatch.setattr("cargo_sync.api.client.Client", Silent)
    with canned(runtime, {}):
        assert offered("bash", "job", "show", monkeypatch=monkeypatch) == [""]
    assert asked == [PATIENCE] and DEADLINE <= 0.3


def found(
    runtime: str, kind: NameParameter, answers: dict[str, Answer], instance: str
) -> dict[str, str]:
    """The offers, and the text beside each."""
    with canned(runtime, answers, instance):
        items = kind.shell_complete(click.Context(cargo_ctl), click.Argument(["name"]), "")
    return {str(item.value): item.help or "" for item in items}


@pytest.mark.parametrize(
    ("kind", "cmd", "instance", "offers"),
    [
        (JOB, "job.list", "daemon", {"nightly": "syncing", "my docs\\x1b[31m": "error"}),
        (TRANSFER, "transfer.list", "daemon", {"1f2e3d4c5b6a": "video/long.mov", "99": "b\\x07"}),
        (CALLBACK, "callback.list", "daemon", {"msg_1": "onFinish"}),
        (KEY, "key.list", "daemon", {"a": "watch"}),
        (USER, "user.list", "server", {"ana": "/srv/ana", "ben\\x1b[31m": "/srv/b\\x0a"}),
        (WORKSPACE, "workspace.list", "server", {"music": "/srv/music"}),
        (INVITATION, "user.invitation.list", "server", {"5f0c7a12": "ana"}),
    ],
)
def test_every_kind_of_name(
    runtime: str, kind: NameParameter, cmd: str, instance: str, offers: dict[str, str]
) -> None:
    assert found(runtime, kind, {cmd: ANSWERS[cmd]}, instance) == offers
    assert found(runtime, kind, {}, instance) == {}, "one that does not know the command yet"
    if instance == "server":
        assert found(runtime, kind, {cmd: ANSWERS[cmd]}, "daemon") == {}, (
            "a daemon is not asked for these"
        )


def test_whatever_takes_a_name_completes_it() -> None:
    for name, command in walk(cargo_ctl, "cargo_ctl"):
        for each in command.params:
            named = each.name in ("name", "id", "user", "job") and not name.endswith(
                (" add", " shell", " node invite")
            )
            completes = type(each.type).shell_complete is not click.ParamType.shell_complete
            assert not named or completes, f"{name}: {each.name}"


def test_names_come_over_tcp_too(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with canned(runtime, JOBS, control=ControlSettings(port=0)) as daemon:
        file = Path(runtime, "laptop.key")
        file.write_bytes(key_text(daemon.made_key("laptop", "watch")))
        file.chmod(0o600)
        words = ("--connect", str(file), "job", "show")
        assert offered("zsh", *words, current="nightly:e", monkeypatch=monkeypatch) == [
            "plain", "nightly:eu", "error",
        ]  # fmt: skip


@pytest.mark.parametrize("shell", [each.name for each in SHELLS])
def test_the_script_is_one_that_its_shell_takes(shell: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(cargo_ctl, ["completion", shell])
    assert result.exit_code == 0
    assert "cargo_ctl" in result.stdout and "_CARGOCLIENT_COMPLETE" in result.stdout
    program = shutil.which(shell)
    if program is None:
        return  # only bash is on every machine
    file = tmp_path / "script"
    file.write_text(result.stdout)
    assert os.spawnv(os.P_WAIT, program, [shell, "-n", str(file)]) == 0


def test_the_real_bash_completes_names_with_spaces_and_quotes(runtime: str, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    program = tmp_path / "cargo_ctl"
    program.write_text(
        f"#!{sys.executable}\nfrom cargo_ctl import main, names\nnames.DEADLINE = {PATIENCE}\n"
        "main.main()\n"
    )
    program.chmod(0o755)
    (tmp_path / "rc").write_text(
        f"PATH={tmp_path}:$PATH; PS1='$ '\n{script('bash', cargo_ctl, 'cargo_ctl')}\n"
        "bind 'set wakeup-style none'; bind 'set enable-bracketed-paste off'\n"
        'bind -x \'"\\C-g": printf "<<%s>>" "$READLINE_LINE"\'\n'
    )
    typed = {
        "job show my": r"job show my\ docs\ \"q\" ",
        'job show "my': r'job show "my docs \"q\"" ',
        "job show nightly:e": "job show nightly:eu ",
    }
    with (
        canned(runtime, JOBS),
        _Terminal([bash, "--noprofile", "--rcfile", str(tmp_path / "rc"), "-i"]) as shell,
    ):
        shell.until(rb"\$ ")
        completed = {each: shell.typed(f"cargo_ctl {each}\t\x07") for each in typed}
    assert completed == {each: f"cargo_ctl {line}" for each, line in typed.items()}


class _Terminal:
    """An interactive program in its own terminal."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._seen = b""

    def __enter__(self) -> "_Terminal":
        self._fd, other = pty.openpty()
        self._process = subprocess.Popen(
            self._command,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            env=os.environ | {"TERM": "dumb", "LC_ALL": "C.UTF-8"},
        )
        os.close(other)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    def typed(self, keys: str) -> str:
        """The line after these keys; the last key prints the line and clears it."""
        self._seen = b""
        os.write(self._fd, keys.encode())
        found = self.until(rb"<<(.*?)>>")
        os.write(self._fd, b"\x15")
        return found[1].decode()

    def until(self, pattern: bytes) -> "re.Match[bytes]":
        deadline = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self._seen, re.DOTALL)) is None:
            ready, _, _ = select.select([self._fd], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{pattern!r} did not come: {self._seen!r}"
            self._seen += os.read(self._fd, 65536)
        return found
