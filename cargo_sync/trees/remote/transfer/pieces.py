"""A larger file goes to a remote piece by piece, and goes on after a cut or a restart."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from cargo_sync.model.abilities import Resuming
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import Offload
from cargo_sync.state.remote_uploads import KeptUpload
from cargo_sync.trees.remote.contract import NewFile, RemoteFolder, RemoteUpload
from cargo_sync.trees.remote.transfer.content import UploadFile
from cargo_sync.trees.remote.transfer.files import MovingFiles
from cargo_sync.trees.remote.transfer.memory import ContentRoom
from cargo_sync.trees.remote.transfer.uploads import UploadStore

NOTED: Final = 64 * 2**20
"""Bytes after which what is kept of an upload is stored again, if the server is asked anyway."""


class Resumption:
    """What is kept of uploads to one remote.

    root  the remote's name, once it is open
    """

    def __init__(self, remote: RemoteFolder, store: UploadStore, offload: Offload) -> None:
        self._remote = remote
        self._store = store
        self._offload = offload
        self.root = ""

    async def upload(self, file: NewFile, offer: Offer) -> RemoteUpload:
        """An upload of a file: a new one, or one that goes on.

        One of another version of the same file is given up first.
        """
        if not self._keeps(offer):
            return await self._remote.upload(file, None)
        store, root = self._store, self.root
        earlier = await self._offload(store.earlier, root, offer.transfer, offer.path)
        found = await self._offload(store.get, root, offer.transfer)
        if found is not None and (found.source, found.size) != (_source(offer), offer.size):
            earlier, found = [*earlier, found], None
        for one in earlier:
            await self.give_up(one)
        upload = await self._remote.upload(file, found.kept if found is not None else None)
        await self.note(upload, offer)
        return upload

    async def give_up(self, one: KeptUpload) -> None:
        """Removes what the server has of an upload; it is kept if that is not possible now."""
        await self._remote.give_up(one.kept)
        await self._offload(self._store.drop, one.root, one.transfer)

    async def note(self, upload: RemoteUpload, offer: Offer) -> None:
        """Stores how far an upload is."""
        if self._keeps(offer):
            kept = KeptUpload(
                self.root, offer.transfer, offer.path, offer.size, _source(offer), upload.kept()
            )
            await self._offload(self._store.put, kept)

    async def published(self, offer: Offer) -> None:
        """Nothing is kept any more."""
        if self._keeps(offer):
            await self._offload(self._store.drop, self.root, offer.transfer)

    async def left(self, upload: RemoteUpload, offer: Offer, *, wanted: bool) -> None:
        """An upload was stopped: what the server has of it stays if it is `wanted` for another try.

        Nothing is raised: what stopped it may stop this too.
        """
        with suppress(ProblemError):
            if wanted and self._keeps(offer):
                try:
                    await self.note(upload, offer)
                finally:  # else its connection would stay open
                    await upload.leave()
            else:
                await upload.abort()
                await self.published(offer)

    async def left_behind(self, seconds: float) -> None:
        """Gives up own uploads with which nobody has gone on for so long."""
        for one in await self._offload(self._store.left, self.root, seconds):
            with suppress(ProblemError):
                await self.give_up(one)

    def _keeps(self, offer: Offer) -> bool:
        """Whether an upload of this file goes on after a cut: its transfer keeps its id then."""
        return self._remote.abilities.resuming is not Resuming.NONE and resumable(offer.size)


class PieceUpload:
    """Sends the pieces of one file.

    A piece is under way until it is certain that it need not be sent again: so after a kill no more
    than `at_once` pieces are.
    """

    def __init__(
        self,
        upload: RemoteUpload,
        resumption: Resumption,
        files: MovingFiles,
        memory: ContentRoom,
        offer: Offer,
    ) -> None:
        self._upload = upload
        self._resumption = resumption
        self._files = files
        self._memory = memory
        self._offer = offer
        self._pace = files.pace(offer)
        self._unnoted = 0
        self._noting = asyncio.Lock()

    async def send_all(self, near: UploadFile) -> str:
        """Sends what the server does not have.

        Returns:
            BLAKE3 of the file, which has not changed meanwhile; "" if the server does not have what
            it said it has.

        Raises:
            ProblemError: it has changed, or a piece could not be sent.
        """
        upload, sends = self._upload, set[asyncio.Task[None]]()
        size, done = self._offer.size, tuple(upload.done)
        there = sum(max(0, end - start) for start, end, has in _spans(size, done) if has)
        self._files.had(self._offer, there)
        try:
            for start, end, has in pieces(size, upload.piece, done):
                await self._memory.take(end - start)
                try:
                    piece = await near.next(start, end - start)
                    if has and not await upload.holds(start, piece):
                        return ""
                    if not has:
                        await _room(sends, upload.at_once - 1)
                        sends.add(self._begin(start, piece))
                        end = start  # its room is given back when it is sent
                finally:
                    self._memory.give(end - start)
            await _room(sends, 0)
        finally:
            for task in sends:
                task.cancel()
            await asyncio.gather(*sends, return_exceptions=True)
        return await near.hash()

    def _begin(self, start: int, piece: memoryview) -> asyncio.Task[None]:
        task = asyncio.create_task(self._send(start, piece))
        # It may be cancelled before it begins.
        task.add_done_callback(lambda _: self._memory.give(len(piece)))
        return task

    async def _send(self, start: int, piece: memoryview) -> None:
        paced = 0

        async def pace(count: int) -> None:
            nonlocal paced
            paced += count
            await self._pace(count)

        await self._upload.send(start, piece, pace)
        if paced < len(piece):
            self._files.had(self._offer, len(piece) - paced)
        self._unnoted += len(piece)
        await self._note(NOTED if self._upload.asks else 1)

    async def _note(self, least: int) -> None:
        """Stores how far the upload is, if so much was sent since that was done."""
        async with self._noting:
            if self._unnoted >= least:
                self._unnoted = 0  # another piece that ends meanwhile may be too late for it
                await self._resumption.note(self._upload, self._offer)


def pieces(
    size: int, piece: int, done: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, bool]]:
    """The pieces of a file, [start, end) and whether the server has it.

    Each ends at a multiple of `piece`, or where what the server has begins or ends. They are never
    a list: the size of a file of another server may be anything.
    """
    for start, end, has in _spans(size, done):
        at = start
        while at < end:
            until = min(end, at - at % piece + piece)
            yield at, until, has
            at = until


def _spans(size: int, done: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    at = 0
    for start, end in done:
        yield at, min(start, size), False
        yield start, min(end, size), True
        at = end
    yield at, size, False


async def _room(sends: set[asyncio.Task[None]], most: int) -> None:
    """Waits until at most so many pieces are under way. Raises what one of them raised."""
    while len(sends) > most:
        ended, _ = await asyncio.wait(sends, return_when=asyncio.FIRST_COMPLETED)
        sends -= ended
        for error in [task.exception() for task in ended]:
            if error is not None:
                raise error


def _source(offer: Offer) -> str:
    """Which version of its source a transfer sends."""
    return f"{offer.version}/{offer.ident}"
