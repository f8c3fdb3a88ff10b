"""What is nobody's goes from a bucket, and what is there is compared with the rows.

- An object in which nothing was recorded is given up: at once if this process has made it, and it
  goes then; a day later if it was another start of a server.
- An object in which nothing is recorded any more is doomed. It goes after so many days as the
  state's backups are old at most: a state of these days finds all that it names. So does one that
  another start has made: if this state was restored, a newer one may have recorded something.
- What was deleted, and came again by a write that was late, goes at the next comparison.
- An object without a row is an orphan: this state has never known it (`reclaiming`). It stays.
- An upload in parts that has not ended, and is not being written, goes after a week.

An object is deleted before its row says so: a crash between these leaves a row by which it is
deleted again. To delete what is not there is no error.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from cargo_sync.model.problems import ProblemError
from cargo_sync.state.objects import GONE, WRITING, ObjectRow
from cargo_sync.stores.objects.buckets import NO_ORPHANS, StoreBucket
from cargo_sync.stores.objects.ports import ListedObject, OpenParts, Storage
from cargo_sync.stores.objects.uses import ObjectUses

DAY: Final = 86_400.0
KEPT: Final = 14 * DAY
"""Seconds for which an object is kept in which nothing is recorded any more."""
ORPHANED: Final = 7 * DAY
PAGE: Final = 1_000
FIRST_KEY: Final = ""
_LAST_KEY: Final = "f" * 32
_MOST_MISSING: Final = 1_000
"""So many objects that seem to be missing are looked for one by one."""


class Upkeep:
    """Does it step by step. One event loop uses it."""

    def __init__(self, storage: Storage, uses: ObjectUses, kept: float = KEPT) -> None:
        self._storage = storage
        self._uses = uses
        self._kept = kept

    async def give_up(self) -> Sequence[int]:
        """Gives up what this process has written and nobody has recorded.

        Returns the objects of which nothing more is recorded.
        """
        ended = self._uses.take_ended()
        if ended:
            try:
                await self._storage.world.offload(self._storage.objects.give_up, ended)
            except ProblemError:
                for object in ended:
                    self._uses.end(object)
                raise
        return ended

    async def give_up_stale(self) -> None:
        """Gives up what another start of a server has begun, and not gone on with for a day."""
        rows, world = self._storage.objects, self._storage.world
        await world.offload(rows.renew, world.lived())
        while ids := await world.offload(rows.stale, world.lived() - DAY, PAGE):
            await world.offload(rows.give_up, ids, world.lived())

    async def delete(self, bucket: StoreBucket) -> None:
        """Deletes doomed objects whose time has come. Raises ProblemError."""
        rows, world, after = self._storage.objects, self._storage.world, 0
        before = world.lived() - self._kept
        while doomed := await world.offload(rows.doomed, bucket.id, before, after, PAGE):
            await self._delete(bucket, doomed)
            after = doomed[-1].id

    async def _delete(self, bucket: StoreBucket, doomed: Sequence[ObjectRow]) -> None:
        failed = await bucket.calls.delete([row.key for row in doomed])
        gone = [row.id for row in doomed if row.key not in failed]
        world = self._storage.world
        await world.offload(self._storage.objects.gone, gone, world.lived())

    async def count(self, bucket: StoreBucket) -> None:
        """Counts what a bucket has. Raises ProblemError."""
        offload = self._storage.world.offload
        bucket.totals = await offload(self._storage.objects.totals, bucket.id)

    async def compare(self, bucket: StoreBucket) -> None:
        """Compares a bucket with the rows: orphans and missing objects are counted; these noted.

        First it is asked whose it is: two installations may have come to a new one at once, and
        each would take the other's objects for orphans. One that is not ours is left alone.

        Raises:
            ProblemError: the bucket does not answer, or the state cannot be read.
        """
        rows, world = self._storage.objects, self._storage.world
        if not await bucket.open(rows, world):
            return
        begun = world.lived()
        after, missing, orphans = FIRST_KEY, 0, NO_ORPHANS
        async for page in bucket.calls.pages():
            if page:
                orphans = orphans.with_more(await self._unknown(bucket, page))
                there, upto = {one.key for one in page}, page[-1].key
                missing += await self._missing(bucket, after, upto, there, missing)
                after = upto
        missing += await self._missing(bucket, after, _LAST_KEY, set(), missing)
        bucket.missing, bucket.orphans = missing, orphans
        async for uploads in bucket.calls.open_uploads():
            await self._abort(bucket, [one for one in uploads if one.age > ORPHANED])
        await world.offload(rows.forget_gone, bucket.id, begun - DAY)

    async def _unknown(
        self, bucket: StoreBucket, page: Sequence[ListedObject]
    ) -> Sequence[ListedObject]:
        """The orphans of a page; what was deleted before, and came again, is deleted."""
        # The rows are read after the bucket was: an object that it has already had its row before.
        rows, offload = self._storage.objects, self._storage.world.offload
        known = await offload(rows.known, bucket.id, [one.key for one in page])
        if late := [key for key, state in known.items() if state == GONE]:
            await bucket.calls.delete(late)
        return [one for one in page if one.key not in known]

    async def _abort(self, bucket: StoreBucket, uploads: Sequence[OpenParts]) -> None:
        """Ends those of these that nobody goes on with."""
        rows, offload = self._storage.objects, self._storage.world.offload
        known = await offload(rows.known, bucket.id, [one.key for one in uploads])
        for one in uploads:
            if known.get(one.key) != WRITING:
                await bucket.calls.abort(one.key, one.upload)

    async def _missing(
        self, bucket: StoreBucket, after: str, upto: str, there: set[str], missing: int
    ) -> int:
        """How many live objects with keys above `after` are not there; notes what is lost so."""
        rows, offload, found = self._storage.objects, self._storage.world.offload, 0
        while some := await offload(rows.between, bucket.id, after, upto, PAGE):
            for row in some:
                # It may have come after its page was read.
                if row.key in there or missing + found >= _MOST_MISSING:
                    continue
                if await bucket.calls.size(row.key) is None:
                    await offload(self._note, row)
                    found += 1
            after = some[-1].key
        return found

    def _note(self, missing: ObjectRow) -> None:
        contents, workspace = self._storage.contents, missing.workspace
        contents.lost(workspace, [hash for hash, *_ in contents.within(workspace, missing.id)])


class Periods:
    """When what is due; one event loop uses it."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._next: dict[object, float] = {}

    async def due(
        self, what: object, first: float, every: float, work: Callable[[], Awaitable[None]]
    ) -> bool:
        """Does work if it is due; whether it was.

        Args:
            what: it, among others.
            first: seconds after the first call.
            every: seconds between two times; what fails is done again then.
            work: raises ProblemError when it cannot be done now.
        """
        now = self._steady()
        if now < self._next.setdefault(what, now + first):
            return False
        self._next[what] = now + every
        try:
            await work()
        except ProblemError:
            return False  # who asks how the bucket is hears of it
        return True
