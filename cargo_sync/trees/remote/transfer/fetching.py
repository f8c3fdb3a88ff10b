"""Downloads: files of a remote come to the near side, small ones together, larger ones by ranges.

A remote may say time and mode of a file only with its content. So a file's content is asked for
before it is begun on the near side.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.slices import slices
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.model.world import Offload, World
from cargo_sync.trees.contract import Task
from cargo_sync.trees.offers import offers
from cargo_sync.trees.remote.contract import Pace, PassingContent, RemoteContent, RemoteFolder
from cargo_sync.trees.remote.together import AT_ONCE, all_of, is_whole
from cargo_sync.trees.remote.transfer.ahead import FileReading, SpanContent
from cargo_sync.trees.remote.transfer.files import MovingFiles, cancelled
from cargo_sync.trees.remote.transfer.memory import ContentRoom
from cargo_sync.trees.remote.transfer.near_end import NearSink, incomplete

SMALL: Final = 2**20
TOGETHER: Final = 16 * 2**20
"""Bytes of small files that are published together; each counts as at least `LEAST`."""
LEAST: Final = TOGETHER // 256
LARGER: Final = 8
"""Larger files that are fetched at the same time: fewer than a sink takes batches."""
PIECE: Final = 2 * 2**20
"""Bytes that are staged together, while as many come."""

FAST: Final = 2**20
"""Bytes of a piece that tell that more of them will come at once."""
AT_ONE_GO: Final = 8 * 2**20
"""Bytes that are staged by the thread that receives them, before its speed is looked at again."""


class DownloadCarrier:
    """Moves batches from a remote to the near side."""

    def __init__(
        self, remote: RemoteFolder, sink: NearSink, files: MovingFiles, world: World
    ) -> None:
        self._remote = remote
        self._sink = sink
        self._files = files
        self._world = world
        self._memory = ContentRoom()
        self._small = asyncio.Semaphore(AT_ONCE)
        self._larger = asyncio.Semaphore(LARGER)

    async def carry(self, tasks: Sequence[Task], receipts: dict[int, Receipt]) -> None:
        """Like BatchCarrier."""
        offered = offers(tasks)
        sources = [task.action.source for task in tasks]
        numbers = range(len(offered))
        small = [at for at in numbers if offered[at].size <= SMALL]
        packs = slices(small, lambda at: max(LEAST, offered[at].size), TOGETHER)

        async def pack(some: Sequence[int]) -> None:
            here = [(offered[at], sources[at]) for at in some]
            receipts.update(zip(some, await self._pack(here), strict=True))

        async def larger(at: int) -> None:
            offer, entry = offered[at], sources[at]
            assert entry is not None
            receipts[at] = await self._files.alone(offer, self._large(offer, entry))

        await all_of([*map(pack, packs), *map(larger, sorted({*numbers} - {*small}))])

    async def close(self) -> None:
        """What is not complete is checkpointed for another try."""
        await self._sink.close()

    # -- small files -------------------------------------------------------------------------------

    async def _pack(self, some: Sequence[tuple[Offer, Entry | None]]) -> list[Receipt]:
        """Fetches some small files, then publishes them together."""
        size = sum(offer.size for offer, _ in some)
        await self._memory.take(size)
        try:
            fetched = await all_of([self._whole(offer, entry) for offer, entry in some])
            told = [offer for offer, _ in fetched]
            return await self._sink.whole(told, [content for _, content in fetched])
        finally:
            self._memory.give(size)

    async def _whole(self, offer: Offer, entry: Entry | None) -> tuple[Offer, bytes | Problem]:
        """A small file: as it is to be kept, and its content, or why it did not come."""
        if offer.target or entry is None:
            return offer, b""
        found: list[tuple[Offer, bytes]] = []

        async def fetch() -> Receipt:
            content = await self._remote.read(offer.path, entry)
            try:
                found.append((_kept(offer, content), await self._all(offer, content)))
            finally:
                await content.close()
            return Receipt("done")

        async with self._small:
            receipt = await self._files.alone(offer, fetch())
        if found:
            return found[0]
        why = Problem.received(receipt.code, receipt.message, offer.path, retry=receipt.retry)
        return offer, why

    async def _all(self, offer: Offer, content: RemoteContent) -> bytes:
        pace, whole = self._files.pace(offer), bytearray()
        async for piece in content:
            await pace(len(piece))
            whole += piece
            if len(whole) > offer.size:
                break
        if len(whole) != offer.size:
            raise ProblemError(incomplete(offer.path))
        return bytes(whole)

    # -- larger files ------------------------------------------------------------------------------

    async def _large(self, offer: Offer, entry: Entry) -> Receipt:
        async with self._larger:
            limited = partial(getattr, self._files, "is_limited")
            steady = self._world.steady
            reading = FileReading(self._remote, offer.path, entry, self._memory, steady, limited)
            try:
                first = await reading.begin()
                batch, want = await self._sink.begin(_kept(offer, first))
                if want.code not in ("all", "ranges"):
                    return await self._sink.commit(batch)
                await self._rest(batch, offer, want, reading)
            finally:
                await reading.close()
            return await self._sink.commit(batch)

    async def _rest(self, batch: int, offer: Offer, want: Want, reading: FileReading) -> None:
        """Fetches what is wanted of a file; if that fails, the file is given up with its batch.

        Raises:
            ProblemError: it failed.
        """
        ranges = want.ranges or ((0, offer.size),)
        self._files.had(offer, offer.size - sum(end - start for start, end in ranges))
        try:
            for start, end in ranges:
                async with aclosing(reading.of(start, end)) as spans:
                    async for span in spans:
                        await self._range(batch, offer, span)
        except ProblemError as error:
            if not is_whole(error):  # else the sink keeps what has come when it is closed
                await self._sink.commit(batch, error.problem)
            raise
        except asyncio.CancelledError:
            if self._files.is_cancelled(offer.path):
                await self._sink.commit(batch, cancelled(offer.path))
            raise

    async def _range(self, batch: int, offer: Offer, span: SpanContent) -> None:
        """Stages one range, in pieces of some size: the content comes in small ones."""
        content, start, end, stop = span
        pace, staging = self._files.pace(offer), _Staging(self._sink, batch, start)
        try:
            async for some in content:
                await pace(len(some))
                await staging.add(memoryview(some)[: end - staging.end])
                if staging.end == end < stop:
                    break
                if len(some) >= FAST and isinstance(content, PassingContent):
                    offload, may_come = self._world.offload, True
                    while may_come and not self._files.is_limited:
                        may_come = await staging.receive(content, end, pace, offload)
            if staging.end == end:
                await staging.flush()
        finally:
            await staging.ended()
        if staging.end != end:
            raise ProblemError(incomplete(offer.path))


class _Staging:
    """Stages one range: a piece is written while the next one comes, or in the thread that gets it.

    end  so far it has come
    """

    def __init__(self, sink: NearSink, batch: int, start: int) -> None:
        self._sink = sink
        self._batch = batch
        self._piece: list[memoryview] = []
        self._from = start
        self._writing: asyncio.Task[None] | None = None
        self._is_ended = False
        self.end = start

    async def add(self, some: memoryview) -> None:
        """Takes what has come. Raises what an earlier write raised."""
        if some:
            self._piece.append(some)
            self.end += len(some)
        if self.end - self._from >= PIECE:
            await self._write()

    async def flush(self) -> None:
        """Everything has come: when this returns, it is staged."""
        await self._write()
        if self._writing is not None:
            await self._writing

    async def receive(
        self, content: PassingContent, stop: int, pace: Pace, offload: Offload
    ) -> bool:
        """Stages what comes at once, up to `stop`, in the thread that gets it.

        Returns:
            Whether more may come at once.
        """
        await self.flush()
        most = min(AT_ONE_GO, stop - self.end)
        count = await content.pass_on(most, self._put, offload)
        self.end = self._from
        await pace(count)
        return 0 < count == most

    def _put(self, some: memoryview) -> None:
        if self._is_ended:
            raise ProblemError(Problem(Code.STOPPED, "nobody waits for it any more"))
        self._sink.put(self._batch, self._from, some)
        self._from += len(some)

    async def ended(self) -> None:
        """Waits until nothing is being written any more."""
        self._is_ended = True
        if self._writing is not None:
            await asyncio.wait({self._writing})
            if not self._writing.cancelled():
                self._writing.exception()  # whoever waits for it has it; else something else failed

    async def _write(self) -> None:
        if self._writing is not None:
            await self._writing
        if self._piece:
            part = self._sink.part(self._batch, self._from, self._piece)
            self._writing = asyncio.create_task(part)
            self._piece, self._from = [], self.end


def _kept(offer: Offer, content: RemoteContent) -> Offer:
    """The file as the near side keeps it: what comes with its content is truer than a listing."""
    mtime_ns = offer.mtime_ns if content.mtime_ns is None else content.mtime_ns
    mode = offer.mode if content.mode is None else content.mode
    return offer._replace(mtime_ns=mtime_ns, mode=mode)
