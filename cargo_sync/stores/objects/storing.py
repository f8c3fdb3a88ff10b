"""Contents of the spool become objects: small ones in packs, large ones each in one of its own.

Each object has its row before its first byte. It is live once something of it is recorded; before
that, what a crash leaves of it is nobody's, and goes (`upkeep`). A bucket that does not answer is
waited for, as long as somebody holds one of the contents.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.object_contents import placement_of
from cargo_sync.stores.blob_pieces import damaged
from cargo_sync.stores.contract import Content, Secured
from cargo_sync.stores.objects.buckets import StoreBucket
from cargo_sync.stores.objects.gathering import Came, SmallGathering
from cargo_sync.stores.objects.packing import SMALL, WHOLE, packs
from cargo_sync.stores.objects.parts import AT_ONCE, PartSending
from cargo_sync.stores.objects.ports import SentSum, Storage
from cargo_sync.stores.objects.retrying import Retrying
from cargo_sync.stores.objects.uses import ObjectUses

_TRIES: Final = 5
"""So often an upload in parts begins anew that the bucket has lost."""


class NewObject(NamedTuple):
    """One that has its row, and is to be written."""

    id: int
    key: str
    contents: Sequence[Content]


class Storing:
    """Writes objects. One event loop uses it."""

    def __init__(self, storage: Storage, uses: ObjectUses) -> None:
        self._storage = storage
        self._again = Retrying(storage.world, storage.pause)
        self._uses = uses
        self._gatherings: dict[tuple[str, int], SmallGathering] = {}

    async def store(
        self,
        bucket: StoreBucket,
        workspace: int,
        contents: Sequence[Content],
        came: Came,
    ) -> None:
        """Writes contents into objects.

        Args:
            bucket: where to.
            workspace: whose they are.
            contents: each once; they are held.
            came: is told once of each.
        """
        small = [content for content in contents if content.size < SMALL]
        large = [[content] for content in contents if content.size >= SMALL]
        async with asyncio.TaskGroup() as tasks:
            if small:
                tasks.create_task(self._gathering(bucket, workspace).add(small, came))
            if large:
                tasks.create_task(self._write(bucket, workspace, large, came))

    def _gathering(self, bucket: StoreBucket, workspace: int) -> SmallGathering:
        key = bucket.address, workspace
        if key not in self._gatherings:

            async def write(contents: Sequence[Content], came: Came) -> None:
                await self._write(bucket, workspace, list(packs(contents)), came)

            self._gatherings[key] = SmallGathering(write)
        return self._gatherings[key]

    async def _write(
        self,
        bucket: StoreBucket,
        workspace: int,
        groups: Sequence[Sequence[Content]],
        came: Came,
    ) -> None:
        """Writes an object for each group."""
        contents = [content for group in groups for content in group]
        sizes = [sum(content.size for content in group) for group in groups]
        try:
            rows = await self.rows(bucket, workspace, sizes, lambda: self._is_held(contents))
        except ProblemError as error:
            for content in contents:
                came(content, error.problem)
            return
        objects = [NewObject(*row, group) for row, group in zip(rows, groups, strict=True)]
        for one in objects:
            self._uses.add(one.id, one.contents)
        turns = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for one in objects:
                tasks.create_task(self._one(bucket, one, turns, came))

    async def rows(
        self,
        bucket: StoreBucket,
        workspace: int,
        sizes: Sequence[int],
        wanted: Callable[[], bool],
    ) -> list[tuple[int, str]]:
        """Gives objects of these sizes their rows: numbers and keys.

        It waits until it is known whose the bucket is, as long as they are `wanted`.

        Raises:
            ProblemError: they are not; or the state cannot be written.
        """
        world = self._storage.world

        async def number() -> int:
            return bucket.id

        id = await self._again(number, wanted)
        keys = [world.token() for _ in sizes]
        begin = self._storage.objects.begin
        ids = await world.offload(begin, id, workspace, keys, sizes, world.lived())
        return list(zip(ids, keys, strict=True))

    async def _one(
        self, bucket: StoreBucket, one: NewObject, turns: asyncio.Semaphore, came: Came
    ) -> None:
        found: Sequence[Secured | Problem]
        try:
            async with turns:
                if one.contents[0].size < SMALL:
                    found = await self._pack(bucket, one)
                elif one.contents[0].size <= WHOLE:
                    found = await self._whole(bucket, one)
                else:
                    found = await self._parts(bucket, one)
        except ProblemError as error:
            found = [error.problem] * len(one.contents)
        for content, result in zip(one.contents, found, strict=True):
            came(content, result)

    async def _pack(self, bucket: StoreBucket, one: NewObject) -> list[Secured | Problem]:
        storage, size = self._storage, sum(content.size for content in one.contents)
        async with storage.memory.taking(2 * size):
            checksum = bucket.calls.new_sum()
            pack, found = await storage.world.offload(self._packed, one, checksum)
            if pack:
                await self._put(bucket, one, pack, checksum)
        return found

    async def _whole(self, bucket: StoreBucket, one: NewObject) -> list[Secured | Problem]:
        storage, [content] = self._storage, one.contents
        async with storage.memory.taking(content.size):
            checksum = bucket.calls.new_sum()
            view, pieces = await storage.world.offload(self._read_whole, content, checksum)
            await self._put(bucket, one, view, checksum)
        return [Secured(placement_of(one.id, 0), pieces)]

    async def _put(
        self, bucket: StoreBucket, one: NewObject, content: bytes | memoryview, checksum: SentSum
    ) -> None:
        await self._again(
            lambda: bucket.calls.put(one.key, content, checksum),
            lambda: self._is_held(one.contents),
        )

    async def _parts(self, bucket: StoreBucket, one: NewObject) -> list[Secured | Problem]:
        storage, [content] = self._storage, one.contents
        offload, spool = storage.world.offload, storage.spool
        [pieces] = await offload(spool.lists, [content])

        def read(view: memoryview, offset: int) -> None:
            reader = spool.open(content)
            try:
                reader.read_into(view, offset)
            finally:
                reader.close()

        for tries in range(1, _TRIES + 1):
            held = lambda: self._is_held(one.contents)  # noqa: E731
            sending = PartSending(storage, bucket, one.key, content.size, held)
            try:
                await sending.send(_all_is_there, read)
                await sending.complete()
                break
            except ProblemError as error:
                await sending.abort()
                if error.problem.code is not Code.VANISHED or tries == _TRIES:
                    raise
        return [Secured(placement_of(one.id, 0), pieces)]

    def _is_held(self, contents: Sequence[Content]) -> bool:
        return any(self._storage.claims.is_held(one.hash) for one in contents)

    # -- in a thread -------------------------------------------------------------------------------

    def _packed(self, one: NewObject, checksum: SentSum) -> tuple[bytes, list[Secured | Problem]]:
        """The bytes of a pack, and where each content lies in it, or why it does not."""
        some, found, start = list[bytes | memoryview](), list[Secured | Problem](), 0
        for content in one.contents:
            try:
                some.append(self._small(content))
            except ProblemError as error:
                found.append(error.problem)
                continue
            found.append(Secured(placement_of(one.id, start)))
            start += content.size
        pack = b"".join(some)
        checksum.update(pack)
        return pack, found

    def _small(self, content: Content) -> bytes | memoryview:
        kept = self._storage.spool.in_memory(content)
        return kept if kept is not None else self._read(content)

    def _read_whole(self, content: Content, checksum: SentSum) -> tuple[memoryview, bytes]:
        """A content, and the list of its pieces. Raises ProblemError."""
        [pieces] = self._storage.spool.lists([content])
        view = self._read(content)
        checksum.update(view)
        return view, pieces

    def _read(self, content: Content) -> memoryview:
        view = memoryview(bytearray(content.size))
        reader = self._storage.spool.open(content)
        try:
            if reader.read_into(view, 0) != content.size:
                raise damaged(content.hash, "is shorter than it was")
        finally:
            reader.close()
        return view


async def _all_is_there(_count: int) -> None:
    """Nothing has to be waited for."""
