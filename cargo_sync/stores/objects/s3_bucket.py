"""A bucket, or a folder in one, over S3: see `ports.BucketCalls`."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from cargo_sync.config.bucket import BucketSettings
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.world import World
from cargo_sync.process.buffers import Buffers
from cargo_sync.process.http_body import LARGE
from cargo_sync.s3.abilities import find_checks
from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.client import S3
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.content import S3Content
from cargo_sync.s3.crc_checks import compares_crc
from cargo_sync.s3.credentials import S3Login
from cargo_sync.s3.errors import S3Error, bad_answer
from cargo_sync.s3.sent_hashes import SentHash
from cargo_sync.stores.objects.ports import ListedObject, OpenParts, SentSum
from cargo_sync.wire.sigv4 import AccessKey

MARKER: Final = "cargo_sync.json"
"""What says whose it is: an object beside the folder `objects`."""
_FORM: Final = "cargo_sync"
_VERSION: Final = 1
_BROKEN: Final = 500
"""Status of a server that has an error of its own."""
_LONGEST_MARKER: Final = 4_096
_KEY_DIGITS: Final = 32
_KEPT: Final = 32 << 20
"""Bytes of memory for what is read that are used again."""
_ANY: Final = S3Content((), is_checked_later=True)
"""As what is sent: its tags, which are not in the bucket, are compared when it is read."""
_KINDS: Final = {kind.new().name: kind for kind in SentHash}


class S3Bucket:
    """One of these."""

    def __init__(self, s3: S3, prefix: str, wall: Callable[[], float]) -> None:
        """`prefix` is a folder such as `a/b`, or "" for all of the bucket."""
        self._s3 = s3
        self._top = f"{prefix}/" if prefix else ""
        self._below = f"{self._top}objects/"
        self._wall = wall
        self._buffers = Buffers(_KEPT)

    async def aclose(self) -> None:
        await self._s3.aclose()

    async def marker(self) -> str | None:
        try:
            async with self._s3.get(f"{self._top}{MARKER}") as content:
                found = bytearray()
                async for piece in content.pieces():
                    found += piece
                    if len(found) > _LONGEST_MARKER:
                        break
        except S3Error as error:
            if error.problem.code is Code.VANISHED:
                return None
            raise
        try:
            told = json.loads(found)
            marker = told["marker"] if told["format"] == _FORM else None
        except (ValueError, KeyError, TypeError):
            marker = None
        if not isinstance(marker, str):
            raise bad_answer(f"{MARKER} could not be read", "it is not one of Cargo's")
        return marker

    async def mark(self, marker: str) -> None:
        text = json.dumps({"format": _FORM, "version": _VERSION, "marker": marker})
        await self._s3.put(f"{self._top}{MARKER}", S3Content((text.encode(),)))

    async def find_checks(self, token: str) -> bool:
        key = f"{self._top}{RESERVED}/probe-{token}"
        try:
            found = await find_checks(self._s3, key)
            found = replace(found, crc32=await compares_crc(self._s3, key))
        finally:
            with suppress(S3Error):
                await self._s3.delete(key)
        self._s3.checks = found
        return bool(found.kinds)

    def new_sum(self) -> SentSum:
        [kind] = self._s3.sent_hashes(_ANY)
        found: SentSum = kind.new()
        return found

    async def put(self, key: str, content: bytes | memoryview, checksum: SentSum) -> None:
        await self._s3.put(self._key(key), _summed(content, checksum))

    async def size(self, key: str) -> int | None:
        head = await self._s3.head(self._key(key))
        return None if head is None else head.size

    async def read(self, key: str, start: int, end: int) -> memoryview:
        view = self._buffers.take(end - start) if end - start >= LARGE else _new(end - start)
        await self._s3.read_into(self._key(key), start, [view])
        return view

    async def read_into(
        self, key: str, start: int, views: Sequence[memoryview], filled: Callable[[int], object]
    ) -> None:
        await self._s3.read_into(self._key(key), start, views, filled)

    async def begin(self, key: str) -> str:
        return await self._s3.multipart.begin(self._key(key))

    async def part(
        self, key: str, upload: str, number: int, content: memoryview, checksum: SentSum
    ) -> str:
        sent = _summed(content, checksum)
        return await self._s3.multipart.part(self._key(key), upload, number, sent)

    async def complete(self, key: str, upload: str, etags: Sequence[str]) -> None:
        parts = list(enumerate(etags, 1))
        try:
            await self._s3.multipart.complete(self._key(key), upload, parts)
        except S3Error as error:
            # Ceph has "an error of its own" if it does not know the upload, however often it is
            # asked. Its list of parts says so: that raises `vanished`.
            if error.status == _BROKEN and await self.size(key) is None:
                await self._s3.multipart.parts(self._key(key), upload)
            raise

    async def abort(self, key: str, upload: str) -> None:
        await self._s3.multipart.abort(self._key(key), upload)

    async def delete(self, keys: Sequence[str]) -> Mapping[str, Problem]:
        named = {self._key(key): key for key in keys}
        failed = await self._s3.delete_many(list(named))
        return {named[name]: why for name, why in failed.items()}

    async def pages(self, after: str = "") -> AsyncIterator[Sequence[ListedObject]]:
        start = self._key(after) if after else ""
        async for page in self._s3.listing.objects(self._below, start_after=start):
            now = self._wall()
            listed = zip(page.keys, page.modified_ns, page.sizes, strict=True)
            yield [
                ListedObject(key, now - modified / 1e9, size)
                for name, modified, size in listed
                if (key := self._own(name)) > after  # not every server starts there
            ]

    async def open_uploads(self) -> AsyncIterator[Sequence[OpenParts]]:
        async for page in self._s3.multipart.open_uploads(self._below):
            now = self._wall()
            yield [
                OpenParts(key, one.upload, now - one.begun_ns / 1e9)
                for one in page
                if (key := self._own(one.key))
            ]

    def _key(self, key: str) -> str:
        return f"{self._below}{key[:2]}/{key}"

    def _own(self, name: str) -> str:
        """The key of an object of ours; "" for any other, which is left alone."""
        key = name.rpartition("/")[2]
        is_key = len(key) == _KEY_DIGITS and set(key) <= set("0123456789abcdef")
        return key if is_key and self._key(key) == name else ""


def connect(settings: BucketSettings, world: World) -> S3Bucket:
    """The calls to a bucket that settings name. Nothing is asked yet."""

    def key() -> AccessKey:
        return AccessKey(settings.username, settings.password.reveal())

    login = S3Login(
        S3Address.of(settings.address, settings.region),
        key,
        f"sha256:{settings.tls_fingerprint}" if settings.tls_fingerprint else "",
        settings.ca_file or "",
    )
    return S3Bucket(S3(S3Connection(login, world)), settings.address.path, world.wall)


def _summed(content: bytes | memoryview, checksum: SentSum) -> S3Content:
    kind = _KINDS[checksum.name]
    return S3Content((content,), is_checked_later=True).with_hash(kind, checksum.digest())


def _new(size: int) -> memoryview:
    return memoryview(bytearray(size))
