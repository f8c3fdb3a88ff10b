"""How a server and a client are run at both ends of a link, for so many seconds."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from benchmarks.transfers.link.links import (
    FAR_HOST,
    NEAR_HOST,
    Link,
    congestion,
    emulated,
    namespaces,
    shaped,
)

BEFORE: Final = 3.0
"""Seconds from the start of the server to that of the client."""


class Carrier(Protocol):
    """Runs both ends."""

    def run(self, link: Link, server: str, client: str, seconds: float, control: str) -> str:
        """Ends everything `seconds` after the start of the client, or at its end.

        Args:
            link: what is between them.
            server: command for a shell, at FAR_HOST.
            client: command for a shell, at NEAR_HOST.
            seconds: that the client may take.
            control: congestion control of both ends; "" for what they choose.

        Returns:
            The last errors that were printed, if they are known.
        """


class Emulator:
    """The script that the variable WANLINK names."""

    def __init__(self, script: str) -> None:
        self._script = script

    def run(self, link: Link, server: str, client: str, seconds: float, control: str) -> str:
        env = {"WAN_LIMIT": f"{seconds:g}", "WAN_WAIT": f"{BEFORE:g}", "WAN_CC": control}
        done = subprocess.run(
            emulated(self._script, link, server, client),
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        return done.stderr.decode(errors="replace").strip()[-500:]


class Netem:
    """`tc netem` between two namespaces."""

    def run(self, link: Link, server: str, client: str, seconds: float, control: str) -> str:
        near, far = f"near{os.getpid()}", f"far{os.getpid()}"
        with _namespaces(near, far):
            _do(shaped(link, near), shaped(link, far))
            if control:
                _do(
                    congestion(near, NEAR_HOST, FAR_HOST, control),
                    congestion(far, FAR_HOST, NEAR_HOST, control),
                )
            _inside(far, server)
            time.sleep(BEFORE)
            with suppress(subprocess.TimeoutExpired):
                _inside(near, client).wait(seconds)
        return ""


def carrier() -> Carrier:
    """What there is on this machine. Raises SystemExit if nothing is."""
    if os.geteuid() != 0:
        raise SystemExit("network namespaces need root")
    script = os.environ.get("WANLINK", "")
    if _has_netem():
        return Netem()
    if not script:
        raise SystemExit("the kernel has no netem: set WANLINK to the path of an emulator")
    if not Path(script).is_file():
        raise SystemExit(f"WANLINK is {script}, and no such file is there")
    return Emulator(script)


def _has_netem() -> bool:
    near, far = f"try-near{os.getpid()}", f"try-far{os.getpid()}"
    try:
        with _namespaces(near, far):
            _do(shaped(Link(100, 1, 0), near))
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextmanager
def _namespaces(near: str, far: str) -> Iterator[None]:
    """Two connected namespaces; they and all in them end with the `with`."""
    try:
        _do(*namespaces(near, far))
        yield
    finally:
        for name in (near, far):
            inside = subprocess.run(("ip", "netns", "pids", name), capture_output=True, text=True)
            for pid in map(int, inside.stdout.split()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            subprocess.run(("ip", "netns", "del", name), capture_output=True)


def _inside(name: str, command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ("ip", "netns", "exec", name, "sh", "-c", command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _do(*commands: Sequence[str]) -> None:
    for words in commands:
        subprocess.run(words, check=True, capture_output=True)
