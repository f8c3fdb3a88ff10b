"""The near end of a transfer: its source or its sink, used by one thread at a time."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar, TypeVarTuple

from blake3 import blake3

from cargo_sync.lanes import waiting
from cargo_sync.lanes.ports import Reader, Sink, Source
from cargo_sync.local.content_hash import ContentHash
from cargo_sync.model.problems import Code, Problem, ProblemError, changed_while_read
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.model.world import Offload
from cargo_sync.process.buffers import Buffers
from cargo_sync.process.tasks import finished

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CHECKPOINT: Final = 5.0
"""Seconds of arriving content after which a checkpoint is written."""
STEP: Final = 2**20
"""Bytes that are read, then hashed while they are still near the processor."""
KEPT: Final = 32 * 2**20
"""Bytes of buffers that are used again."""
GOODBYE: Final = 3.0
"""Seconds that the end of a source or a sink may take: that long a disk may hang."""


class OneByOne:
    """Calls in threads, one at a time.

    A call whose task was cancelled goes on in its thread; the next one begins after it.
    """

    def __init__(self, offload: Offload) -> None:
        self._offload = offload
        self._turn = asyncio.Lock()
        self._inside = threading.Lock()

    async def __call__(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Calls `work`."""
        async with self._turn:
            return await self._offload(self._alone, partial(work, *args))

    def _alone(self, work: Callable[[], T]) -> T:
        with self._inside:
            return work()

    def inside(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Calls `work` in this thread, when no other one is in a call."""
        return self._alone(partial(work, *args))

    async def end(self, work: Callable[[], None]) -> None:
        """Calls `work`, and does not wait long for it."""
        ending = asyncio.ensure_future(self(work))
        await asyncio.wait({ending}, timeout=GOODBYE)
        if ending.done():
            ending.result()


class NearSource:
    """Reads files of the near side. See UploadSource.

    buffers  for the pieces of all larger files: each file's own would stay beside the room that is
             counted (see ContentRoom)
    """

    def __init__(self, source: Source, offload: Offload) -> None:
        self.buffers = Buffers(KEPT)
        self._source = source
        self._alone = OneByOne(offload)

    async def read(self, offers: Sequence[Offer]) -> list[tuple[memoryview, str] | Problem]:
        """Small files with their BLAKE3, in order; why one could not be read."""
        return await self._alone(self._read, offers)

    def _read(self, offers: Sequence[Offer]) -> list[tuple[memoryview, str] | Problem]:
        views = [memoryview(bytearray(offer.size)) for offer in offers]
        problems: dict[int, Problem] = {}
        start = 0
        while start < len(offers):
            unread = self._source.read(offers[start:], views[start:])
            if unread is None:
                break
            at = start + unread.number
            if unread.problem is not None:
                problems[at] = unread.problem
                start = at + 1
            else:
                self._read_late(offers[at], views[at], problems, at)
                start = at + 1
        return [
            problems.get(index) or (view, blake3(view).hexdigest())
            for index, view in enumerate(views)
        ]

    def _read_late(
        self, offer: Offer, view: memoryview, problems: dict[int, Problem], index: int
    ) -> None:
        """Reads a file whose content is not here yet."""
        try:
            reader = self._source.open(offer)
            try:
                got = waiting.read_into(self._source, reader, view, 0)
                if got != len(view) or not reader.unchanged():
                    problems[index] = changed_while_read(offer.path)
            finally:
                reader.close()
        except ProblemError as error:
            problems[index] = error.problem

    async def told(self, offer: Offer) -> Offer:
        """A listing here says all of it."""
        return offer

    async def open(self, offer: Offer) -> "NearFile":
        """Opens a larger file. Raises ProblemError."""
        return NearFile(self, offer, await self._alone(self._source.open, offer))

    async def piece(
        self, reader: Reader, offset: int, view: memoryview, digest: ContentHash
    ) -> int:
        """Reads and hashes a piece of a file; returns its bytes."""

        def read() -> int:
            done = 0
            while done < len(view):
                step = view[done : done + STEP]
                count = waiting.read_into(self._source, reader, step, offset + done)
                digest.update(step[:count])
                done += count
                if count < len(step):
                    break
            return done

        return await self._alone(read)

    async def ended(self, reader: Reader) -> bool:
        """Closes a file; returns whether it is still what was offered."""

        def end() -> bool:
            try:
                return reader.unchanged()
            finally:
                reader.close()

        return await self._alone(end)

    async def close(self) -> None:
        """Nothing is read any more."""
        await self._alone.end(self._source.close)


class NearFile:
    """A larger file that is read from its beginning to its end."""

    def __init__(self, source: NearSource, offer: Offer, reader: Reader) -> None:
        self._source = source
        self._offer = offer
        self._reader: Reader | None = reader
        self._digest = ContentHash()

    async def next(self, offset: int, count: int) -> memoryview:
        """The next bytes. Raises ProblemError: they are not there any more, or cannot be read."""
        assert self._reader is not None
        view = self._source.buffers.take(count)
        if await self._source.piece(self._reader, offset, view, self._digest) != count:
            raise ProblemError(changed_while_read(self._offer.path))
        return view

    async def hash(self) -> str:
        """BLAKE3 of all that was read. Raises ProblemError: the file has changed meanwhile."""
        reader, self._reader = self._reader, None
        assert reader is not None
        if not await self._source.ended(reader):
            raise ProblemError(changed_while_read(self._offer.path))
        return self._digest.hexdigest()

    async def close(self) -> None:
        """Closes it, if it is open."""
        reader, self._reader = self._reader, None
        if reader is not None:
            await self._source.ended(reader)


class NearSink:
    """Stages and publishes files; each of its batches is one of the sink's."""

    def __init__(self, sink: Sink, offload: Offload, steady: Callable[[], float]) -> None:
        self._sink = sink
        self._alone = OneByOne(offload)
        self._steady = steady
        self._numbers = 0
        self._checkpoint_at = 0.0

    async def whole(
        self, offers: Sequence[Offer], contents: Sequence[bytes | Problem]
    ) -> list[Receipt]:
        """Publishes small files that came whole, and links; returns their receipts."""
        work = self._alone(self._whole, self._next(), offers, contents)
        return await finished(work, lambda: GOODBYE)  # its thread goes on in any case

    def _whole(
        self, batch: int, offers: Sequence[Offer], contents: Sequence[bytes | Problem]
    ) -> list[Receipt]:
        wants = self._sink.begin(batch, offers)
        for index, (want, content) in enumerate(zip(wants, contents, strict=True)):
            if want.code not in ("all", "ranges"):
                continue
            if isinstance(content, Problem):
                self._sink.failed(batch, index, content)
            elif not offers[index].target:
                self._sink.whole(batch, index, memoryview(content))
                self._sink.settle()
        return waiting.commit(self._sink, batch)

    async def begin(self, offer: Offer) -> tuple[int, Want]:
        """Begins a larger file, as a batch of its own; returns its number, and what is wanted."""
        batch = self._next()
        [want] = await self._alone(self._sink.begin, batch, [offer])
        return batch, want

    async def part(self, batch: int, offset: int, content: Sequence[memoryview]) -> None:
        """Stages a piece of a larger file, which is several."""
        await self._alone(self._part, batch, offset, content)

    def put(self, batch: int, offset: int, content: memoryview) -> None:
        """As `part`, in the thread that calls it."""
        self._alone.inside(self._part, batch, offset, [content])

    def _part(self, batch: int, offset: int, content: Sequence[memoryview]) -> None:
        for some in content:
            self._sink.part(batch, 0, offset, some)
            offset += len(some)
        self._sink.settle()
        now = self._steady()
        if now >= self._checkpoint_at:
            self._checkpoint_at = now + CHECKPOINT
            self._sink.checkpoint()

    async def commit(self, batch: int, problem: Problem | None = None) -> Receipt:
        """Publishes a larger file that is complete; with a `problem`, it is given up."""
        work = self._alone(partial(self._commit, batch, problem))
        [receipt] = await finished(work, lambda: GOODBYE)
        return receipt

    def _commit(self, batch: int, problem: Problem | None) -> list[Receipt]:
        if problem is not None:
            self._sink.failed(batch, 0, problem)
        return waiting.commit(self._sink, batch)

    async def close(self) -> None:
        """What is not complete is checkpointed for another try."""
        await self._alone.end(self._sink.close)

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


def incomplete(path: str) -> Problem:
    """Less of a file came than its listing has."""
    return Problem(Code.INCOMPLETE, f"{path!r} did not arrive completely", path)
