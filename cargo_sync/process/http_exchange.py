"""HTTP messages over connections that are kept: what a server of many files is asked.

A short request is one write, its answer is one wait. It costs a third of the time of a library that
is made for everything. Long contents go to the socket as they lie in memory, and long bodies are
received where they belong: neither is copied. Nothing is sent twice here, no redirect is followed,
no cookie kept, and no proxy asked. Whoever gets an `UnopenedError` has sent nothing, and asks in
another way.
"""

import asyncio
import ssl
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, cast

from cargo_sync.machines.stalling import Stalling
from cargo_sync.process.body_arrivals import BodyArrivals
from cargo_sync.process.body_room import BodyRoom
from cargo_sync.process.byte_stream import UNSENT
from cargo_sync.process.descriptors import limit, line
from cargo_sync.process.line_progress import LOOK, line_mark
from cargo_sync.wire.http1 import HttpAnswer, HttpAnswerReader, UnreadableError

CONNECT: Final = 10.0
KEPT: Final = 4.0
"""Seconds that an idle connection is kept: servers close theirs after 5 s or more."""
AT_ONCE: Final = 32
"""Connections; what wants more waits."""
PIECE: Final = 256 * 2**10
"""Bytes of a content that are handed to the socket at once."""
LONGEST_ANSWER: Final = 5
LEAST: Final = 2**10
"""So many bytes of an answer may take so many times the patience that a pause in it may take."""


_BUFFER: Final = 64 * 2**10
"""Bytes that are read at once of what is not received in its place."""


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

    async def ask(
        self,
        method: str,
        message: bytes,
        longest: int,
        patience: float,
        content: Sequence[bytes | memoryview] = (),
        room: BodyRoom | None = None,
    ) -> HttpAnswer:
        """The answer to one request.

        Args:
            method: of it.
            message: all of it, or what is before its content.
            longest: bytes of the body; of a longer one the head is returned.
            content: what is not copied; it must stay as it is until this returns.
            room: where the body is received if it accepts the answer. The answer has none then.
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
                reader = HttpAnswerReader(method, longest)
                answer = await used.ask(reader, message, patience, content, room)
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


class _Line(asyncio.BufferedProtocol):
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
        self._is_closed = self._is_paused = False
        self._is_sent = True
        self._resumed: asyncio.Future[None] | None = None
        self._buffer = memoryview(bytearray(_BUFFER))
        self._room: BodyRoom | None = None
        self._arrivals: BodyArrivals | None = None
        self._found: HttpAnswer | None = None
        """The answer whose body is received in the room."""
        self.since = 0.0

    @property
    def is_free(self) -> bool:
        """Another message may follow: it is open, and all of the last one has gone.

        A server that answers before it has read a message may take the rest of it for another one.
        """
        transport = self._transport
        if self._is_closed or transport is None or transport.is_closing() or not self._is_sent:
            return False
        return transport.get_write_buffer_size() == 0

    async def ask(
        self,
        reader: HttpAnswerReader,
        message: bytes,
        patience: float,
        content: Sequence[bytes | memoryview] = (),
        room: BodyRoom | None = None,
    ) -> HttpAnswer:
        assert self._transport is not None
        answer: asyncio.Future[HttpAnswer] = self._loop.create_future()
        self._reader, self._answer, self._came = reader, answer, self._loop.time()
        self._room, self._is_sent = room, not content
        self._patience = LONGEST_ANSWER * patience
        self._ends, self._counted = self._came + self._patience, 0
        self._stalling = Stalling(patience)
        self._watch = self._loop.call_later(min(LOOK, patience), self._look)
        self._transport.write(message)
        try:
            if content:
                answer.add_done_callback(lambda _: self._go_on())
                await self._send(content, answer)
            return await answer
        finally:
            self._watch.cancel()
            self._reader = self._answer = self._room = self._found = None
            self.since = self._loop.time()

    async def _send(
        self, content: Sequence[bytes | memoryview], answer: "asyncio.Future[HttpAnswer]"
    ) -> None:
        """Hands it to the socket as that takes it; an answer ends it."""
        assert self._transport is not None
        for view in content:
            whole = memoryview(view).cast("B")
            for start in range(0, len(whole), PIECE):
                while self._is_paused and not answer.done():
                    self._resumed = self._loop.create_future()
                    await self._resumed
                if answer.done() or self._transport.is_closing():
                    return
                self._transport.write(whole[start : start + PIECE])
        self._is_sent = True

    def _go_on(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    def close(self) -> None:
        self._is_closed = True
        if self._transport is not None:
            self._transport.abort()

    # -- what the loop calls -----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._arrivals = BodyArrivals(transport)
        if transport.get_extra_info("sslcontext") is None:
            self._transport.set_write_buffer_limits(high=UNSENT)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._go_on()

    def get_buffer(self, sizehint: int) -> memoryview:
        room = self._room
        return room.left() if room is not None and room.is_open else self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # nobody has asked for it
            return
        room = self._room
        self._counts(nbytes)
        try:
            if room is not None and room.is_open:
                room.came(nbytes)
                self._expect(room)
            else:
                self._read(bytes(self._buffer[:nbytes]))
        except Exception as error:
            self._answer.set_exception(error)

    def _counts(self, count: int) -> None:
        self._came = self._loop.time()
        self._counted += count
        if self._counted >= LEAST:
            self._counted, self._ends = 1, self._came + self._patience

    def _read(self, data: bytes) -> None:
        """What has come of an answer, or of its head. Raises UnreadableError."""
        reader, room = self._reader, self._room
        assert reader is not None and self._answer is not None
        answer = reader.feed(data)
        if answer is None:
            return
        is_long = answer.body is None
        length, rest = (reader.length, reader.rest) if is_long else (_size(answer), answer.body)
        if room is None or not room.accepts(answer) or length != room.size:
            self._answer.set_result(answer)
            return
        if rest is None or len(rest) > room.size:
            raise UnreadableError("more came than its length says")
        self._found = replace(answer, body=b"", kept=reader.keeps)
        room.begin()
        room.put(memoryview(rest))
        self._expect(room)

    def _expect(self, room: BodyRoom) -> None:
        """What is still to come of a body; if nothing is, all of the answer is here."""
        if self._arrivals is not None:
            self._arrivals.expect(room.rest)
        if not room.is_open and self._answer is not None and self._found is not None:
            self._answer.set_result(self._found)

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_closed = True
        self._go_on()
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
        if self._arrivals is not None:
            self._arrivals.waited(now - self._came)
        if not self._counted:  # the message is on its way
            mark = line_mark(self._transport)
            if mark != self._sent:
                self._sent, self._ends = mark, now + self._patience
        left = min(self._stalling.left((self._sent, self._came), now), self._ends - now)
        if left > 0:
            self._watch = self._loop.call_later(min(LOOK, left), self._look)
        else:
            self._answer.set_exception(TimeoutError("there is no answer"))


def _size(answer: HttpAnswer) -> int:
    return 0 if answer.body is None else len(answer.body)
