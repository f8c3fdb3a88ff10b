"""Files of one remote, read for an upload to another one: nothing of them is kept on a disk here.

A small file is in memory as a whole, of a larger one the pieces that are under way.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from cargo_sync.local.content_hash import ContentHash
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.problems import Problem, ProblemError, changed_while_read
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import Offload
from cargo_sync.trees.remote.contract import RemoteContent, RemoteFolder
from cargo_sync.trees.remote.together import AT_ONCE, is_whole, together
from cargo_sync.trees.remote.transfer.near_end import incomplete

LONG: Final = 256 * 1024
"""Bytes that are hashed in a thread: fewer take a tenth of a millisecond."""


class RelaySource:
    """See UploadSource. `remote` is the folder that is copied."""

    def __init__(self, remote: RemoteFolder, offload: Offload) -> None:
        self._remote = remote
        self._offload = offload
        self._told: dict[str, Offer] = {}
        """Small files that were read, with what came with their content."""
        self._opened: dict[str, RemoteContent] = {}
        """Larger files that were asked for, and not read yet: transfer id -> content."""

    async def read(self, offers: Sequence[Offer]) -> list[tuple[memoryview, str] | Problem]:
        return await together(self._small, offers, AT_ONCE)

    async def _small(self, offer: Offer) -> tuple[memoryview, str] | Problem:
        try:
            content = await self._remote.read(offer.path, _entry(offer))
            try:
                file = RelayFile(offer, content, self._offload)
                whole = await file.next(0, offer.size)
                digest = await file.hash()
            finally:
                await content.close()
        except ProblemError as error:
            if is_whole(error):
                raise
            return replace(error.problem, path=offer.path)
        self._told[offer.transfer] = _with_content(offer, content)
        return whole, digest

    async def told(self, offer: Offer) -> Offer:
        if (told := self._told.pop(offer.transfer, None)) is not None:
            return told
        await self._forget(offer)
        content = self._opened[offer.transfer] = await self._content(offer)
        return _with_content(offer, content)

    async def open(self, offer: Offer) -> "RelayFile":
        content = self._opened.pop(offer.transfer, None) or await self._content(offer)
        return RelayFile(offer, content, self._offload)

    async def close(self) -> None:
        while self._opened:
            _, content = self._opened.popitem()
            await content.close()

    async def _content(self, offer: Offer) -> RemoteContent:
        return await self._remote.read(offer.path, _entry(offer))

    async def _forget(self, offer: Offer) -> None:
        if (content := self._opened.pop(offer.transfer, None)) is not None:
            await content.close()


class RelayFile:
    """See UploadFile."""

    def __init__(self, offer: Offer, content: RemoteContent, offload: Offload) -> None:
        self._offer = offer
        self._content = content
        self._pieces: AsyncIterator[bytes | memoryview] = aiter(content)
        self._offload = offload
        self._digest = ContentHash()
        self._left: memoryview = memoryview(b"")
        """What came of the content and was not asked for yet."""

    async def next(self, offset: int, count: int) -> memoryview:
        piece, filled = memoryview(bytearray(count)), 0
        while filled < count:
            if not self._left:
                came: bytes | memoryview = await anext(self._pieces, b"")
                self._left = memoryview(came)
                if not came:
                    raise ProblemError(incomplete(self._offer.path))
            some = self._left[: count - filled]
            piece[filled : filled + len(some)] = some
            filled, self._left = filled + len(some), self._left[len(some) :]
        if count >= LONG:
            await self._offload(self._digest.update, piece)
        else:
            self._digest.update(piece)
        return piece

    async def hash(self) -> str:
        more: bytes | memoryview = await anext(
            self._pieces, b""
        )  # it says at its end if it has changed
        if self._left or more:
            raise ProblemError(changed_while_read(self._offer.path))
        return self._digest.hexdigest()

    async def close(self) -> None:
        await self._content.close()


def _entry(offer: Offer) -> Entry:
    """The entry that an offer was made of."""
    return Entry(
        paths.name(offer.path),
        FILE,
        offer.size,
        offer.mtime_ns,
        offer.mode,
        offer.version,
        offer.ident,
        offer.hash,
    )


def _with_content(offer: Offer, content: RemoteContent) -> Offer:
    mtime_ns = offer.mtime_ns if content.mtime_ns is None else content.mtime_ns
    mode = offer.mode if content.mode is None else content.mode
    return offer._replace(mtime_ns=mtime_ns, mode=mode)
