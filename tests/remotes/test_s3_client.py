"""The client against real servers: what each one does, and what works on all of them."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import pytest

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model.problems import Code
from cargo_sync.model.world import T, Ts, World
from cargo_sync.s3.abilities import FEW_PARTS, MOST_PARTS, S3Abilities, find_abilities
from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.client import S3
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.content import S3Content
from cargo_sync.s3.crc_checks import compares_crc
from cargo_sync.s3.credentials import S3Login
from cargo_sync.s3.errors import S3Error
from cargo_sync.s3.multipart import SMALLEST_PART
from cargo_sync.s3.objects import Versioning
from cargo_sync.s3.requests import S3Request
from cargo_sync.s3.sent_hashes import UNKNOWN
from cargo_sync.wire.sigv4 import AccessKey
from tests.remotes.remotes import Remotes
from tests.remotes.running import Running
from tests.remotes.servers import wanted

RCLONE: Final = S3Abilities(
    checks_md5=True,
    checks_sha256=False,
    gives_md5=True,
    ranges=True,
    keeps_metadata=True,
    copies=True,
    most_parts=MOST_PARTS,
)
"""Every condition is ignored: it is a folder behind a face of S3."""
SWIFT: Final = replace(
    RCLONE,
    put_if_absent=True,
    complete_if_absent=True,
    delete_if_match=True,
    copy_if_match=True,
    copies_parts=True,
    checks_sha256=True,
    most_parts=FEW_PARTS,
)
MOTO: Final = replace(
    RCLONE,
    put_if_absent=True,
    put_if_match=True,
    complete_if_absent=True,
    delete_if_match=True,
    copies_parts=True,
    checks_md5=False,
)
CEPH: Final = replace(
    RCLONE,
    put_if_absent=True,
    put_if_match=True,
    quoted=False,
    copies_parts=True,
    checks_sha256=True,
)
"""Conditions of what ends an upload in parts, deletes or copies are ignored."""
KNOWN: Final = {"rclone-s3": RCLONE, "swift": SWIFT, "moto": MOTO, "ceph": CEPH}
NAMES: Final = wanted(*KNOWN)
ODD: Final = ("x//y", "x/./y", "x/../y")


@asynccontextmanager
async def bucket(far: Running, secret: str = "") -> AsyncIterator[S3]:
    login = S3Login(
        S3Address.of(RemoteAddress.parse(far.place().url), None),
        lambda: AccessKey(far.login.user, secret or far.login.password),
    )
    world = World(time.time, time.monotonic, lambda: 0.0, lambda: "0" * 32, _inline, time.monotonic)
    async with S3(S3Connection(login, world)) as s3:
        yield s3


async def _inline(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return work(*args)


async def keys(s3: S3, prefix: str = "") -> list[str]:
    return [key async for page in s3.listing.objects(prefix) for key in page.keys]


@pytest.mark.parametrize("name", NAMES)
async def test_what_a_server_does_is_found_and_nothing_is_left(remotes: Remotes, name: str) -> None:
    async with bucket(remotes.get(name)) as s3:
        assert await find_abilities(s3, "folder/", "1a") == KNOWN[name]
        s3.checks = UNKNOWN
        assert await compares_crc(s3, "a") == (name == "swift")
        await s3.delete("a")
        assert await keys(s3) == []
        assert [one async for page in s3.multipart.open_uploads() for one in page] == []


VERSIONS: Final = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


@pytest.mark.parametrize(
    ("name", "obeys"),
    [("swift", False), ("moto", True), *((name, False) for name in wanted("ceph"))],
)
async def test_what_is_deleted_on_a_condition_where_versions_are_kept(
    remotes: Remotes, name: str, obeys: bool
) -> None:
    """Swift refuses every condition of a DELETE there: what a job deleted stayed.

    Ceph looks at no condition of a DELETE, here or elsewhere.
    """
    async with bucket(remotes.get(name)) as s3:
        content = S3Content((VERSIONS,))
        await s3._connection.headers(
            S3Request("PUT", "a test", query=[("versioning", "")], content=content)
        )
        found = await find_abilities(s3, "folder/", "1a")
        assert (found.versioning, found.delete_if_match) == (Versioning.ON, obeys)
        assert await keys(s3) == []


@pytest.mark.parametrize("name", NAMES)
async def test_objects_are_kept_listed_copied_and_deleted(remotes: Remotes, name: str) -> None:
    async with bucket(remotes.get(name)) as s3:
        put = {"a/b c+ü&<.txt": b"hello world", "a/empty": b"", "b": b"1"}
        for key, content in put.items():
            await s3.put(key, S3Content((content,)), {"cargo-mode": "644"})
        assert await keys(s3) == sorted(put)
        page = [page async for page in s3.listing.objects("a/", delimiter="/")][-1]
        assert list(page.sizes) == [11, 0]
        top = [page async for page in s3.listing.objects(delimiter="/")][-1]
        assert (list(top.keys), list(top.prefixes)) == (["b"], ["a/"])
        async with s3.get("a/b c+ü&<.txt", 2, 5) as sent:
            assert b"".join([piece async for piece in sent.pieces()]) == b"llo"
            assert sent.head.size == 11 and sent.head.metadata["cargo-mode"] == "644"
            assert sent.head.etag == page.etags[0]
        with pytest.raises(S3Error) as caught:
            async with s3.get("b", if_match="stale"):
                pass
        assert caught.value.problem.code == Code.CHANGED
        await s3.copy("b", "a/copy +")
        head = await s3.head("a/copy +")
        assert head is not None and head.size == 1
        assert await s3.head("nothing") is None
        assert await s3.delete_many([*put, "a/copy +", "nothing"]) == {}
        assert await keys(s3) == []


@pytest.mark.parametrize("name", NAMES)
async def test_an_upload_goes_on_with_the_parts_that_are_there(remotes: Remotes, name: str) -> None:
    view = memoryview(bytes(range(256)) * (SMALLEST_PART // 256 + 1))
    async with bucket(remotes.get(name)) as s3:
        parts = s3.multipart
        upload = await parts.begin("big", {"cargo-mode": "600"})
        await parts.part("big", upload, 1, S3Content((view[:SMALLEST_PART],)))
        await parts.part("big", upload, 2, S3Content((view[SMALLEST_PART:],)))
        known = await parts.parts("big", upload)
        assert [(one.number, one.size) for one in known] == [(1, SMALLEST_PART), (2, 256)]
        assert [one.upload async for page in parts.open_uploads() for one in page] == [upload]
        await parts.complete("big", upload, [(one.number, one.etag) for one in known])
        head = await s3.head("big")
        assert head is not None and head.size == len(view)
        async with s3.get("big", SMALLEST_PART - 1) as content:
            found = b"".join([piece async for piece in content.pieces()])
        assert found == view[SMALLEST_PART - 1 :]
        gone = await parts.begin("other")
        await parts.abort("other", gone)
        await parts.abort("other", gone)
        with pytest.raises(S3Error) as caught:
            await parts.parts("other", gone)
        assert caught.value.problem.code == Code.VANISHED
        assert caught.value.server_code == ("NoSuchKey" if name == "ceph" else "NoSuchUpload")


@pytest.mark.parametrize("name", NAMES)
async def test_odd_keys_are_objects_of_their_own_or_refused_alone(
    remotes: Remotes, name: str
) -> None:
    async with bucket(remotes.get(name)) as s3:
        kept = []
        for key in ODD:
            try:
                await s3.put(key, S3Content((key.encode(),)))
            except S3Error as error:
                assert error.status == 400
            else:
                kept.append(key)
        assert kept == ([] if name == "rclone-s3" else list(ODD))
        assert sorted(await keys(s3)) == sorted(kept)


@pytest.mark.parametrize("name", wanted("rclone-s3", "swift", "ceph"))
async def test_a_wrong_secret_is_said(remotes: Remotes, name: str) -> None:
    """A fake of S3 does not look."""
    async with bucket(remotes.get(name), "wrong") as s3:
        with pytest.raises(S3Error) as caught:
            await s3.put("a", S3Content(()))
    assert caught.value.problem.code == Code.UNAUTHORIZED
