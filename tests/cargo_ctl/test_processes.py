"""Real processes: what a command imports, and the child of `cargoclient`."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from cargo_ctl.client.child import run_watched
from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.messages import FeedMessage
from tests.control.canned import canned

ROOT = Path(__file__).parents[2]

CHILD = """
import asyncio, os, signal, sys
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.once import MemoryDeduplicate
from cargo_sync.control.router import Router

async def main():
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    with Endpoint(sys.argv[1], "job", epoch="e", now=lambda: 0.0) as endpoint:
        endpoint.publisher.publish("job/a/status", "status", {"state": "syncing"})
        serving = asyncio.create_task(endpoint.serve(Router({}, MemoryDeduplicate(lambda: 0.0))))
        print("a line of its log", file=sys.stderr, flush=True)
        await ended.wait()
        endpoint.publisher.publish("job/a/status", "status", {"state": "paused"})
        serving.cancel()
    sys.exit(7)

asyncio.run(main())
"""


class Seen:
    """A view that keeps what it gets, and sends this process a signal at the first message."""

    def __init__(self, number: signal.Signals | None = None) -> None:
        self.lines: list[str] = []
        self._number = number

    def take(self, message: FeedMessage | None) -> None:
        if message is None:
            return
        self.lines.append(f"{message.topic} {message.fields['state']}")
        if self._number is not None:
            os.kill(os.getpid(), self._number)
            self._number = None

    def say(self, line: str) -> None:
        self.lines.append(line)

    def lost(self, why: str) -> None:
        raise AssertionError("a child that has ended does not come back")


def python(*args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *args], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )


def test_status_imports_neither_the_server_nor_the_settings_nor_what_draws(runtime: str) -> None:
    script = (
        "import sys\n"
        "from cargo_ctl.main import main\n"
        "sys.argv = ['cargo_ctl', 'status']\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print(*sys.modules)\n"
    )
    with canned(runtime, {"status": {"state": "synced"}}):
        told = python("-c", script)
    assert (told.returncode, told.stdout.splitlines()[:2]) == (0, ["synced: 0 jobs", "up for 0 s"])
    loaded = set(told.stdout.split())
    assert "cargo_sync.api.client" in loaded
    assert not {name for name in loaded if name.endswith("commands") and "api" in name}
    assert not loaded & {
        "aiohttp",
        "pydantic",
        "cryptography",
        "rich",
        "zmq.asyncio",
        "prompt_toolkit",
    }
    ours = {name.split(".")[1] for name in loaded if name.startswith("cargo_sync.")}
    assert ours == {"api"}


def test_the_version() -> None:
    told = python(
        "-c", "import sys; sys.argv = ['x', '--version']; from cargo_ctl.main import main; main()"
    )
    assert (told.returncode, told.stdout.split()[0]) == (0, "cargo_ctl")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--mode=client"], "--mode=client needs --host=URL"),
        (["--mode=backup", "--user=ana"], "--user cannot be used with --mode=backup"),
        (["--mode=x"], "unknown mode 'x'; choose one of client, datasync, backup"),
        (["--mode=clinet"], "unknown mode 'clinet'; did you mean \"client\"?"),
        (
            ["--mode=client", "--host=a", "--tls-fingerprint=12"],
            "--tls-fingerprint must be a SHA-256",
        ),
        (["--mode=client", "--host=a", "--ca-file=nowhere"], "--ca-file: there is no file nowhere"),
        (
            ["--mode=client", "--host=a", "--password-file=nowhere"],
            "the password file nowhere cannot be read",
        ),
        (["--mode=datasync"], "--mode=datasync needs --config=JOBFILE"),
        (
            ["--mode=datasync", "--config=a", "--host=b"],
            "--host cannot be used with --mode=datasync",
        ),
        (["--config=a"], "Missing option '--mode'"),
    ],
)
def test_what_cargoclient_refuses(args: Sequence[str], said: str) -> None:
    from click.testing import CliRunner

    from cargo_ctl.client.main import cargoclient

    result = CliRunner().invoke(cargoclient, list(args))
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_child_is_watched_and_ended_by_our_signals(runtime: str, number: signal.Signals) -> None:
    seen = Seen(number)
    before, threads = signal.getsignal(number), threading.active_count()
    code = run_watched(
        [sys.executable, "-c", CHILD, runtime], instance_addresses(runtime, "job"), seen
    )
    assert code == 7
    assert signal.getsignal(number) is before
    assert sorted(seen.lines) == [
        "a line of its log",
        "job/a/status paused",
        "job/a/status syncing",
    ]
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("import sys; sys.exit('job.json: sleep must be a number')", 1),
        (
            "import os, sys; print('killed', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)",
            137,
        ),
    ],
)
def test_a_child_that_never_gets_so_far(runtime: str, script: str, code: int) -> None:
    seen = Seen()
    assert (
        run_watched([sys.executable, "-c", script], instance_addresses(runtime, "job"), seen)
        == code
    )
    assert seen.lines in (["job.json: sleep must be a number"], ["killed"])


def test_a_child_ends_with_its_front_end_even_if_that_is_killed(tmp_path: Path) -> None:
    began, ended = tmp_path / "began", tmp_path / "ended"
    child = f"import sys; open({str(began)!r}, 'w'); sys.stdin.read(); open({str(ended)!r}, 'w')"
    watched = (
        "import sys\n"
        "from cargo_ctl.client.child import run_watched\n"
        "from cargo_ctl.watching import PlainView\n"
        "from cargo_sync.api.addresses import Addresses\n"
        f"run_watched([sys.executable, '-c', {child!r}], Addresses('', ''), PlainView())\n"
    )
    with subprocess.Popen([sys.executable, "-c", watched], cwd=ROOT) as front_end:
        _appears(began)
        front_end.kill()
    _appears(ended)


def _appears(path: Path) -> None:
    for _ in range(6_000):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} does not appear")
