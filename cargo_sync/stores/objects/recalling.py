"""What another server has of a large file is brought into the spool, and its lane goes on there.

Nobody can read the parts of an upload that has not ended. So the object is made of those that have
come, and read back: each piece is checked by the list that was recorded with its part. The hash of
the file begins anew with what is read. What comes after that goes into an object of this server.

If bucket, state or disk cannot be used now, it is tried again later, and the client waits
(`later_tries`). If what has come is lost, the client sends the file from its beginning.
"""

import asyncio
import logging
import threading
from typing import Final

from blake3 import blake3

from cargo_sync.local.parts import PartFile
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.state.object_uploads import ComingObject, SharedTransfer, TransferHold
from cargo_sync.stores.blob_pieces import damaged
from cargo_sync.stores.objects.buckets import StoreBucket
from cargo_sync.stores.objects.handover import Handover
from cargo_sync.stores.objects.later_tries import LaterTries
from cargo_sync.stores.objects.listed_parts import is_in_part
from cargo_sync.stores.objects.packing import READ
from cargo_sync.stores.objects.retrying import HOPELESS

PATIENCE: Final = 30.0
"""Seconds in which a server whose client has gone lets a transfer go."""
LOOK: Final = 1.0
TRIES_AGAIN: Final = 60.0
"""Seconds for which the files of a server that is there are not asked for again."""
LOST: Final = frozenset({Code.VANISHED, Code.BAD_RANGE, Code.DAMAGED})
"""What has come is not there, or not as it was: no second try finds it."""
TOGETHER: Final = 4
"""Files that are read back at a time, each with one request after the other."""

_log = logging.getLogger(__name__)


class Recalls:
    """Those of a server. `bring` is for one event loop; any thread may ask the rest."""

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._storage = handover.storage
        self._turns = asyncio.Semaphore(TOGETHER)
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._later = LaterTries(handover.storage.world)
        self._elsewhere: dict[str, float] = {}
        """Transfers that another server did not let go, and until when that counts."""

    def begin(self, offer: Offer, source: bytes) -> SharedTransfer | None:
        """What another server has of a file, of which nothing is being brought: call `bring` next.

        Raises:
            ProblemError: the state cannot be used.
        """
        if self._later.waits(offer.transfer):
            return None
        found = self._found(offer.transfer, source)
        if found is None:
            self._later.forget(offer.transfer)
            return None
        if self._elsewhere.get(offer.transfer, 0) > self._storage.world.steady():
            return None
        with self._lock:
            if offer.transfer in self._running:
                return None
            self._running.add(offer.transfer)
        return found

    def is_expected(self, transfer: str) -> bool:
        """Whether it is being brought, or will be: then its client is to ask again."""
        return transfer in self._running or transfer in self._later

    def end(self, transfer: str) -> None:
        """It is not brought any more."""
        self._running.discard(transfer)

    def _found(self, transfer: str, source: bytes) -> SharedTransfer | None:
        servers = self._handover.servers
        if servers is None:
            return None
        found = self._handover.rows.find(transfer)
        if found is None or found.source != source:
            return None
        if found.holder.server == servers.me.server and transfer not in self._later:
            return None  # what this server had is in its spool
        return found

    async def bring(self, bucket: StoreBucket, offer: Offer, found: SharedTransfer) -> None:
        """Brings what can be had of a file, as if it had come here; if it fails, later again."""
        try:
            await self._try(bucket, offer, found)
        except ProblemError as error:
            wait = self._later.failed(offer.transfer)
            then = "it is sent again" if wait is None else f"tried again in {wait:.0f} s"
            _log.warning("what another server has of an upload cannot be had: %s; %s", error, then)
        else:
            self._later.forget(offer.transfer)

    async def _try(self, bucket: StoreBucket, offer: Offer, found: SharedTransfer) -> None:
        """Brings it, as far as it is not lost. Raises ProblemError: not now."""
        hold = await self._taken(found)
        if hold is None:
            return
        try:
            async with self._turns:
                for one in await self._there(bucket, offer):
                    if await self._is_brought(bucket, hold, offer, one):
                        return
        finally:
            await self._storage.world.offload(self._handover.rows.release, hold)

    async def _taken(self, first: SharedTransfer) -> TransferHold | None:
        """Takes a transfer, once its server is gone or has let it go; None: it does neither."""
        world, found = self._storage.world, first
        until = world.steady() + PATIENCE
        while True:
            if (hold := await self._handover.take(found)) is not None:
                return hold
            if world.steady() >= until:
                now = world.steady()
                kept = {id: at for id, at in self._elsewhere.items() if at > now}
                self._elsewhere = kept | {first.transfer: now + TRIES_AGAIN}
                return None
            await self._storage.pause(LOOK)
            now_there = await world.offload(self._found, first.transfer, first.source)
            if now_there is None:
                return None
            found = now_there

    async def _there(self, bucket: StoreBucket, offer: Offer) -> list[ComingObject]:
        """The objects in which it came; what reaches farthest is first."""
        found = await self._storage.world.offload(self._handover.rows.uploads, offer.transfer)
        fit = [one for one in found if (one.bucket, one.size) == (bucket.id, offer.size)]
        return sorted(fit, key=lambda one: one.reach, reverse=True)

    async def _is_brought(
        self, bucket: StoreBucket, hold: TransferHold, offer: Offer, one: ComingObject
    ) -> bool:
        """Brings what is in an object and its tail; False if some of it is lost."""
        storage, offload = self._storage, self._storage.world.offload
        part, done = await offload(storage.spool.staging.part, offer), one.reach
        room = storage.spool.staging.reservation()
        try:
            done = await offload(part.in_order)
            if done < one.reach and not room.take({0: one.reach - done}):
                await self._read(bucket, hold, one, _Staged(part, done))
            await offload(part.checkpoint)
            if done < one.reach:
                came = part.reached / 2**20
                _log.info("%.1f MiB of an upload came to another server; it goes on here", came)
            return True
        except ProblemError as error:
            await offload(part.checkpoint)
            if error.problem.code not in LOST | HOPELESS:
                if part.reached > done:
                    self._later.forget(offer.transfer)  # the waits begin anew
                raise
            _log.warning("what came of an upload to another server cannot be read: %s", error)
            return False
        finally:
            await offload(part.leave)
            storage.spool.staging.release(offer.transfer)
            room.close()

    async def _read(
        self, bucket: StoreBucket, hold: TransferHold, one: ComingObject, to: "_Staged"
    ) -> None:
        storage = self._storage
        if to.done < one.in_parts:
            await self._put_together(bucket, hold, one)
        start = 0
        for part in one.parts:
            end = start + part.length
            for at in range(start, end, READ):
                until = min(end, at + READ)
                if until <= to.done:
                    continue
                async with storage.memory.taking(until - at):
                    view = await bucket.calls.read(one.key, at, until)
                    if not await storage.world.offload(is_in_part, part, start, at, view):
                        raise damaged("a part of an upload", "is not what came")
                    await storage.world.offload(to.write, at, view)
            start = end
        tail = one.tail
        if tail is not None and tail.start <= to.done < tail.start + tail.length:
            async with storage.memory.taking(tail.length):
                view = await bucket.calls.read(tail.key, 0, tail.length)
                if await storage.world.offload(_digest, view) != tail.digest:
                    raise damaged("the tail of an upload", "is not what came")
                await storage.world.offload(to.write, tail.start, view)

    async def _put_together(
        self, bucket: StoreBucket, hold: TransferHold, one: ComingObject
    ) -> None:
        """Makes the object of its parts; whoever still sends some then finds that it has ended."""
        there = await bucket.calls.size(one.key)
        if there is None:
            await bucket.calls.complete(one.key, one.upload, [part.etag for part in one.parts])
            there = await bucket.calls.size(one.key)
        if there is None or there < one.in_parts:
            raise damaged("an upload", "has lost some of its parts")
        rows, world = self._handover.rows, self._storage.world
        await world.offload(rows.put_together, hold, one.object, world.lived())


class _Staged:
    """A file that is being staged, from its start on; `done` bytes of it are."""

    def __init__(self, part: PartFile, done: int) -> None:
        self._part = part
        self.done = done

    def write(self, offset: int, content: memoryview) -> None:
        """Stages what is new of this. Raises ProblemError."""
        rest = content[max(0, self.done - offset) :]
        if rest:
            self._part.write(self.done, rest)
            self.done += len(rest)


def _digest(content: memoryview) -> bytes:
    return blake3(content).digest()
