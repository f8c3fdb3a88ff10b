"""The text port, for the published program: one verb and one answer per connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from cargo_sync.backup_protocol import text
from cargo_sync.backup_protocol.messages import (
    BackupRefusal,
    BackupRequest,
    BackupStatus,
    BackupVerb,
)
from cargo_sync.backup_protocol.text import LONGEST_ANSWER, TextRequest
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.doors import Arrival
from cargo_sync.server.accounts.permits import Permit
from cargo_sync.server.backup.shelf import LOGGED_OUT, BackupLogin, Fetched, Shelves

DEADLINE: Final = 30.0
"""Seconds for a whole request, and as many for its answer."""
PIECE: Final = 64 * 1024

CopyText = Callable[[str, str, bytes], None]
"""(id, name, content) of a text that was stored; it returns at once."""


class TextPort:
    """Serves one connection per call.

    Args:
        door: logs users in.
        shelves: the files.
        offload: runs blocking calls in threads.
        framed: the name of the other port for people, such as "porta 10001".
        deadline: seconds; a client that has not asked by then gets no answer.
        copy: hears of each text that was stored, after its client was answered; None for nobody.
    """

    def __init__(
        self,
        door: BackupLogin,
        shelves: Shelves,
        offload: Offload,
        framed: str,
        deadline: float = DEADLINE,
        copy: CopyText | None = None,
    ) -> None:
        self._door = door
        self._shelves = shelves
        self._offload = offload
        self._framed = framed
        self._deadline = deadline
        self._copy = copy

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, arrival: Arrival
    ) -> None:
        """Reads a request of a client that was greeted, and answers it.

        Raises:
            OSError, TimeoutError: the client is gone.
        """
        try:
            async with asyncio.timeout(self._deadline):
                asked = await _request(reader)
            if asked is None:
                return
            arrival.enter()  # nobody has a password here: who has asked is inside
            answer = await self._answer(asked, arrival.ip)
        except BackupRefusal as refused:
            await self._say(writer, text.sentence(refused.sentence))
            return
        try:
            await self._say(writer, answer)
        finally:  # it is stored, also if its client did not wait for the answer
            if self._copy is not None and asked.verb is BackupVerb.SEND:
                self._copy(answer.decode(), asked.name, encoded(asked))

    async def _say(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        if writer.is_closing():  # uvloop's transports refuse to be written to then
            raise ConnectionResetError("the client is gone")
        async with asyncio.timeout(self._deadline):
            writer.write(answer)  # in one piece: the client reads once
            await writer.drain()

    async def _answer(self, asked: BackupRequest, address: str) -> bytes:
        sends = asked.verb is BackupVerb.SEND
        permit = await self._door.enter(asked.nickname, None, address, sends=sends)
        try:
            with permit:
                return await self._permitted(asked, permit)
        except ProblemError as revoked:
            raise BackupRefusal(LOGGED_OUT) from revoked

    async def _permitted(self, asked: BackupRequest, permit: Permit) -> bytes:
        shelves = self._shelves
        match asked.verb:
            case BackupVerb.SEND:
                content = encoded(asked)
                return (
                    await shelves.put(permit, asked.name, len(content), _once(content))
                ).encode()
            case BackupVerb.LIST:
                return text.listing(permit.user, await shelves.list(permit), self._framed)
            case BackupVerb.FETCH:
                found = await shelves.fetch(permit, asked.id)
                with contextlib.closing(found.reader):
                    content = await self._whole(found)
                shelves.sent(found)  # the answer is one piece, which is written next
                return text.file(found.name, content, self._framed)

    async def _whole(self, found: Fetched) -> bytes:
        if found.size > LONGEST_ANSWER:
            raise text.too_large(self._framed)
        content = bytearray(found.size)
        count = (
            await self._offload(found.reader.read_into, memoryview(content), 0) if content else 0
        )
        if count != found.size or not await self._offload(found.reader.unchanged):
            raise BackupRefusal(
                "O arquivo mudou enquanto era lido: tente de novo", BackupStatus.STORE
            )
        return bytes(content)


async def _request(reader: asyncio.StreamReader) -> BackupRequest | None:
    """The request; None when the client leaves before the end of it."""
    request = TextRequest()
    while piece := await reader.read(PIECE):
        if (asked := request.feed(piece)) is not None:
            return asked
    return None


def encoded(asked: BackupRequest) -> bytes:
    """The content within a request.

    Raises:
        BackupRefusal: it is not a valid text.
    """
    try:
        return (asked.content or "").encode()
    except UnicodeEncodeError:
        raise BackupRefusal('"conteudo_arquivo" não é um texto válido') from None


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
