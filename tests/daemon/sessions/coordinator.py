"""A coordinator's framed port in memory: it answers as the protocol says, without a real store."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cargo_sync.backup_protocol import frames
from cargo_sync.backup_protocol.messages import (
    BackupRefusal,
    BackupRequest,
    BackupStatus,
    BackupVerb,
)
from cargo_sync.backup_protocol.text import NO_FILES, NO_ID, NO_NICKNAME, Listed


class Coordinator:
    """Files by id; `users` with their passwords.

    cut    bytes of content after which a connection is dropped, once, in either direction
    mute   content is taken and no answer given
    """

    def __init__(self) -> None:
        self.users: dict[str, str | None] = {"ana": None}
        self.files: dict[str, tuple[str, bytes]] = {}
        self.cut: int | None = None
        self.mute = False
        self.asked: list[BackupRequest] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(frames.LENGTH.size)
                request = frames.read_request(await reader.readexactly(frames.length(head)))
                self.asked.append(request)
                try:
                    writer.write(await self._answer(request, reader))
                except BackupRefusal as refusal:
                    writer.write(frames.refused(refusal))
                await writer.drain()
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: BackupRequest, reader: asyncio.StreamReader) -> bytes:
        if request.nickname not in self.users or self.users[request.nickname] != request.password:
            raise BackupRefusal(NO_NICKNAME)
        match request.verb:
            case BackupVerb.LIST if not self.files:
                raise BackupRefusal(NO_FILES)
            case BackupVerb.LIST:
                return frames.listed(Listed(id, name) for id, (name, _) in self.files.items())
            case BackupVerb.SEND:
                if request.name == "full":
                    raise BackupRefusal("disco cheio", BackupStatus.STORE)
                content = await reader.readexactly(self._until_cut(request.size))
                if self._is_cut(request.size):
                    raise EOFError
                id = f"id-{len(self.files)}"
                self.files[id] = (request.name, content)
                if self.mute:
                    raise EOFError
                return frames.stored(id)
            case BackupVerb.FETCH:
                if request.id not in self.files:
                    raise BackupRefusal(NO_ID)
                name, content = self.files[request.id]
                return frames.fetched(name, len(content)) + content[: self._until_cut(len(content))]

    def _until_cut(self, size: int) -> int:
        return size if self.cut is None else min(size, self.cut)

    def _is_cut(self, size: int) -> bool:
        cut, self.cut = self.cut, None
        return cut is not None and cut < size


@asynccontextmanager
async def coordinating(context: ssl.SSLContext | None = None) -> AsyncIterator[Coordinator]:
    one = Coordinator()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=context)
    one.port = server.sockets[0].getsockname()[1]
    async with server:
        yield one
