"""The framed port: any number of requests per connection, content of any size both ways."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from cargo_sync.backup_protocol import frames
from cargo_sync.backup_protocol.messages import BackupRefusal, BackupRequest, BackupVerb
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.doors import Arrival
from cargo_sync.server.accounts.permits import Permit
from cargo_sync.server.backup.shelf import LOGGED_OUT, BackupLogin, Shelves
from cargo_sync.server.backup.text_port import encoded

IDLE: Final = 60.0
"""Seconds that may pass without a byte from the client, or with an answer that it does not read."""
PIECE: Final = 1024 * 1024
DRAIN: Final = 8 * 1024 * 1024
"""Content of a refused file that is still read, so that the refusal is not lost when the connection
closes."""


class FramePort:
    """Serves one connection per call, until the client ends it or is silent for `idle` seconds."""

    def __init__(
        self, door: BackupLogin, shelves: Shelves, offload: Offload, idle: float = IDLE
    ) -> None:
        self._door = door
        self._shelves = shelves
        self._offload = offload
        self._idle = idle

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, arrival: Arrival
    ) -> None:
        """Serves a connection.

        Raises:
            OSError, TimeoutError, asyncio.IncompleteReadError: the client is gone.
        """
        while head := await self._head(reader):
            try:
                asked = await self._request(reader, head, arrival.inside)
            except BackupRefusal as refused:
                await self._write(writer, frames.refused(refused))
                return  # the start of the next request is unknown
            content = _Content(reader, asked.size, self._idle)
            arrival.heard()
            try:
                permit = await self._door.enter(
                    asked.nickname,
                    asked.password,
                    arrival.ip,
                    sends=asked.verb is BackupVerb.SEND,
                )
                arrival.enter()
                with permit:
                    await self._answer(asked, content, permit, writer)
            except BackupRefusal as refused:
                arrival.waits()
                await self._write(writer, frames.refused(refused))
                if not await content.drained():
                    return
            except ProblemError:  # the permit was revoked
                if asked.verb is not BackupVerb.FETCH:  # else the answer has begun
                    await self._write(writer, frames.refused(BackupRefusal(LOGGED_OUT)))
                return

    async def _request(
        self, reader: asyncio.StreamReader, head: bytes, logged_in: bool
    ) -> BackupRequest:
        """The request after `head`. A stranger's is small, and a large one is parsed in a thread.

        Raises:
            BackupRefusal: it is too large, or it is not a valid request.
        """
        longest = frames.LONGEST_REQUEST if logged_in else frames.LONGEST_FIRST
        body = await self._read(reader, frames.length(head, longest))
        if len(body) > frames.LONGEST_FIRST:
            return await self._offload(frames.read_request, body)
        return frames.read_request(body)

    async def _answer(
        self,
        asked: BackupRequest,
        content: "_Content",
        permit: Permit,
        writer: asyncio.StreamWriter,
    ) -> None:
        shelves = self._shelves
        match asked.verb:
            case BackupVerb.SEND if asked.content is not None:
                inside = encoded(asked)
                id = await shelves.put(permit, asked.name, len(inside), _once(inside))
                await self._write(writer, frames.stored(id))
            case BackupVerb.SEND:
                id = await shelves.put(permit, asked.name, asked.size, content)
                await self._write(writer, frames.stored(id))
            case BackupVerb.LIST:
                await self._write(writer, frames.listed(await shelves.list(permit)))
            case BackupVerb.FETCH:
                found = await shelves.fetch(permit, asked.id)
                with contextlib.closing(found.reader):
                    await self._write(writer, frames.fetched(found.name, found.size))
                    done = 0
                    while done < found.size:
                        piece = bytearray(min(PIECE, found.size - done))
                        count = await self._offload(found.reader.read_into, memoryview(piece), done)
                        done += count
                        if count < len(piece) or not await self._offload(found.reader.unchanged):
                            # The client sees from `tamanho` that the content is incomplete.
                            raise ConnectionResetError("the file changed while it was read")
                        await self._write(writer, bytes(piece))
                    shelves.sent(found)

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        """The next frame's length; b"" when the client ended between requests."""
        try:
            return await self._read(reader, frames.LENGTH.size)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise
            return b""

    async def _read(self, reader: asyncio.StreamReader, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            async with asyncio.timeout(self._idle):
                part = await reader.readexactly(min(count, PIECE))
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    async def _write(self, writer: asyncio.StreamWriter, content: bytes) -> None:
        if writer.is_closing():  # uvloop's transports refuse to be written to then
            raise ConnectionResetError("the client is gone")
        async with asyncio.timeout(self._idle):
            writer.write(content)
            await writer.drain()


class _Content:
    """The raw bytes after a request, read when they are needed."""

    def __init__(self, reader: asyncio.StreamReader, size: int, idle: float) -> None:
        self._reader = reader
        self._left = size
        self._idle = idle

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._left:
            yield await self._next()

    async def drained(self) -> bool:
        """Reads and drops the rest if it is small enough; returns whether it did."""
        if self._left > DRAIN:
            return False
        while self._left:
            await self._next()
        return True

    async def _next(self) -> bytes:
        async with asyncio.timeout(self._idle):
            piece = await self._reader.read(min(self._left, PIECE))
        if not piece:
            raise ConnectionResetError("the client left before the end of the content")
        self._left -= len(piece)
        return piece


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
