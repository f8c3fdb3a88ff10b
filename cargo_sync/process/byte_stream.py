"""A connection whose bytes are received straight into large buffers, for contents of files.

A stream of asyncio copies each byte twice on its way from the socket to its reader, and wakes the
reader for each piece of at most 256 KiB. Here the socket is read into the buffer that the reader
gets as it is; while bytes come fast, it gets them by the MiB.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from cargo_sync.model.world import Offload
from cargo_sync.process.buffers import Buffers, GivenMemory
from cargo_sync.process.passing_on import PIECE, OwnDescriptor, Put, passed_on

LEAST: Final = 64 * 2**10
MOST: Final = 2**20
"""Bytes of a buffer: the least, and the most."""
FAST: Final = 0.1
SLOW: Final = 0.4
"""A buffer that is taken within so many seconds is followed by one of twice the size; one that
takes so long, by one of half the size. So a limited speed stays even, and a server is not left
waiting for long before something of what it has sent is read."""
KEPT: Final = 8 * MOST
"""Bytes of buffers that are used again."""
GATHERED: Final = 0.02
"""Seconds that a part of a buffer waits for the rest."""
AHEAD: Final = 2
"""Full buffers that wait to be taken, at most."""
UNSENT: Final = 512 * 2**10
"""Bytes that are written and wait for the socket, before the writer waits too. With TLS they are
fewer: its end has only 30 s for them, which may be a slow line."""
_EMPTY: Final = memoryview(b"")


class ByteStream(asyncio.BufferedProtocol):
    """One connection. At most one task reads, and one writes.

    Args:
        now: steady seconds.
        left: bytes that will come: what is behind them is not read. None: all until the end.
        lost: is told of the end of the connection, too.
        into: memory for all that comes, of `left` bytes; None: buffers, which are used again.
            A buffer ends where a view of it does.
    """

    def __init__(
        self,
        now: Callable[[], float],
        left: int | None = None,
        lost: Callable[[Exception | None], None] | None = None,
        into: GivenMemory | None = None,
    ) -> None:
        self._now = now
        self._left = left
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._buffers = Buffers(KEPT) if into is None else into
        self._full = deque[memoryview]()
        self._buffer, self._filled = _EMPTY, 0
        """What is being filled, without what was taken of it; how many bytes have come."""
        self._size, self._taken_at = LEAST, now()
        self._gathering: asyncio.TimerHandle | None = None
        self._is_due = False
        """What has come of a buffer has waited long enough for the rest."""
        self._is_over = left == 0
        self._is_sealed = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._closed = asyncio.Event()

    @property
    def transport(self) -> asyncio.Transport:
        """The connection, which is there."""
        assert self._transport is not None
        return self._transport

    async def read(self) -> memoryview:
        """The next bytes, which stay as they are; none at the end.

        Raises:
            OSError: the connection was cut.
        """
        if not self._full and self._is_due:
            self._gathered()
        while not self._full and not self._is_over:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        if self._full:
            return self._taken()
        if self._error is not None:
            raise self._error
        return _EMPTY

    async def pass_on(self, most: int, put: Put, offload: Offload) -> int:
        """Passes on bytes in a thread, as long as they come at once: see `passing_on`.

        If this fails or is cancelled, the connection is ended.

        Returns:
            How many bytes `put` has got, at most so many. If they are fewer, read what comes.
        """
        transport, buffers = self.transport, self._buffers
        is_open = not (self._is_over or transport.is_closing())
        there = sum(map(len, self._full), self._filled)
        if not is_open or there > most or not isinstance(buffers, Buffers) or self._is_sealed:
            return 0
        try:
            socket = OwnDescriptor(transport.get_extra_info("socket").fileno())
        except OSError:
            return 0  # no descriptor is left
        transport.pause_reading()
        self._gathered()
        ready, self._full = self._full, deque()
        self._buffer = _EMPTY  # what is left of it may be more than what is still to come then
        left = most - there if self._left is None else min(most - there, self._left)

        def passing() -> tuple[int, OSError | None]:
            for some in ready:
                put(some)
            return passed_on(socket, buffers.take(PIECE), left, put, self._now)

        try:
            count, error = await offload(passing)
        except BaseException:
            transport.abort()
            raise
        if self._left is not None:
            self._left -= count
        if error is not None:
            self._end(error)
        elif self._left == 0:
            self._is_over = True
        elif not transport.is_closing():
            transport.resume_reading()
        self._taken_at = self._now()
        return there + count

    async def write(self, content: memoryview) -> None:
        """Sends bytes, which must stay as they are; returns when there is room for more.

        Raises:
            OSError: the connection was cut.
        """
        self._check_open()
        self.transport.write(content)
        if not self._room.is_set():
            await self._room.wait()
            self._check_open()

    def abort(self) -> None:
        """Ends the connection at once; nothing happens if it has ended."""
        if not self._closed.is_set():
            self.transport.abort()

    async def closed(self) -> None:
        """Returns when the connection has ended.

        Raises:
            TimeoutError: not all of what was written could be sent in time.
        """
        await self._closed.wait()
        if isinstance(self._error, TimeoutError):
            raise self._error

    # -- what the connection says ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._is_sealed = transport.get_extra_info("sslcontext") is not None
        if not self._is_sealed:
            self._transport.set_write_buffer_limits(high=UNSENT)

    def get_buffer(self, sizehint: int) -> memoryview:
        if self._filled == len(self._buffer):
            size = self._size if self._left is None else min(self._size, self._left)
            self._buffer, self._filled = self._buffers.take(size), 0
        return self._buffer[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        if self._left is not None:
            self._left -= nbytes
            self._is_over = not self._left
        if self._is_over or self._filled == len(self._buffer):
            self._gathered()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHERED, self._due)
        if self._is_over or len(self._full) >= AHEAD:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)
        self._room.set()
        self._closed.set()
        if self._lost is not None:
            self._lost(exc)

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    # -- inside ------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._closed.is_set() or self.transport.is_closing():
            raise self._error or ConnectionResetError("the connection is closed")

    def _due(self) -> None:
        self._gathering, self._is_due = None, True
        if self._reader is not None:
            self._gathered()

    def _gathered(self) -> None:
        """What has come may be taken."""
        self._is_due = False
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if self._filled:
            self._full.append(self._buffer[: self._filled])
            self._buffer, self._filled = self._buffer[self._filled :], 0
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _taken(self) -> memoryview:
        now = self._now()
        self._size, self._taken_at = buffer_size(self._size, now - self._taken_at), now
        piece = self._full.popleft()
        if len(self._full) == AHEAD - 1 and not (self._is_over or self.transport.is_closing()):
            self.transport.resume_reading()
        return piece

    def _end(self, error: Exception | None) -> None:
        if self._left:
            error = error or ConnectionResetError("the connection ended early")
        self._error = self._error or error
        self._is_over = True
        self._gathered()


def buffer_size(size: int, seconds: float) -> int:
    """The size of the next buffer, after one of `size` bytes that was taken in so many seconds."""
    if seconds < FAST:
        return min(MOST, 2 * size)
    return max(LEAST, size // 2) if seconds > SLOW else size
