"""One large content is sent in parts: several at a time, each tried again by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.objects.buckets import StoreBucket
from cargo_sync.stores.objects.packing import part_size
from cargo_sync.stores.objects.ports import SentSum, Storage
from cargo_sync.stores.objects.retrying import Retrying

AT_ONCE: Final = 4
"""Requests of a lane that are under way."""

Read = Callable[[memoryview, int], object]
"""Fills memory with the bytes from an offset on; it blocks, and raises ProblemError."""


class PartLog(Protocol):
    """Who wants to know which parts the bucket has."""

    def known(self, number: int, content: memoryview) -> str:
        """The ETag of a part that the bucket has already with these bytes; "": send it.

        Any thread may ask.
        """

    def acknowledged(self, number: int, start: int, length: int, etag: str) -> None:
        """The bucket has this part."""


class PartSending:
    """Sends one content as one object. One event loop uses it.

    upload  the bucket's id of it, as soon as it has begun; ""
    """

    def __init__(
        self,
        storage: Storage,
        bucket: StoreBucket,
        key: str,
        size: int,
        wanted: Callable[[], bool],
        log: PartLog | None = None,
        upload: str = "",
    ) -> None:
        """Nothing is sent yet.

        Args:
            storage: what the work shares.
            bucket: where to.
            key: of the object.
            size: of the content.
            wanted: says whether somebody still waits for it.
            log: is told of each part.
            upload: one that has begun already.
        """
        self._storage = storage
        self._again = Retrying(storage.world, storage.pause)
        self._calls = bucket.calls
        self._key = key
        self._size = size
        self._wanted = wanted
        self._part = part_size(size)
        self._log = log
        self.upload = upload
        self._etags: dict[int, str] = {}

    async def send(self, has: Callable[[int], Awaitable[None]], read: Read) -> None:
        """Sends all parts. What can be read is sent, also if the rest never can be.

        Args:
            has: returns once so many bytes can be read; raises ProblemError if they never can.
            read: by which they are read.

        Raises:
            ProblemError: it cannot be read; `vanished`: the bucket has lost the upload.
        """
        if not self.upload:
            self.upload = await self._again(lambda: self._calls.begin(self._key), self._wanted)
        turns = asyncio.Semaphore(AT_ONCE)
        never: ProblemError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                for number, start in enumerate(range(0, self._size, self._part), 1):
                    try:
                        await has(min(self._size, start + self._part))
                    except ProblemError as error:
                        never = error
                        break
                    await turns.acquire()
                    sending = tasks.create_task(self._one(number, start, read))
                    sending.add_done_callback(lambda _: turns.release())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        if never is not None:
            raise never

    async def complete(self) -> None:
        """Makes the object of the parts.

        Raises:
            ProblemError: `vanished`: the bucket has lost the upload.
        """

        async def done() -> None:
            etags = [self._etags[number] for number in sorted(self._etags)]
            try:
                await self._calls.complete(self._key, self.upload, etags)
            except ProblemError:  # perhaps only the answer was lost
                if await self._calls.size(self._key) != self._size:
                    raise

        await self._again(done, self._wanted, {Code.VANISHED, Code.INCOMPLETE})

    async def abort(self) -> None:
        """Frees what the bucket has of it, if it answers; else that goes with the orphans."""
        if self.upload:
            with suppress(ProblemError):
                await self._calls.abort(self._key, self.upload)

    async def _one(self, number: int, start: int, read: Read) -> None:
        length = min(self._part, self._size - start)
        memory, offload, etag = self._storage.memory, self._storage.world.offload, ""
        async with memory.taking(length):
            view = memory.buffer(length)
            checksum = self._calls.new_sum()
            await offload(_read, read, view, start, checksum)
            if self._log is not None:
                etag = await offload(self._log.known, number, view)
            if not etag:
                etag = await self._again(
                    lambda: self._calls.part(self._key, self.upload, number, view, checksum),
                    self._wanted,
                    {Code.VANISHED},
                )
        self._etags[number] = etag
        if self._log is not None:
            self._log.acknowledged(number, start, length, etag)


def _read(read: Read, view: memoryview, offset: int, checksum: SentSum) -> None:
    """Fills memory; each piece is hashed while it is near the processor."""
    for start in range(0, len(view), PIECE):
        piece = view[start : start + PIECE]
        read(piece, offset + start)
        checksum.update(piece)
