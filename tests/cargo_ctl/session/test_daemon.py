"""Which daemon holds a session: the running one if it belongs to us, else a private one."""

import os
import subprocess
import sys
import time

import pytest

from cargo_ctl.session.daemon import NoDaemon, held_daemon
from cargo_sync.api.addresses import is_live
from tests.cargo_ctl.session.far import Far

# A daemon in miniature: it serves until its standard input ends.
PRIVATE = """
import asyncio, os, sys
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.once import MemoryDeduplicate
from cargo_sync.control.router import Router

async def main():
    name = f"session-{os.getppid()}"
    with Endpoint(os.environ["CARGO_RUNTIME_DIR"], name, epoch="e", now=lambda: 0.0) as endpoint:
        serving = asyncio.create_task(endpoint.serve(Router({}, MemoryDeduplicate(lambda: 0.0))))
        await asyncio.to_thread(sys.stdin.read)
        serving.cancel()

asyncio.run(main())
"""
COMMAND = (sys.executable, "-c", PRIVATE)


def env() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "CARGO_CONTROL"}


def test_the_running_daemon_is_used_if_it_is_ours(runtime: str) -> None:
    with Far().running(runtime), held_daemon(None, env(), ("false",)) as addresses:
        assert addresses.instance == "daemon"


@pytest.mark.parametrize("other", [{"uid": -1}, {"host": "elsewhere"}, {"supports": ["hello"]}])
def test_anybody_elses_is_not_and_a_private_one_lives_as_long_as_we_do(
    runtime: str, other: dict[str, object]
) -> None:
    far = Far()
    far.hello |= other
    with far.running(runtime):
        with held_daemon(None, env(), COMMAND) as addresses:
            assert addresses.instance == f"session-{os.getpid()}"
            assert is_live(addresses.commands)
        assert not os.path.exists(addresses.folder)
        with (
            pytest.raises(NoDaemon, match="the daemon daemon cannot be used: "),
            held_daemon("daemon", env()),
        ):
            pass


def test_a_private_daemon_ends_with_a_front_end_that_is_killed(runtime: str) -> None:
    script = (
        "import os, sys, time\n"
        "from cargo_ctl.session.daemon import held_daemon\n"
        "with held_daemon(None, dict(os.environ), tuple(sys.argv[1:])) as addresses:\n"
        "    print(addresses.commands, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, *COMMAND], stdout=subprocess.PIPE, text=True
    ) as front:
        assert front.stdout is not None
        address = front.stdout.readline().strip()
        assert is_live(address)
        front.kill()
    deadline = time.monotonic() + 60
    while is_live(address):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_that_does_not_start_says_why(runtime: str) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('the disk is full')")
    with (
        pytest.raises(NoDaemon, match="could not start its own daemon: the disk is full"),
        held_daemon(None, env(), command),
    ):
        pass
