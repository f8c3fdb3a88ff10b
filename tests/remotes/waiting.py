"""Waits until a program that was started answers."""

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.remotes.server import Greeting

PATIENCE: Final = 60.0
_PAUSE: Final = 0.02
_SHOWN: Final = 4000


def until(
    holds: Callable[[], bool], what: str, program: subprocess.Popen[bytes], log: Path
) -> None:
    """Returns as soon as `holds()`. Fails with the end of the log if the program ends before."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        try:
            ended = program.wait(_PAUSE)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline:
                continue
            why = "waited in vain"
        else:
            why = f"the program ended with {ended}"
        raise AssertionError(f"{why}: {what}\n{log.read_text(errors='replace')[-_SHOWN:]}")


def greets(port: int, greeting: Greeting) -> bool:
    """Whether what listens at the port greets as expected."""
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as probe:
            probe.sendall(greeting.sent)
            got = b""
            while len(got) < len(greeting.expected):
                if not (more := probe.recv(256)):
                    return False
                got += more
    except OSError:
        return False
    return got.startswith(greeting.expected)
