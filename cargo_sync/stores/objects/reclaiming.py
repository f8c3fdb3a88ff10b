"""What a bucket has that the state has never known: it is counted, and goes when a person says so.

Each object has a row before its first byte, and for a day after it was deleted. So what has none
was not made by this state: by a newer one, in place of which this one was restored; or by a copy.
Only a person knows whether one of these will be needed again.
"""

from typing import Final, NamedTuple

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.objects.buckets import NO_ORPHANS, Orphans, StoreBucket
from cargo_sync.stores.objects.ports import Storage

YOUNG: Final = 86_400.0
"""Seconds: what is younger is never deleted, for whoever has made it may still be there."""
AT_ONCE: Final = 3.0
"""Seconds after which a caller gets what was found so far."""


class ReclaimPart(NamedTuple):
    """What was found in a part of a bucket.

    bucket   its address
    orphans  that are old enough; they were deleted, if that was asked
    young    how many are not, and stay
    after    the key up to which the bucket was looked at; "" at its end
    """

    bucket: str
    orphans: Orphans
    young: int
    after: str


class Reclaiming:
    """Looks at a bucket part by part, so that nobody waits long. One event loop uses it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def part(self, bucket: StoreBucket, after: str, *, delete: bool) -> ReclaimPart:
        """Looks at objects with keys above `after`, for some seconds; deletes orphans, if asked.

        Raises:
            ProblemError: the bucket is not ours, does not answer or does not delete; or the state
                cannot be read.
        """
        rows, world = self._storage.objects, self._storage.world
        if not await bucket.open(rows, world):
            raise ProblemError(bucket.problem or _AWAY)
        until, found, young = world.steady() + AT_ONCE, NO_ORPHANS, 0
        async for page in bucket.calls.pages(after):
            if not page:
                continue
            # The rows are read after the bucket was: an object that it has had its row before.
            known = await world.offload(rows.known, bucket.id, [one.key for one in page])
            orphans = [one for one in page if one.key not in known]
            old = [one for one in orphans if one.age > YOUNG]
            if delete and old:
                failed = await bucket.calls.delete([one.key for one in old])
                for problem in failed.values():
                    raise ProblemError(problem)
            found, young = found.with_more(old), young + len(orphans) - len(old)
            after = page[-1].key
            if world.steady() >= until:
                return ReclaimPart(bucket.address, found, young, after)
        if delete:
            bucket.orphans = NO_ORPHANS  # the next comparison counts those that stay
        return ReclaimPart(bucket.address, found, young, "")


_AWAY: Final = Problem(Code.UNREACHABLE, "the bucket does not answer", hint="try again later")
