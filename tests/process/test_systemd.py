import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.process.systemd import Notifier


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "notify"))
        there.setblocking(False)
        yield there


def said(systemd: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return found


def test_the_life_of_a_service(systemd: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname()})
    notifier.ready("3 jobs")
    with notifier.reloading(lambda: "4\njobs"):
        reloading = said(systemd)[-1].splitlines()
    notifier.stopping()
    assert reloading[0] == "RELOADING=1"
    assert reloading[1].startswith("MONOTONIC_USEC=") and reloading[1].partition("=")[2].isdigit()
    assert said(systemd) == ["READY=1\nSTATUS=4 jobs", "STOPPING=1\nSTATUS=stopping"]


def test_it_is_ready_again_also_when_a_reload_fails(systemd: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname()})
    with pytest.raises(ValueError), notifier.reloading(lambda: "as before"):
        raise ValueError
    assert said(systemd)[-1] == "READY=1\nSTATUS=as before"


@pytest.mark.parametrize("whose", [None, "me"])
async def test_the_loop_feeds_the_watchdog_at_half_of_its_time(
    systemd: socket.socket, whose: str | None
) -> None:
    env = {"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "2000"}
    if whose:
        env["WATCHDOG_PID"] = str(os.getpid())
    feeding = asyncio.create_task(Notifier(env).alive())
    loop = asyncio.get_running_loop()
    for _ in range(3):
        assert await loop.sock_recv(systemd, 100) == b"WATCHDOG=1"
    feeding.cancel()


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"WATCHDOG_USEC": "x"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
    ],
)
async def test_no_watchdog_of_ours(systemd: socket.socket, env: dict[str, str]) -> None:
    await Notifier({"NOTIFY_SOCKET": systemd.getsockname()} | env).alive()
    assert said(systemd) == []


def test_without_systemd_nothing_is_said(systemd: socket.socket) -> None:
    Notifier({}).ready("alone")
    Notifier({"NOTIFY_SOCKET": "/nowhere/at/all"}).ready("nobody listens")
    assert said(systemd) == []


def test_an_abstract_socket() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(f"\0cargo-test-{os.getpid()}")
        Notifier({"NOTIFY_SOCKET": f"@cargo-test-{os.getpid()}"}).stopping()
        assert there.recv(100).startswith(b"STOPPING=1")
