"""Content under way to and from a server in memory."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from cargo_sync.model.abilities import Abilities, Resuming
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import ProblemError, changed
from cargo_sync.model.world import Offload
from cargo_sync.process.passing_on import Put
from cargo_sync.process.wakeup import next_turn
from cargo_sync.testing.remote_server import Item, MemoryServer
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace


class RemoteCaller(Protocol):
    """The remote whose content it is."""

    abilities: Abilities
    piece: int
    tells: bool

    @property
    def server(self) -> MemoryServer: ...
    async def called(self, call: str, path: str) -> None: ...
    def ended(self, call: str, path: str) -> None: ...
    async def receive(self, count: int, pace: Pace) -> None: ...
    def place(self, file: NewFile, content: bytes, replaced: Entry | None) -> Entry: ...


class MemoryContent:
    """A file that is being read; it notices at the end that it was changed meanwhile."""

    def __init__(self, remote: RemoteCaller, path: str, item: Item, start: int) -> None:
        self._server = remote.server
        self._path = path
        self._item = item
        self._at = start
        self.mtime_ns = item.mtime_ns if remote.tells else None
        self.mode = item.mode if remote.tells else None
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._item.content
        while self._at < len(content):
            await next_turn()
            yield self._next(len(content))
        if self._server.items.get(self._path) != self._item:
            raise ProblemError(changed(self._path))

    async def pass_on(self, most: int, put: Put, offload: Offload) -> int:
        """Passes on as much as it may: content in memory comes at once."""
        end = min(self._at + most, len(self._item.content))
        count = end - self._at

        def passing() -> None:
            while self._at < end:
                put(memoryview(self._next(end)))

        await offload(passing)
        self._server.passed += count
        return count

    def _next(self, end: int) -> bytes:
        if self._server.fault is not None:
            self._server.fault("content", self._path)
        start, self._at = self._at, min(end, self._at + self._server.chunk)
        return self._item.content[start : self._at]

    async def close(self) -> None:
        self.closed = True


class MemoryUpload:
    """A larger file under way."""

    def __init__(self, remote: RemoteCaller, id: str, file: NewFile) -> None:
        self._remote = remote
        self._id = id
        self._path = file.path
        self._parts = remote.server.uploads[id]
        self.piece = remote.piece
        self.asks = True
        self.at_once = 1 if remote.abilities.resuming is Resuming.APPEND else 3

    @property
    def done(self) -> Sequence[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        for start, content in sorted(self._parts.pieces.items()):
            end = start + len(content)
            if spans and spans[-1][1] == start:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((start, end))
        return spans

    async def holds(self, offset: int, content: memoryview) -> bool:
        have = b"".join(piece for _, piece in sorted(self._parts.pieces.items()))
        first = min(self._parts.pieces, default=0)
        return have[offset - first : offset - first + len(content)] == content

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        await self._remote.called("send", self._path)
        if self._remote.abilities.resuming is Resuming.APPEND:
            assert offset == (self.done[-1][1] if self.done else 0), "pieces come in order"
        await self._remote.receive(len(content), pace)
        self._parts.pieces[offset] = bytes(content)
        self._remote.ended("send", self._path)

    def kept(self) -> Kept:
        return self._id

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        await self._remote.called("publish", file.path)
        content = b"".join(piece for _, piece in sorted(self._parts.pieces.items()))
        assert len(content) == file.size, "all pieces must be there"
        entry = self._remote.place(file, content, replaced)
        self._remote.server.uploads.pop(self._id, None)
        self._remote.ended("publish", file.path)
        return entry

    async def leave(self) -> None:
        if self._remote.abilities.resuming is Resuming.NONE:
            self._remote.server.uploads.pop(self._id, None)

    async def abort(self) -> None:
        self._remote.server.uploads.pop(self._id, None)
