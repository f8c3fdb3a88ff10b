"""Large contents go on to a bucket in parts while they still arrive in the spool.

What is sent is read from the staged file, and each of its pieces is listed on the way. Once all of
it is placed, these must be the pieces that came: else it is sent anew, from the spool.

Among several servers it is recorded what has come (`coming`). When the client goes before all of it
came, what is here still goes on, and another server may take it over.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Final

from cargo_sync.lanes.ports import Exchange
from cargo_sync.local.piece_lists import is_listed
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.state.object_contents import placement_of
from cargo_sync.stores.blob_pieces import PIECE, damaged, fill
from cargo_sync.stores.contract import ComingFile, Content, Secured
from cargo_sync.stores.objects.buckets import StoreBucket
from cargo_sync.stores.objects.coming import Behind, ComingRecord
from cargo_sync.stores.objects.handover import Handover
from cargo_sync.stores.objects.packing import WHOLE, part_size
from cargo_sync.stores.objects.parts import PartSending
from cargo_sync.stores.objects.storing import Storing
from cargo_sync.stores.objects.uses import ObjectUses

MOST: Final = 32
"""Contents that go on at a time; others are sent when all of them has come."""
_GONE: Final = Problem(Code.CANCELLED, "the upload has ended before all of it came")


class ArrivingObject:
    """One content; see `contract.Forward`. Any thread may use it.

    content    what it is; None: not all of it has come
    sending    what sends it; None: nothing does
    is_closed  no more comes here
    is_kept    somebody may go on with it
    """

    def __init__(
        self,
        file: ComingFile,
        sealed: Callable[["ArrivingObject"], None],
        woken: Callable[["ArrivingObject"], None],
    ) -> None:
        """A content begins to come.

        Args:
            file: what is staged of it.
            sealed: called when all of it is there; it must not block.
            woken: called when another part is there, or when nothing more comes; as `sealed`.
        """
        self.file = file
        self.content: Content | None = None
        self.sending: asyncio.Task[Secured | None] | None = None
        self.more = asyncio.Event()
        self.is_closed = False
        self.is_kept = True
        self._count = 0
        self._part = part_size(file.size)
        self._sealed = sealed
        self._woken = woken
        self._lock = threading.Lock()

    def came(self, offset: int, piece: memoryview, exchange: Exchange | None = None) -> None:
        """It is read from the staged file."""

    def reached(self, count: int) -> None:
        with self._lock:
            before, self._count = self._count, max(self._count, count)
        if count // self._part > before // self._part:
            self._woken(self)

    def sealed(self, content: Content) -> None:
        with self._lock:
            self.content, self._count = content, self.file.size
        self._sealed(self)

    def close(self, *, kept: bool = True) -> None:
        with self._lock:
            if self.content is not None or self.is_closed:
                return
            self.is_closed, self.is_kept = True, kept
        self._woken(self)

    @property
    def count(self) -> int:
        """So many bytes are there."""
        return self._count

    async def has(self, count: int) -> None:
        """Waits until so many bytes are there. Raises ProblemError: they do not come."""
        await self._until(lambda: self._count >= count)

    async def whole(self) -> Content:
        """Waits until it is known what it is. Raises ProblemError: it does not come."""
        await self._until(lambda: self.content is not None)
        assert self.content is not None, "it was waited for"
        return self.content

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            if self.is_closed:
                raise ProblemError(_GONE)
            await self.more.wait()
            self.more.clear()


class ObjectForwarding:
    """All of them. One event loop uses it."""

    def __init__(self, handover: Handover, storing: Storing, uses: ObjectUses) -> None:
        self._handover = handover
        self._storage = handover.storage
        self._storing = storing
        self._uses = uses
        self._under_way: set[ArrivingObject] = set()

    @property
    def is_leaving(self) -> bool:
        """Whether something goes on for another server, of which no more comes here.

        Any thread may ask.
        """
        if self._handover.servers is None:
            return False
        return any(one.is_closed for one in tuple(self._under_way))

    async def send(
        self, bucket: StoreBucket, workspace: int, one: ArrivingObject
    ) -> Secured | None:
        """Sends one while it comes; where it lies, or None: it is to be sent from the spool."""
        if len(self._under_way) >= MOST or one.file.size <= WHOLE:
            return None
        self._under_way.add(one)
        try:
            fd = await self._storage.world.offload(one.file.open)
        except OSError:
            self._under_way.discard(one)
            return None
        try:
            return await self._send(bucket, workspace, one, fd)
        except ProblemError:
            return None
        finally:
            self._under_way.discard(one)
            os.close(fd)

    async def _send(
        self, bucket: StoreBucket, workspace: int, one: ArrivingObject, fd: int
    ) -> Secured:
        storage, size, form = self._storage, one.file.size, one.file.form
        entries: dict[int, bytes] = {}

        def wanted() -> bool:
            whole = one.content
            return not one.is_closed and (whole is None or storage.claims.is_held(whole.hash))

        def read(view: memoryview, offset: int) -> None:
            _fill(fd, view, offset)
            for start in range(0, len(view), PIECE):
                number = (offset + start) // PIECE
                entries[number] = form.of(number, view[start : start + PIECE])

        async def row(size: int) -> tuple[int, str]:
            [found] = await self._storing.rows(bucket, workspace, [size], wanted)
            return found

        behind = Behind(lambda: one.count, lambda view, at: _fill(fd, view, at), row)
        record = ComingRecord(self._handover, bucket, workspace, one.file, entries, behind)
        id, key, upload = await record.begin() or (*await row(size), "")
        sending = PartSending(storage, bucket, key, size, wanted, record, upload)
        recording = asyncio.create_task(record.run(id, sending))
        try:
            await sending.send(record.bounded(one), read)
            content = await one.whole()
            [pieces] = await storage.world.offload(storage.spool.lists, [content])
            if not is_listed(form, size, entries, pieces):
                raise damaged(content.hash, "is not what was sent of it")
            await record.complete()
            await sending.complete()
            await record.ended()
        except BaseException as error:
            if not await record.leave(error, is_kept=one.is_closed and one.is_kept):
                self._uses.end(id)
                await sending.abort()
            raise
        finally:
            recording.cancel()
        self._uses.add(id, [content])
        return Secured(placement_of(id, 0), pieces)


def _fill(fd: int, view: memoryview, offset: int) -> None:
    try:
        fill(fd, view, offset)
    except OSError as error:
        raise ProblemError(from_os_error(error, "a file that arrives")) from error
