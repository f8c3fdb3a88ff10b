"""A bucket in memory, which fails when a test says so."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import count
from typing import Final

from cargo_sync.model.problems import Code, Problem
from cargo_sync.process.wakeup import next_turn
from cargo_sync.s3.errors import S3Error
from cargo_sync.stores.objects.ports import ListedObject, OpenParts, SentSum

PAGE: Final = 3
"""Objects of a page: few, so that there are several pages."""

Fault = Callable[[str], None]
"""Called before each call has done what it does (`put`), and after that (`put done`)."""


class MemoryBucket:
    """One of these; see `stores.objects.ports.BucketCalls`. It outlives stores.

    content  of the marker, or None
    objects  by key
    uploads  their parts by number, by key and id
    ages     of objects and uploads, by key; 0 for others
    away     why it does not answer, or None
    asked    how often it was asked what
    checks   whether it compares what it gets
    """

    def __init__(self, fault: Fault = lambda call: None) -> None:
        self.fault = fault
        self.content: str | None = None
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[tuple[str, str], dict[int, bytes]] = {}
        self.ages: dict[str, float] = {}
        self.away: Problem | None = None
        self.asked: dict[str, int] = {}
        self.checks = True
        self._numbers = count(1)

    async def aclose(self) -> None:
        """Nothing is open."""

    async def marker(self) -> str | None:
        await self._begin("marker")
        return self.content

    async def mark(self, marker: str) -> None:
        await self._begin("mark")
        self.content = marker
        self.fault("mark done")

    async def find_checks(self, token: str) -> bool:
        await self._begin("checks")
        return self.checks

    def new_sum(self) -> SentSum:
        return hashlib.sha256()

    async def put(self, key: str, content: bytes | memoryview, checksum: SentSum) -> None:
        await self._begin("put")
        assert checksum.digest() == hashlib.sha256(content).digest()
        self._keep(key, bytes(content))
        self.fault("put done")

    async def size(self, key: str) -> int | None:
        await self._begin("size")
        return len(self.objects[key]) if key in self.objects else None

    async def read(self, key: str, start: int, end: int) -> memoryview:
        await self._begin("read")
        if key not in self.objects:
            raise S3Error(Problem(Code.VANISHED, f"{key} is not there"), status=404)
        found = self.objects[key][start:end]
        if len(found) < end - start:
            raise S3Error(Problem(Code.BAD_RANGE, f"{key} is too short"), status=416)
        return memoryview(found)

    async def read_into(
        self, key: str, start: int, views: Sequence[memoryview], filled: Callable[[int], object]
    ) -> None:
        found = await self.read(key, start, start + sum(map(len, views)))
        for index, view in enumerate(views):
            view[:], found = found[: len(view)], found[len(view) :]
            filled(index)

    async def begin(self, key: str) -> str:
        await self._begin("begin")
        upload = f"upload {next(self._numbers)}"
        self.uploads[key, upload] = {}
        return upload

    async def part(
        self, key: str, upload: str, number: int, content: memoryview, checksum: SentSum
    ) -> str:
        await self._begin("part")
        assert checksum.digest() == hashlib.sha256(content).digest()
        self._parts(key, upload)[number] = bytes(content)
        return f"{upload}, {number}, {len(content)}"

    async def complete(self, key: str, upload: str, etags: Sequence[str]) -> None:
        await self._begin("complete")
        parts = self._parts(key, upload)
        found = [f"{upload}, {number}, {len(part)}" for number, part in sorted(parts.items())]
        assert found[: len(etags)] == list(etags)  # what is not named is dropped
        self._keep(key, b"".join(parts[number] for number in range(1, len(etags) + 1)))
        del self.uploads[key, upload]
        self.fault("complete done")

    async def abort(self, key: str, upload: str) -> None:
        await self._begin("abort")
        self.uploads.pop((key, upload), None)

    async def delete(self, keys: Sequence[str]) -> Mapping[str, Problem]:
        await self._begin("delete")
        for key in keys:
            self.objects.pop(key, None)
            self.fault("delete done")
        return {}

    async def pages(self, after: str = "") -> AsyncIterator[Sequence[ListedObject]]:
        await self._begin("list")
        keys = sorted(key for key in self.objects if key > after)
        for start in range(0, len(keys), PAGE):
            yield [
                ListedObject(key, self.ages.get(key, 0.0), len(self.objects[key]))
                for key in keys[start : start + PAGE]
            ]

    async def open_uploads(self) -> AsyncIterator[Sequence[OpenParts]]:
        await self._begin("list uploads")
        yield [OpenParts(key, upload, self.ages.get(key, 0.0)) for key, upload in self.uploads]

    async def _begin(self, call: str) -> None:
        await next_turn()
        self.asked[call] = self.asked.get(call, 0) + 1
        if self.away is not None:
            raise S3Error(self.away, again=True)
        self.fault(call)

    def _parts(self, key: str, upload: str) -> dict[int, bytes]:
        if (key, upload) not in self.uploads:
            raise S3Error(Problem(Code.VANISHED, "there is no such upload"), status=404)
        return self.uploads[key, upload]

    def _keep(self, key: str, content: bytes) -> None:
        earlier = self.objects.setdefault(key, content)
        assert earlier == content, "a key is never used for another content"
