"""What comes of a large file is recorded while it comes, for a server that may go on with it.

If there is no other server, or its client would not go on with it, nothing is recorded.

A part is in the bucket once that has acknowledged it, and a row says so within a second. What comes
behind the parts is put into an object of its own now and then, its tail: it is small, or grows
slowly, since a part comes soon. Of a file that comes within a few seconds it is only recorded who
has it.

If another server has taken the transfer over, nothing is recorded any more, and nothing is sent:
that object is the other server's now.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Final, NamedTuple, Protocol

from blake3 import blake3

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.tasks import contained
from cargo_sync.state.object_uploads import ComingPart, TransferHold
from cargo_sync.state.objects import WRITING
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import ComingFile
from cargo_sync.stores.objects.buckets import StoreBucket
from cargo_sync.stores.objects.handover import Handover
from cargo_sync.stores.objects.listed_parts import is_part, listed
from cargo_sync.stores.objects.packing import part_size
from cargo_sync.stores.objects.parts import PartSending, Read
from cargo_sync.stores.objects.ports import SentSum

FIRST: Final = 5.0
"""Seconds for which a file must have been coming before something is recorded of it."""
EVERY: Final = 1.0
"""Seconds between two times at which it is recorded what has come."""
TAIL: Final = 5
"""So often one of these is a time for a tail, too,"""
GROWTH: Final = 4
"""if it has grown by a part's fourth: so at most one and a half times as much is sent."""
LEAVING: Final = 8.0
"""Seconds in which what is here goes on to the bucket, once its client has gone."""
_ELSEWHERE: Final = Problem(Code.ELSEWHERE, "another server goes on with this upload")
_GONE: Final = Problem(Code.CANCELLED, "the client of this upload has gone")

_log = logging.getLogger(__name__)


class Behind(NamedTuple):
    """What comes behind the parts.

    came   how many bytes of the file have come
    read   by which they are read
    row    gives an object of so many bytes its row: its number and key; it raises ProblemError
    """

    came: Callable[[], int]
    read: Read
    row: Callable[[int], Awaitable[tuple[int, str]]]


class ArrivingFile(Protocol):
    """A file that arrives."""

    is_closed: bool

    async def has(self, count: int) -> None: ...


class ComingRecord:
    """What has come of one file. One event loop uses it. See also `parts.PartLog`.

    is_lost      another server has the transfer
    is_recorded  rows say what has come, so they say too how it ends
    """

    def __init__(
        self,
        handover: Handover,
        bucket: StoreBucket,
        workspace: int,
        file: ComingFile,
        entries: Mapping[int, bytes],
        behind: Behind,
    ) -> None:
        """Nothing is recorded yet.

        Args:
            handover: of this server.
            bucket: where it goes.
            workspace: whose it is.
            file: what comes.
            entries: the entries of its pieces that were read, by their number.
            behind: what comes behind the parts.
        """
        self._handover = handover
        self._storage = handover.storage
        self._bucket = bucket
        self._workspace = workspace
        self._file = file
        self._entries = entries
        self._behind = behind
        self._part = part_size(file.size)
        self._is_on = bool(file.transfer) and handover.servers is not None
        self._hold: TransferHold | None = None
        self._known: Mapping[int, ComingPart] = {}
        """Parts that an earlier try has sent."""
        self._object = 0
        self._sending: PartSending | None = None
        self._came: set[int] = set()
        self._unsaved: list[ComingPart] = []
        self._tail = 0, 0
        """Where it begins, and its length."""
        self._turn, self._round = asyncio.Lock(), asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self.is_lost = False
        self.is_recorded = False

    # -- how it comes ------------------------------------------------------------------------------

    async def begin(self) -> tuple[int, str, str] | None:
        """Takes the transfer, so that another server waits until this one lets it go.

        Returns:
            The object of an earlier try that has not ended: its number, key and upload; or None.

        Raises:
            ProblemError: the state cannot be used, or another server has the transfer.
        """
        if not self._is_on:
            return None
        file, storage, rows = self._file, self._storage, self._handover.rows
        offload = storage.world.offload
        self._hold = await self._handover.claim(self._workspace, file.transfer, file.source)
        if self._hold is None:
            self.is_lost = True
            raise ProblemError(_ELSEWHERE)
        if self._hold.epoch == 1:
            return None  # nobody had it before
        found = [
            one
            for one in await offload(rows.uploads, file.transfer)
            if one.upload and (one.state, one.bucket) == (WRITING, self._bucket.id)
            if one.size == file.size
        ]
        for one in sorted(found, key=lambda one: one.in_parts, reverse=True):
            now = storage.world.lived()
            if await offload(rows.adopt, self._held, one.object, storage.objects.server, now):
                self._known = {part.number: part for part in one.parts}
                self._object, self.is_recorded = one.object, True
                return one.object, one.key, one.upload
        return None

    def bounded(self, one: ArrivingFile) -> Callable[[int], Awaitable[None]]:
        """As `has` of a file, which goes on for a while once its client has gone."""
        steady, until = self._storage.world.steady, float("inf")

        async def has(count: int) -> None:
            nonlocal until
            await one.has(count)
            self._must_be_ours()
            if one.is_closed and self._is_on:
                until = min(until, steady() + LEAVING)
                if steady() >= until:
                    raise ProblemError(_GONE)

        return has

    def known(self, number: int, content: memoryview) -> str:
        part, start = self._known.get(number), (number - 1) * self._part
        return part.etag if part is not None and is_part(part, start, content) else ""

    def acknowledged(self, number: int, start: int, length: int, etag: str) -> None:
        self._came.add(number)
        known = self._known.get(number)
        if self._is_on and (known is None or known.etag != etag):
            pieces = listed(self._file.form, self._entries, start, length)
            self._unsaved.append(ComingPart(number, length, etag, pieces))

    # -- it is recorded ----------------------------------------------------------------------------

    async def run(self, object: int, sending: PartSending) -> None:
        """Records what comes in an object until it is cancelled, or another server has it."""
        self._object, self._sending, self._running = object, sending, asyncio.current_task()
        if self._is_on:
            await contained(self._run(), "recording what has come of an upload")

    async def _run(self) -> None:
        pause, turn = self._storage.pause, 0
        await pause(FIRST)
        while not self.is_lost:
            async with self._round:
                with suppress(ProblemError):  # it is tried again
                    await self._save()
                    if turn % TAIL == 0:
                        await self._put_tail(self._part // GROWTH)
            turn += 1
            await pause(EVERY)

    async def complete(self) -> None:
        """All parts have come. Raises ProblemError: another server goes on with it."""
        await self._stop()
        if self.is_recorded:
            await self._save()
        self._must_be_ours()

    async def ended(self) -> None:
        """All of it is one object now."""
        if not self.is_recorded:
            with suppress(ProblemError):  # it goes a week later
                await self._forget()

    async def leave(self, error: BaseException, *, is_kept: bool) -> bool:
        """It is not sent any more from here.

        Args:
            error: why.
            is_kept: somebody may go on with it.

        Returns:
            Whether rows say how it ends: then nothing else may be done with its object.
        """
        if not self._is_on or isinstance(error, asyncio.CancelledError):
            return self.is_recorded
        await self._stop()
        if self.is_lost:
            return self.is_recorded
        with suppress(ProblemError, TimeoutError):
            if is_kept:
                async with asyncio.timeout(LEAVING):
                    await self._save()
                    await self._put_tail(1 if self.is_recorded else PIECE)
        with suppress(ProblemError):
            await (self._release() if is_kept and self.is_recorded else self._forget())
        return self.is_recorded

    async def _stop(self) -> None:
        """Ends `run`, but not in the middle of something."""
        async with self._round:
            if self._running is not None:
                self._running.cancel()

    async def _save(self) -> None:
        """Records which parts the bucket has by now. Raises ProblemError."""
        async with self._turn:
            if not self._unsaved:
                return
            await self._begin()
            parts, self._unsaved = self._unsaved, []
            try:
                await self._write(self._handover.rows.came, self._object, parts)
            except BaseException:
                self._unsaved = parts + self._unsaved
                raise

    async def _put_tail(self, least: int) -> None:
        """Puts what has come behind the parts into an object, if that has grown by so much.

        Raises:
            ProblemError: it is not put.
        """
        start = self._part * next(number for number in count() if number + 1 not in self._came)
        length = self._behind.came() - start
        before = self._tail[1] if self._tail[0] == start else 0
        if not 0 < length <= self._part or length - before < least:
            return
        async with self._turn:
            await self._begin()
            id, key = await self._behind.row(length)
            try:
                digest = await self._put(key, start, length)
                await self._write(self._handover.rows.put_tail, self._object, id, start, digest)
            except BaseException:
                storage = self._storage
                with suppress(ProblemError):  # or it is stale a day later
                    await storage.world.offload(storage.objects.give_up, [id])
                raise
            self._tail = start, length

    async def _put(self, key: str, start: int, length: int) -> bytes:
        """Puts these bytes; their BLAKE3. Raises ProblemError."""
        storage = self._storage
        async with storage.memory.taking(length):
            view = storage.memory.buffer(length)
            checksum = self._bucket.calls.new_sum()
            read = self._behind.read
            digest = await storage.world.offload(_read, read, view, start, checksum)
            await self._bucket.calls.put(key, view, checksum)
        return digest

    # -- whose it is -------------------------------------------------------------------------------

    @property
    def _held(self) -> TransferHold:
        assert self._hold is not None, "it is claimed"
        return self._hold

    def _must_be_ours(self) -> None:
        if self.is_lost:
            raise ProblemError(_ELSEWHERE)

    async def _begin(self) -> None:
        """Makes its rows, the first time. Raises ProblemError."""
        self._must_be_ours()
        if self._sending is None or not self._sending.upload:
            raise ProblemError(_GONE)  # nothing is there to be recorded
        if not self.is_recorded:
            await self._write(self._handover.rows.begin, self._object, self._sending.upload)
            self.is_recorded = True

    async def _write(self, write: Callable[..., bool], *what: object) -> None:
        """Raises ProblemError: another server has it."""
        world = self._storage.world
        if not await world.offload(partial(write, self._held, *what, world.lived())):
            self.is_lost = True
            _log.info("another server goes on with an upload that came here")
            raise ProblemError(_ELSEWHERE)

    async def _release(self) -> None:
        if self._hold is not None:
            await self._storage.world.offload(self._handover.rows.release, self._hold)

    async def _forget(self) -> None:
        if self._hold is not None:
            offload, rows = self._storage.world.offload, self._handover.rows
            self.is_recorded = not await offload(rows.forget, self._file.transfer, self._hold)


def _read(read: Read, view: memoryview, start: int, checksum: SentSum) -> bytes:
    """Fills memory; its BLAKE3. Raises ProblemError."""
    read(view, start)
    checksum.update(view)
    return blake3(view).digest()
