"""Short HTTP messages over connections that are kept: what a server of many small files is asked.

A request is one write, its answer is one wait. It costs a third of the time of a library that is
made for everything. Nothing is sent twice here, no redirect is followed, no cookie kept, and no
proxy asked. Whoever gets an `UnopenedError` has sent nothing, and asks in another way.
"""

import asyncio
import ssl
from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, cast

from cargo_sync.machines.stalling import Stalling
from cargo_sync.process.descriptors import limit, line
from cargo_sync.process.line_progress import LOOK, line_mark
from cargo_sync.wire.http1 import HttpAnswer, HttpAnswerReader, UnreadableError

CONNECT: Final = 10.0
KEPT: Final = 4.0
"""Seconds that an idle connection is kept: servers close theirs after 5 s or more."""
AT_ONCE: Final = 32
"""Connections; what wants more waits."""
LONGEST_ANSWER: Final = 5
LEAST: Final = 2**10
"""So many bytes of an answer may take so many times the patience that a pause in it may take."""


class UnopenedError(Exception):
    """There is no connection, so nothing was sent."""


@dataclass(frozen=True, slots=True)
class HttpPlace:
    """Where connections go.

    trust        None for one without TLS
    fingerprint  SHA-256 of the only certificate that is trusted; b"" if `trust` decides
    """

    host: str
    port: int
    trust: ssl.SSLContext | None = None
    fingerprint: bytes = b""


class HttpExchanges:
    """The connections to one place."""

    def __init__(self, place: HttpPlace, at_once: int = AT_ONCE) -> None:
        self._place = place
        self._room = asyncio.Semaphore(at_once)
        self._idle: list[_Line] = []
        self._is_over = False

    async def ask(self, method: str, message: bytes, longest: int, patience: float) -> HttpAnswer:
        """The answer to one request.

        Args:
            method: of it.
            message: all of it.
            longest: bytes of the body; of a longer one the head is returned.
            patience: seconds in which nothing moves, neither of the message nor of the answer.
                `LEAST` bytes of the answer may take `LONGEST_ANSWER` times as long.

        Raises:
            UnopenedError: nothing was sent.
            UnreadableError: the answer cannot be read.
            OSError: the connection was cut; TimeoutError: there is no answer.
        """
        async with self._room:
            used = self._kept() or await self._opened()
            try:
                answer = await used.ask(HttpAnswerReader(method, longest), message, patience)
            except BaseException:
                used.close()
                raise
            if answer.kept and used.is_free and not self._is_over:
                self._idle.append(used)
            else:
                used.close()
            return answer

    async def aclose(self) -> None:
        """Closes what is idle. A message that is under way ends as it ends, then its connection."""
        self._is_over = True
        idle, self._idle = self._idle, []
        for one in idle:
            one.close()

    def _kept(self) -> "_Line | None":
        """The connection that was used last, if its server may not have closed it yet."""
        oldest = asyncio.get_running_loop().time() - KEPT
        while self._idle:
            one = self._idle.pop()
            if one.is_free and one.since > oldest:
                return one
            one.close()
        return None

    async def _opened(self) -> "_Line":
        place, loop = self._place, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT):
                transport, protocol = await loop.create_connection(
                    _Line, place.host, place.port, ssl=place.trust
                )
        except (OSError, UnicodeError, ValueError) as error:
            raise UnopenedError from error
        try:
            self._check(transport)
        except BaseException:
            transport.abort()
            raise
        return protocol

    def _check(self, transport: asyncio.Transport) -> None:
        """Raises UnopenedError: it is another server, or there are too many descriptors."""
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.fileno() >= line(limit()):
            raise UnopenedError
        if self._place.fingerprint:
            shown = transport.get_extra_info("ssl_object")
            certificate = shown.getpeercert(binary_form=True) if shown is not None else None
            if sha256(certificate or b"").digest() != self._place.fingerprint:
                raise UnopenedError


class _Line(asyncio.Protocol):
    """One connection: one message after the other.

    since  when it was last used, by the clock of the loop
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader: HttpAnswerReader | None = None
        self._answer: asyncio.Future[HttpAnswer] | None = None
        self._came = self._ends = self._patience = 0.0
        self._counted = 0
        self._sent: Hashable = None
        self._stalling = Stalling(0.0)
        self._is_closed = False
        self.since = 0.0

    @property
    def is_free(self) -> bool:
        """Another message may follow: it is open, and all of the last one has gone.

        A server that answers before it has read a message may take the rest of it for another one.
        """
        transport = self._transport
        if self._is_closed or transport is None or transport.is_closing():
            return False
        return transport.get_write_buffer_size() == 0

    async def ask(self, reader: HttpAnswerReader, message: bytes, patience: float) -> HttpAnswer:
        assert self._transport is not None
        answer: asyncio.Future[HttpAnswer] = self._loop.create_future()
        self._reader, self._answer, self._came = reader, answer, self._loop.time()
        self._patience = LONGEST_ANSWER * patience
        self._ends, self._counted = self._came + self._patience, 0
        self._stalling = Stalling(patience)
        self._watch = self._loop.call_later(min(LOOK, patience), self._look)
        self._transport.write(message)
        try:
            return await answer
        finally:
            self._watch.cancel()
            self._reader = self._answer = None
            self.since = self._loop.time()

    def close(self) -> None:
        self._is_closed = True
        if self._transport is not None:
            self._transport.abort()

    # -- what the loop calls -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._reader is None or self._answer is None or self._answer.done():
            self.close()  # nobody has asked for it
            return
        self._came = self._loop.time()
        self._counted += len(data)
        if self._counted >= LEAST:
            self._counted, self._ends = 1, self._came + self._patience
        try:
            answer = self._reader.feed(data)
        except UnreadableError as error:
            self._answer.set_exception(error)
            return
        if answer is not None:
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closed = True
        if self._reader is None or self._answer is None or self._answer.done():
            return
        if exc is None and (answer := self._reader.ended()) is not None:
            self._answer.set_result(answer)
        else:
            self._answer.set_exception(
                exc if isinstance(exc, OSError) else ConnectionResetError("the connection was cut")
            )

    def _look(self) -> None:
        """Ends the wait if nothing moves for so long, or if what comes is too slow."""
        if self._answer is None or self._answer.done():
            return
        now = self._loop.time()
        if not self._counted:  # the message is on its way
            mark = line_mark(self._transport)
            if mark != self._sent:
                self._sent, self._ends = mark, now + self._patience
        left = min(self._stalling.left((self._sent, self._came), now), self._ends - now)
        if left > 0:
            self._watch = self._loop.call_later(min(LOOK, left), self._look)
        else:
            self._answer.set_exception(TimeoutError("there is no answer"))
