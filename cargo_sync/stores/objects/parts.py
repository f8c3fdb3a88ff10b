"""One large content is sent in parts: several at a time, each tried again by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import md5
from typing import Final

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.objects.buckets import StoreBucket
from cargo_sync.stores.objects.packing import part_size
from cargo_sync.stores.objects.ports import Storage
from cargo_sync.stores.objects.retrying import Retrying

AT_ONCE: Final = 4
"""Requests of a lane that are under way."""

Read = Callable[[memoryview, int], object]
"""Fills memory with the bytes from an offset on; it blocks, and raises ProblemError."""


class PartSending:
    """Sends one content as one object. One event loop uses it."""

    def __init__(
        self, storage: Storage, bucket: StoreBucket, key: str, size: int, wanted: Callable[[], bool]
    ) -> None:
        """`wanted` says whether somebody still waits for it."""
        self._storage = storage
        self._again = Retrying(storage.world, storage.pause)
        self._calls = bucket.calls
        self._key = key
        self._size = size
        self._wanted = wanted
        self._part = part_size(size)
        self._upload = ""
        self._etags: dict[int, str] = {}

    async def send(self, has: Callable[[int], Awaitable[None]], read: Read) -> None:
        """Sends all parts.

        Args:
            has: returns once so many bytes can be read; raises ProblemError if they never can.
            read: by which they are read.

        Raises:
            ProblemError: it cannot be read; `vanished`: the bucket has lost the upload.
        """
        self._upload = await self._again(lambda: self._calls.begin(self._key), self._wanted)
        turns = asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.TaskGroup() as tasks:
                for number, start in enumerate(range(0, self._size, self._part), 1):
                    await has(min(self._size, start + self._part))
                    await turns.acquire()
                    sending = tasks.create_task(self._one(number, start, read))
                    sending.add_done_callback(lambda _: turns.release())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def complete(self) -> None:
        """Makes the object of the parts.

        Raises:
            ProblemError: `vanished`: the bucket has lost the upload.
        """

        async def done() -> None:
            etags = [self._etags[number] for number in sorted(self._etags)]
            try:
                await self._calls.complete(self._key, self._upload, etags)
            except ProblemError:  # perhaps only the answer was lost
                if await self._calls.size(self._key) != self._size:
                    raise

        await self._again(done, self._wanted, {Code.VANISHED, Code.INCOMPLETE})

    async def abort(self) -> None:
        """Frees what the bucket has of it, if it answers; else that goes with the orphans."""
        if self._upload:
            with suppress(ProblemError):
                await self._calls.abort(self._key, self._upload)

    async def _one(self, number: int, start: int, read: Read) -> None:
        length = min(self._part, self._size - start)
        memory = self._storage.memory
        async with memory.taking(length):
            view = memory.buffer(length)
            digest = await self._storage.world.offload(_read, read, view, start)
            self._etags[number] = await self._again(
                lambda: self._calls.part(self._key, self._upload, number, view, digest),
                self._wanted,
                {Code.VANISHED},
            )


def _read(read: Read, view: memoryview, offset: int) -> bytes:
    """Fills memory; the MD5 of it, of which each piece is hashed while it is near the processor."""
    digest = md5(usedforsecurity=False)
    for start in range(0, len(view), PIECE):
        piece = view[start : start + PIECE]
        read(piece, offset + start)
        digest.update(piece)
    return digest.digest()
