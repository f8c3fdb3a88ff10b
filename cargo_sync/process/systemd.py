"""Tells systemd the state of a service (sd_notify(3)): ready, reloading, stopping, alive.

The event loop feeds the watchdog. If the loop hangs, systemd restarts the service.
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
    """Sends to the socket in NOTIFY_SOCKET; does nothing if there is none, or if sending fails."""

    def __init__(self, env: Mapping[str, str]) -> None:
        address = env.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._every = _watchdog(env)

    def ready(self, status: str) -> None:
        """The service answers requests now."""
        self._send(f"READY=1\nSTATUS={_one_line(status)}")

    @contextmanager
    def reloading(self, status: Callable[[], str]) -> Iterator[None]:
        """The service reloads its settings in this block; then it is ready again."""
        now = time.monotonic_ns() // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=reloading settings")
        try:
            yield
        finally:
            self.ready(status())

    def stopping(self) -> None:
        self._send("STOPPING=1\nSTATUS=stopping")

    async def alive(self) -> None:
        """Feeds the watchdog after each half of its time, until cancelled.

        Returns at once if there is no watchdog.
        """
        if self._every is None or not self._address:
            return
        while True:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self._every)

    def _send(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), self._address)
        except OSError:
            return  # systemd has timeouts for messages that do not come


def _watchdog(env: Mapping[str, str]) -> float | None:
    """Seconds between two messages to the watchdog, or None.

    If WATCHDOG_PID is set, it must be our own process.
    """
    try:
        if int(env.get("WATCHDOG_PID", os.getpid())) != os.getpid():
            return None
        every = int(env["WATCHDOG_USEC"]) / 1e6 / HALF
    except (KeyError, ValueError):
        return None
    return every if every > 0 else None


def _one_line(text: str) -> str:
    return text.replace("\n", " ")
