"""The buckets of a server: whose each is, and where a workspace's contents go.

A bucket is used once its marker is one of ours. A new one gets its marker, with a row that was
there before; so no other installation has the same. One that has lost its marker although rows say
that objects are in it is not touched: it was emptied, or another bucket has its name.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.objects import BucketRow, BucketTotals
from cargo_sync.stores.objects.ports import BucketCalls, ListedObject, ObjectRows
from cargo_sync.stores.objects.watched import BucketCounts, WatchedBucket

_log = logging.getLogger(__name__)


class Orphans(NamedTuple):
    """Objects of a bucket that the state does not know: how many, their bytes and ages in seconds.

    Without any, the ages are 0.
    """

    objects: int = 0
    size: int = 0
    oldest: float = 0.0
    newest: float = 0.0

    def with_more(self, some: Iterable[ListedObject]) -> "Orphans":
        """These and some others."""
        count, size, oldest, newest = self
        for one in some:
            oldest, newest = max(oldest, one.age), min(newest, one.age) if count else one.age
            count, size = count + 1, size + one.size
        return Orphans(count, size, oldest, newest)


NO_ORPHANS: Final = Orphans()


@dataclass(frozen=True, slots=True)
class BucketReport:
    """How a bucket is.

    problem  why it cannot be used now, or None
    missing  live objects that were not there at the last comparison
    orphans  that were there then
    checks   whether it compares what it gets with a hash; None: it was not asked yet
    """

    address: str
    problem: Problem | None
    totals: BucketTotals
    counts: BucketCounts
    missing: int
    orphans: Orphans = NO_ORPHANS
    checks: bool | None = None

    @property
    def unchecked(self) -> str:
        """What a person should know of a bucket that compares nothing; else ""."""
        if self.checks is not False:
            return ""
        return (
            f"the bucket {self.address} compares what it gets with no MD5 and no SHA-256: what is "
            "damaged on the way is found only when it is read. Use https, and a server that "
            "compares"
        )


class StoreBucket:
    """One of them. One event loop uses it; any thread may ask for its `problem` and `report`.

    address  names endpoint, bucket and folder, for people
    row      None until it is known whose it is
    totals   as they were counted last
    is_asked  it has answered since the start, or was found not to
    """

    def __init__(self, address: str, calls: BucketCalls) -> None:
        self.address = address
        self.calls = WatchedBucket(calls)
        self.row: BucketRow | None = None
        self.totals = BucketTotals()
        self.missing = 0
        self.orphans = NO_ORPHANS
        self.is_asked = False
        self._opening = asyncio.Lock()
        self._refused: Problem | None = Problem(
            Code.UNREACHABLE, f"the bucket {address} was not asked yet", hint="it is tried again"
        )

    @property
    def problem(self) -> Problem | None:
        """Why it cannot be used now, or None."""
        return self._refused or self.calls.trouble

    @property
    def id(self) -> int:
        """Its number. Raises ProblemError: it is not known whose it is."""
        if self.row is None:
            assert self._refused is not None, "it is not open"
            raise ProblemError(self._refused)
        return self.row.id

    def report(self) -> BucketReport:
        """How it is."""
        counts = self.calls.counts
        counts = replace(counts, requests=dict(counts.requests), failed=dict(counts.failed))
        return BucketReport(
            self.address,
            self.problem,
            self.totals,
            counts,
            self.missing,
            self.orphans,
            self.calls.checks,
        )

    async def open(self, rows: ObjectRows, world: World) -> bool:
        """Finds out whose it is; whether it is ours. A new one is marked."""
        async with self._opening:
            try:
                self.row = await _claimed(self, rows, world)
            except ProblemError as error:
                # A bucket that was ours and does not answer is in trouble only.
                if self.row is None or error.problem != self.calls.trouble:
                    self.row, self._refused = None, error.problem
                self.is_asked = True
                return False
            self._refused = None
            self.is_asked = True  # any thread may look: now it can be used
            await self.find_checks(world.token())
            return True

    async def find_checks(self, token: str) -> None:
        """Finds out how it checks what it gets, unless that is known. `token` names an object.

        As long as that cannot be found out, such as in a full bucket, it gets the MD5.
        """
        if self.calls.checks is not None:
            return
        with suppress(ProblemError):
            await self.calls.find_checks(token)
            if words := self.report().unchecked:
                _log.warning("%s", words)


class Buckets:
    """All of them, and which workspace has which. Any thread may ask."""

    def __init__(self) -> None:
        self._all: Mapping[str, StoreBucket] = {}
        self._of: Mapping[int, StoreBucket] = {}

    def __iter__(self) -> Iterator[StoreBucket]:
        return iter(tuple(self._all.values()))

    def use(self, bucket: StoreBucket) -> StoreBucket:
        """There is one more, unless there is one with its address already; returns that."""
        if bucket.address not in self._all:
            self._all = {**self._all, bucket.address: bucket}
        return self._all[bucket.address]

    def at(self, address: str) -> StoreBucket | None:
        """The one with this address."""
        return self._all.get(address)

    def assign(self, workspace: int, address: str) -> None:
        """What a workspace gets goes there from now on."""
        self._of = {**self._of, workspace: self._all[address]}

    def of(self, workspace: int) -> StoreBucket:
        """Where a workspace's contents go. Raises ProblemError: nowhere."""
        found = self._of.get(workspace)
        if found is None:
            message = "this workspace has no bucket in the server's file any more"
            raise ProblemError(Problem(Code.NOT_OPEN, message, hint="name it there again"))
        return found

    def numbered(self, id: int) -> StoreBucket:
        """The open one with this number. Raises ProblemError: there is none."""
        for one in self._all.values():
            if one.row is not None and one.row.id == id:
                return one
        for one in self._all.values():
            if one.problem is not None:
                raise ProblemError(one.problem)
        message = "the bucket with this file is not named in the server's file"
        raise ProblemError(Problem(Code.NOT_OPEN, message, hint="name it there again"))


async def _claimed(bucket: StoreBucket, rows: ObjectRows, world: World) -> BucketRow:
    """The row of a bucket that is ours. Raises ProblemError."""
    marker = await bucket.calls.marker()
    if marker is None:
        for row in await world.offload(rows.used_buckets):
            if row.address == bucket.address:
                raise ProblemError(_marker_lost(bucket.address))
        # Others may find no marker at the same moment: all write the same one.
        claimed = await world.offload(rows.claim_bucket, world.token(), bucket.address)
        await bucket.calls.mark(claimed.marker)
        marker = await bucket.calls.marker() or ""  # that of another installation may have come
    if await world.offload(rows.bucket, marker) is None:
        raise ProblemError(_foreign(bucket.address))
    return await world.offload(rows.add_bucket, marker, bucket.address)


def _marker_lost(address: str) -> Problem:
    return Problem(
        Code.MARKER_LOST,
        f"{address} has no marker (cargo_sync.json), although contents of workspaces lie there",
        hint="is it another bucket, or was it emptied? Bring the object cargo_sync.json back if "
        "only that was deleted",
        retry=False,
    )


def _foreign(address: str) -> Problem:
    return Problem(
        Code.FOREIGN_FOLDER,
        f"{address} belongs to another Cargo server",
        hint="give each installation a prefix of its own",
        retry=False,
    )
