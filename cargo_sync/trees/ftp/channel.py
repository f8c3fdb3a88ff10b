"""A data connection of FTP, on which a listing or a content goes.

The client opens it (passive mode), always to the machine of the control connection: the address in
the answer to PASV is not read, since it could be anybody's.
"""

import asyncio
import os
import re
import socket
from collections.abc import Hashable
from contextlib import suppress
from typing import Final

from cargo_sync.model.world import Offload
from cargo_sync.process.byte_stream import ByteStream
from cargo_sync.process.line_progress import WhileMoving, line_mark, moved_bytes
from cargo_sync.process.passing_on import Put
from cargo_sync.trees.ftp.line import FtpLine, FtpReply
from cargo_sync.trees.ftp.opening import CONNECT_SECONDS
from cargo_sync.trees.ftp.problems import bad_answer, translated

SILENT_SECONDS: Final = 120.0
"""So long nothing may come, and nothing may be taken."""
LASTS: Final = 10.0
"""Seconds after which an upload goes on over another data connection: on the way to the server
somebody may forget a control connection on which nothing is said for minutes."""
_FLUSHED: Final = 3600.0
"""Seconds in which the end of a TLS connection is sent: `finish` says when nothing moves."""
_TRIES: Final = 5
_NO_PORT: Final = 425
_EXTENDED: Final = re.compile(r"\((.)\1\1(\d{1,5})\1\)")
_OLD: Final = re.compile(r"\d{1,3}(?:,\d{1,3}){3},(\d{1,3}),(\d{1,3})")


class FtpChannel:
    """An open data connection, for one command. It ends with `finish` or `drop`."""

    def __init__(self, line: FtpLine, path: str, stream: ByteStream) -> None:
        self.line = line
        self._path = path
        self._stream = stream
        self._opened = asyncio.get_running_loop().time()

    @property
    def is_old(self) -> bool:
        """Whether it has been open for `LASTS`."""
        return asyncio.get_running_loop().time() - self._opened >= LASTS

    async def read(self) -> memoryview:
        """The next bytes; none at the end, which may be that of a cut."""
        with translated(self.line.login.where):
            async with asyncio.timeout(SILENT_SECONDS):
                return await self._stream.read()

    async def pass_on(self, most: int, put: Put, offload: Offload) -> int:
        """See `ByteStream`."""
        return await self._stream.pass_on(most, put, offload)

    async def write(self, content: memoryview) -> None:
        """Sends bytes, which must stay as they are."""
        with translated(self.line.login.where):
            async with WhileMoving(lambda: line_mark(self._stream.transport), SILENT_SECONDS):
                await self._stream.write(content)

    async def finish(self) -> str:
        """Closes it, and waits until the server says that all has gone well.

        Returns:
            What it says.

        Raises:
            ProblemError: it says something else; or not all could be sent, of which a server may
                know nothing: to many, a TLS connection that is cut has only ended.
        """
        transport = self._stream.transport
        copy = _copy_of(transport)

        def mark() -> Hashable:
            return moved_bytes(copy), line_mark(transport)

        try:
            transport.close()
            try:
                with translated(self.line.login.where):
                    async with WhileMoving(mark, 2 * SILENT_SECONDS):
                        await self._stream.closed()
            except BaseException:
                self.line.broken = True  # the answer comes later, and would be taken for another
                raise
            if copy is not None:
                with suppress(OSError):
                    copy.shutdown(socket.SHUT_WR)
            # What the system here has of it may still be on its way for minutes.
            return (await self.line.last(self._path, mark)).text
        finally:
            if copy is not None:
                copy.close()

    def drop(self) -> None:
        """Ends it in the middle: the control connection ends, too."""
        self._stream.abort()
        self.line.close()


def _copy_of(transport: asyncio.Transport) -> socket.socket | None:
    """The same connection once more: it says how far it is after the transport was closed."""
    opened = transport.get_extra_info("socket")
    try:
        return socket.socket(fileno=os.dup(opened.fileno())) if opened is not None else None
    except OSError:
        return None


async def open_channel(line: FtpLine, command: str, path: str, start: int = 0) -> FtpChannel:
    """Sends a command whose content goes over a data connection.

    Args:
        line: nobody else uses it.
        command: as RETR.
        path: what it is about, for people.
        start: the first byte, which REST says before.

    Raises:
        ProblemError: the server refuses; the connection failed.
    """
    opened = await _connected(line)
    try:
        if start:
            await line.wanted(f"REST {start}", path, good=(3,))
        await line.wanted(command, path, good=(1,))
        login, context = line.login, line.context
        with translated(login.where):
            async with asyncio.timeout(CONNECT_SECONDS):
                try:
                    # The handshake begins after the first answer (RFC 4217).
                    loop = asyncio.get_running_loop()
                    transport, stream = await loop.create_connection(
                        lambda: ByteStream(loop.time),
                        sock=opened,
                        ssl=context,
                        server_hostname=login.host if context is not None else None,
                        ssl_shutdown_timeout=_FLUSHED if context is not None else None,
                    )
                except (OSError, EOFError):
                    await _explain(line, path)
                    raise
    except BaseException:
        opened.close()
        raise
    channel = FtpChannel(line, path, stream)
    try:
        if context is not None:
            login.check(transport.get_extra_info("ssl_object"))
    except BaseException:
        channel.drop()
        raise
    return channel


async def _explain(line: FtpLine, path: str) -> None:
    """After a failed handshake the server may have said why. Raises it, then."""
    try:
        reply = await line.ask("", path)
    finally:
        line.close()
    if not reply.is_good:
        raise line.refusal(reply, path)


async def _connected(line: FtpLine) -> socket.socket:
    port = await _port(line)
    family, host = line.peer
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setblocking(False)
    try:
        with translated(line.login.where):
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(opened, (host, port))
    except BaseException:
        opened.close()
        line.close()  # it may still wait for us
        raise
    return opened


async def _port(line: FtpLine) -> int:
    reply = await _opened_there(line)
    if line.passive == "EPSV" and reply.number // 100 == 5 and reply.number != 530:
        line.passive = "PASV"
        reply = await _opened_there(line)
    if reply.number not in (227, 229):
        raise line.refusal(reply)
    return port_of(reply.text)


async def _opened_there(line: FtpLine) -> FtpReply:
    """The answer to EPSV or PASV.

    Some servers take any port of theirs, and say 425 if another connection has it just now.
    """
    for _ in range(_TRIES - 1):
        reply = await line.ask(line.passive)
        if reply.number != _NO_PORT:
            return reply
    return await line.ask(line.passive)


def port_of(text: str) -> int:
    """The port in an answer to EPSV or PASV.

    Raises:
        ProblemError: there is none.
    """
    if found := _EXTENDED.search(text):
        port = int(found[2])
    elif found := _OLD.search(text):
        high, low = int(found[1]), int(found[2])
        port = high * 256 + low if high < 256 and low < 256 else 0
    else:
        port = 0
    if not 0 < port < 2**16:
        raise bad_answer("it says no port for a data connection")
    return port
