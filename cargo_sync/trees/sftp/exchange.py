"""Requests and answers on one SFTP channel of an SSH connection.

What is asked in one turn of the event loop goes in one piece: for small requests, encrypting and
sending them costs more than anything else. Answers come as they are ready.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import asyncssh

from cargo_sync.wire.sftp.answers import (
    SftpAnswer,
    SftpAnswers,
    done_of,
    extensions_of,
    handle_of,
    limits_of,
)
from cargo_sync.wire.sftp.packets import (
    Kind,
    SftpError,
    SftpFormatError,
)
from cargo_sync.wire.sftp.requests import (
    hello,
    request,
    text,
)

T = TypeVar("T")

SAFE: Final = 32 * 2**10
"""Bytes of content in one request that every server takes."""
LEAST: Final = 4 * 2**10
"""Fewer are not believed: a server that says 1 would be asked for each byte."""
LONGEST: Final = 255 * 2**10
"""Bytes of content in one request to a server that takes so many."""
SILENT_SECONDS: Final = 120.0
"""A server that answers nothing for so long does not answer any more."""
LATE_SECONDS: Final = 600.0
"""Nor does one that has answered later requests, and has left one alone for so long since."""
_TOGETHER: Final = 256 * 2**10
"""Bytes after which what is to be sent does not wait for more."""
_LINKS_REVERSED: Final = ("OpenSSH", "paramiko")
"""Servers that take the two paths of a new link in the other order than the draft."""

_Taken = Callable[[SftpAnswer], Any]


class SftpExchange(asyncssh.SSHClientSession[bytes]):
    """One channel.

    under_way  files that are being written here
    longest    bytes of the longest read, and of the longest write

    Futures of requests raise SftpError if the server refuses, SftpFormatError if it does not speak
    SFTP, TimeoutError and ConnectionError if nothing comes any more.
    """

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._answers = SftpAnswers()
        self._waiting: dict[int, tuple[asyncio.Future[Any], _Taken, float]] = {}
        self._version: asyncio.Future[SftpAnswer] = asyncio.get_running_loop().create_future()
        self._out: list[bytes | memoryview] = []
        self._size = 0
        self._next = 0
        self._heard = steady()
        self._newest_answered = self._oldest = 0
        self._passed_at: float | None = None
        """Since when the oldest request without an answer is known to be left alone."""
        self._ended: Exception | None = None
        self._extensions: Mapping[bytes, bytes] = {}
        self._reversed = False
        self.longest = (SAFE, SAFE)
        self.under_way = 0

    # -- the session of asyncssh -------------------------------------------------------------------

    def connection_made(self, chan: "asyncssh.SSHClientChannel[bytes]") -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is not None or self._ended is not None:
            return  # what a server writes to its standard error
        self._heard = self._steady()
        try:
            for answer in self._answers.feed(data):
                self._answered(answer)
        except SftpFormatError as error:
            self.end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel = None
        self.end(exc or ConnectionResetError("the channel was closed"))

    # -- its life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begins to speak SFTP.

        Raises:
            SftpFormatError, SftpError, ConnectionError: this is no SFTP server.
        """
        assert self._channel is not None
        self._channel.write(hello())
        self._extensions = extensions_of(await self._version)
        version = self._channel.get_extra_info("server_version", "")
        self._reversed = any(name in version for name in _LINKS_REVERSED)
        if self.offers(b"limits@openssh.com"):
            extended = text(b"limits@openssh.com")
            most = await self._ask(Kind.EXTENDED, limits_of, extended)
            read, write = (min(max(LEAST, one or SAFE), LONGEST) for one in most)
            self.longest = (read, write)

    @property
    def is_open(self) -> bool:
        return self._ended is None

    def moves(self) -> None:
        """Bytes move on the line: what was asked may still be on its way."""
        self._heard = self._steady()

    def is_stuck(self) -> bool:
        """Whether the server has left us without an answer for too long."""
        now = self._steady()
        for number, (*_, sent) in self._waiting.items():  # the oldest comes first
            if number != self._oldest:
                self._oldest, self._passed_at = number, None
            if self._passed_at is None and self._newest_answered > number:
                self._passed_at = now
            left_alone = self._passed_at is not None and now - self._passed_at > LATE_SECONDS
            return now - max(sent, self._heard) > SILENT_SECONDS or left_alone
        return False

    def end(self, error: Exception) -> None:
        """Nothing comes any more, because of this."""
        if self._ended is not None:
            return
        self._ended = error
        waiting, self._waiting = self._waiting, {}
        for future in (self._version, *(one for one, *_ in waiting.values())):
            if not future.done():
                future.set_exception(error)
                future.exception()  # whoever waits gets it; else nobody needs to know
        self._out.clear()
        if self._channel is not None:
            self._channel.abort()

    @contextmanager
    def writes(self) -> Iterator[None]:
        """A file is written here meanwhile."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    def offers(self, extension: bytes) -> bool:
        """Whether the server has named an extension."""
        return extension in self._extensions

    # -- inside ------------------------------------------------------------------------------------

    def _ask(
        self, kind: int, taken: Callable[[SftpAnswer], T], *fields: bytes
    ) -> asyncio.Future[T]:
        number, future = self._new(taken)
        self._send(request(kind, number, *fields))
        return future

    def _new(self, taken: Callable[[SftpAnswer], T]) -> tuple[int, asyncio.Future[T]]:
        """The number of the next request, and what becomes of its answer."""
        if self._ended is not None:
            raise ConnectionResetError("the channel was closed") from self._ended
        self._next = self._next + 1 & 0xFFFFFFFF
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = future, taken, self._steady()
        return self._next, future

    def _send(self, *some: bytes | memoryview) -> None:
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out += some
        self._size += sum(map(len, some))
        if self._size >= _TOGETHER:
            self._flush()

    def _flush(self) -> None:
        out, self._out, self._size = self._out, [], 0
        if out and self._ended is None and self._channel is not None:
            try:
                self._channel.write(b"".join(out))
            except (OSError, asyncssh.Error) as error:
                self.end(error)

    def _answered(self, answer: SftpAnswer) -> None:
        if answer.kind == Kind.VERSION:
            if not self._version.done():
                self._version.set_result(answer)
            return
        future, taken, _ = self._waiting.pop(answer.number, (None, done_of, 0.0))
        self._newest_answered = answer.number
        if future is None:
            raise SftpFormatError("an answer to nothing that was asked")
        if future.done():
            if answer.kind == Kind.HANDLE:  # nobody waits for it any more
                forget(self._ask(Kind.CLOSE, done_of, text(handle_of(answer))))
            return
        try:
            future.set_result(taken(answer))
        except SftpError as error:
            future.set_exception(error)
        except SftpFormatError as error:
            future.set_exception(error)
            raise


def forget(future: asyncio.Future[Any]) -> None:
    """Nobody looks at what becomes of this call."""
    future.add_done_callback(_looked_at)


def _looked_at(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()
