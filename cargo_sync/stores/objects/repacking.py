"""Packs are written anew: those of which more than a half is dead, and those that are small.

What is still in use of some packs is read, checked, and put into one new pack. Then the rows say
that it lies there, as far as it is still where it was. What a bucket has lost, or what is not what
was stored, stays where it is. The old packs are doomed, and kept as long
as any doomed object: so who has read the rows before finds all of it. A crash leaves a new pack of
which nothing is recorded.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from blake3 import blake3

from cargo_sync.model.problems import ProblemError
from cargo_sync.state.object_contents import ContentMove, ContentPlace
from cargo_sync.state.objects import ObjectRow
from cargo_sync.stores.objects.buckets import StoreBucket
from cargo_sync.stores.objects.fetching import LOST
from cargo_sync.stores.objects.packing import PACK, SMALL, WantedBytes, merged
from cargo_sync.stores.objects.ports import Storage
from cargo_sync.stores.objects.storing import Storing
from cargo_sync.stores.objects.uses import ObjectUses

PAGE: Final = 1_000
ENOUGH: Final = 16
"""So many small packs of a workspace become one, however little is in them."""


class _Kept(NamedTuple):
    """A content that goes into the new pack: from which object, and its bytes."""

    hash: str
    object: int
    content: bytes


class Repacking:
    """Does it. One event loop uses it."""

    def __init__(self, storage: Storage, storing: Storing, uses: ObjectUses) -> None:
        self._storage = storage
        self._storing = storing
        self._uses = uses

    async def sparse(self, bucket: StoreBucket) -> None:
        """Writes packs anew of which more than a half is dead. Raises ProblemError."""
        rows, offload, after = self._storage.objects, self._storage.world.offload, 0
        while page := await offload(rows.sparse, bucket.id, after, PAGE):
            after = page[-1].id
            groups = defaultdict[int, list[ObjectRow]](list)
            for row in page:
                if row.size <= PACK:
                    groups[row.workspace].append(row)
            for workspace, some in groups.items():
                for together in _together(some):
                    await self._write(bucket, workspace, together)

    async def small(self, bucket: StoreBucket) -> None:
        """Puts small packs together, where there are many of them. Raises ProblemError."""
        rows, offload = self._storage.objects, self._storage.world.offload
        for workspace in await offload(rows.with_small, bucket.id):
            some = await offload(rows.small, bucket.id, workspace, PAGE)
            for together in _together(some):
                if len(together) >= ENOUGH or sum(row.used for row in together) >= 2 * SMALL:
                    await self._write(bucket, workspace, together)

    async def _write(
        self, bucket: StoreBucket, workspace: int, sources: Sequence[ObjectRow]
    ) -> None:
        """Puts what is in use of some packs into a new one. Raises ProblemError."""
        storage, size = self._storage, sum(row.used for row in sources)
        world = storage.world
        async with storage.memory.taking(2 * size):
            kept = [one for row in sources for one in await self._read(bucket, workspace, row)]
            if not kept:
                return
            pack = b"".join(one.content for one in kept)
            [(id, key)] = await self._storing.rows(bucket, workspace, [len(pack)], lambda: False)
            try:
                checksum = bucket.calls.new_sum()
                await world.offload(checksum.update, pack)
                await bucket.calls.put(key, pack, checksum)
                moves, start = list[ContentMove](), 0
                for hash, source, content in kept:
                    moves.append(ContentMove(hash, len(content), source, id, start))
                    start += len(content)
                await world.offload(storage.contents.move, workspace, moves, world.lived())
            finally:
                self._uses.end(id)  # nothing was recorded in it, or all of it is

    async def _read(self, bucket: StoreBucket, workspace: int, row: ObjectRow) -> list[_Kept]:
        """What is in use of a pack, as far as it is what was stored. Raises ProblemError."""
        within = await self._storage.world.offload(self._storage.contents.within, workspace, row.id)
        wanted = [
            WantedBytes(
                number, ContentPlace(hash, size, start, row.id, row.key, row.bucket), 0, size
            )
            for number, (hash, size, start) in enumerate(within)
        ]
        found = list[_Kept]()
        for read in merged(wanted):
            try:
                memory = await bucket.calls.read(read.key, read.first, read.after)
            except ProblemError as error:
                if error.problem.code in LOST:
                    continue
                raise
            for one in read.spans:
                content = memory[one.first - read.first : one.after - read.first]
                if blake3(content).hexdigest() == one.place.hash:
                    # A copy, so that what lies between these is in memory no longer.
                    found.append(_Kept(one.place.hash, row.id, bytes(content)))
        return found


def _together(some: Iterable[ObjectRow]) -> Iterator[Sequence[ObjectRow]]:
    """Packs whose contents fit into one."""
    group, size = list[ObjectRow](), 0
    for row in some:
        if group and size + row.used > PACK:
            yield group
            group, size = [], 0
        group.append(row)
        size += row.used
    if group:
        yield group
