"""As systemd sees them: when they are ready, that they are alive, and that they stop."""

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.e2e.processes import PATIENCE, Place


@pytest.mark.parametrize("name", ["server", "daemon"])
def test_the_life_of_a_service(
    name: str, place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
        monkeypatch.setenv("WATCHDOG_USEC", "100000")
        place.start(name)

        def until(wanted: str) -> list[str]:
            """What is said until then, without the signs of life between."""
            found: list[str] = []
            while wanted not in found:
                found += systemd.recv(4096).decode().splitlines()
            return [
                each
                for each in found
                if "=" in each and not each.startswith(("WATCHDOG", "MONOTONIC"))
            ]

        assert until("READY=1")[0] == "READY=1"
        until("WATCHDOG=1")
        os.kill(place._running[name].pid, signal.SIGHUP)
        assert until("RELOADING=1")[-2:] == ["RELOADING=1", "STATUS=reloading settings"]
        until("READY=1")
        assert place.stop(name) == 0
        assert until("STOPPING=1")[-2:] == ["STOPPING=1", "STATUS=stopping"]
