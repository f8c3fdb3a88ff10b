"""Waits for a connection: as long as it moves, however slowly, and no longer than it does not.

A limit for a whole step would end a slow line that moves. What counts is what the other end's
system has taken, or has sent: on Linux the kernel says it (struct tcp_info of linux/tcp.h),
elsewhere it is what still waits here to be sent.
"""

import asyncio
import socket
import sys
from collections.abc import Callable, Hashable
from struct import Struct
from types import TracebackType
from typing import Final

from cargo_sync.machines.stalling import Stalling

LOOK: Final = 5.0
"""Seconds between two looks: a connection that stalls is given up so much later, at most."""
_SIZE: Final = 136
_MOVED: Final = Struct("=120xQQ")
"""Bytes that the other end has acknowledged, and bytes that came."""

Mark = Callable[[], Hashable]
"""Says how far something is."""


def line_mark(transport: asyncio.WriteTransport | None) -> Hashable:
    """How far a connection is; it stays the same if nothing moves."""
    if transport is None:
        return None
    opened = transport.get_extra_info("socket")
    return moved_bytes(opened), transport.get_write_buffer_size()


def moved_bytes(opened: socket.socket | None) -> tuple[int, int] | None:
    """What has gone and come over a socket; None if the system does not say it."""
    if opened is None or sys.platform != "linux":
        return None
    try:
        raw = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE)
    except (OSError, ValueError):  # no TCP, or it is closed
        return None
    if len(raw) != _SIZE:
        return None
    gone, come = _MOVED.unpack(raw)
    return gone, come


class WhileMoving:
    """A block of waits that ends with a TimeoutError when nothing has moved for some seconds.

    Args:
        mark: how far it is.
        patience: the seconds.
    """

    def __init__(self, mark: Mark, patience: float) -> None:
        self._mark = mark
        self._stalling = Stalling(patience)
        self._limit = asyncio.timeout(None)
        self._look_at: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._look_in(self._stalling.patience)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._look_at is not None:
            self._look_at.cancel()
        await self._limit.__aexit__(kind, error, where)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        left = self._stalling.left(self._mark(), now)
        if left > 0:
            self._look_in(left)
        else:
            self._limit.reschedule(now)

    def _look_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._look_at = loop.call_later(min(LOOK, seconds), self._look)
