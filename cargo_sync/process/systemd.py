"""Telling systemd how a service stands (sd_notify(3)): ready, reloading, stopping, and that it is
alive.

The watchdog is fed by the event loop: a loop that hangs feeds it no more, and the service is
started again.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

HALF: Final = 2.0


class Notifier:
    """Speaks to the socket that NOTIFY_SOCKET names; says nothing where there is none, or nobody
    reads it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        address = env.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._every = _watchdog(env)

    def ready(self, status: str) -> None:
        """It answers."""
        self._say(f"READY=1\nSTATUS={_one_line(status)}")

    @contextmanager
    def reloading(self, status: Callable[[], str]) -> Iterator[None]:
        """Settings are read again in this block; then it is ready again."""
        self._say(
            f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}\nSTATUS=reading settings again"
        )
        try:
            yield
        finally:
            self.ready(status())

    def stopping(self) -> None:
        self._say("STOPPING=1\nSTATUS=coming to rest")

    async def alive(self) -> None:
        """Feeds the watchdog at half of its time, until cancelled; ends at once where there is
        none."""
        if self._every is None or not self._address:
            return
        while True:
            self._say("WATCHDOG=1")
            await asyncio.sleep(self._every)

    def _say(self, words: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaking:
                speaking.setblocking(False)
                speaking.sendto(words.encode(), self._address)
        except OSError:
            return  # systemd notices by itself what it is not told


def _watchdog(env: Mapping[str, str]) -> float | None:
    """Seconds between two signs of life, or None. WATCHDOG_PID, where given, says whose watchdog it
    is."""
    try:
        if int(env.get("WATCHDOG_PID", os.getpid())) != os.getpid():
            return None
        every = int(env["WATCHDOG_USEC"]) / 1e6 / HALF
    except (KeyError, ValueError):
        return None
    return every if every > 0 else None


def _one_line(text: str) -> str:
    return text.replace("\n", " ")
