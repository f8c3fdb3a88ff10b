"""A job with a bucket that locks its objects (a fake, moto): nothing there can go for good.

Such a bucket keeps versions. What a job replaces or deletes becomes an older version, so no step of
a job is refused; what is refused is to delete a version.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.local.ages import MemoryAges
from cargo_sync.model.abilities import Trashing
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code
from cargo_sync.model.world import World
from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.client import S3
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.content import S3Content
from cargo_sync.s3.credentials import S3Login
from cargo_sync.s3.errors import S3Error
from cargo_sync.s3.requests import S3Request
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.remote.transfer.uploads import MemoryUploads
from cargo_sync.trees.remote.tree import RemoteMemory, RemoteTree, RemoteUse
from cargo_sync.trees.s3.folder import S3Folder
from cargo_sync.wire.sigv4 import AccessKey
from tests.offloads import inline
from tests.remotes.remotes import Remotes
from tests.remotes.servers import ALL
from tests.trees.remote.trees import RUN, moved, put

WORLD = World(time.time, time.monotonic, lambda: 0.5, lambda: "f" * 32, inline, time.monotonic)
LOCKS = (
    b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>"
    b"<DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule>"
    b"</ObjectLockConfiguration>"
)


pytestmark = pytest.mark.skipif(not ALL, reason="`make remotes` runs it")


@pytest.fixture
async def login(remotes: Remotes) -> S3Login:
    """Of a bucket in which each version is locked for a day."""
    far = remotes.get("moto")
    address = S3Address.of(RemoteAddress.parse(far.place().url), None)
    key = AccessKey(far.login.user, far.login.password)
    made = S3Login(replace(address, bucket=f"{address.bucket}-locks"), lambda: key)
    connection = S3Connection(made, WORLD)
    locks = {"x-amz-bucket-object-lock-enabled": "true"}
    await connection.headers(S3Request("PUT", "a test", headers=locks))
    query, content = [("object-lock", "")], S3Content((LOCKS,))
    await connection.headers(S3Request("PUT", "a test", query=query, content=content))
    await connection.aclose()
    return made


async def versions(s3: S3, path: str) -> AsyncIterator[tuple[str, bytes]]:
    """The versions of an object that have a content, the newest first."""
    async for page in s3.listing.versions(path):
        for version, is_deleted in zip(page.versions, page.deleted, strict=True):
            if not is_deleted:
                async with s3.get(path, version=version) as content:
                    yield version, b"".join([piece async for piece in content.pieces()])


async def test_a_job_does_all_its_steps_and_every_version_stays(login: S3Login) -> None:
    memory = RemoteMemory(MemoryUploads(WORLD.lived), MemoryAges(WORLD.lived))
    far = RemoteTree(S3Folder(login, "", WORLD), RemoteUse(), memory, WORLD, asyncio.Semaphore(1))
    near = MemoryTree("near")
    await far.open()
    first = put("a", near.write("a", b"first"))
    [brought] = await moved(far, Mode.UPLOAD, near, [first])
    assert brought.failed == ()
    seen = await far._remote.entry("a")
    second = put("a", near.write("a", b"second"), seen, transfer="5" * 32)
    [brought] = await moved(far, Mode.UPLOAD, near, [second])
    assert brought.failed == ()
    seen = await far._remote.entry("a")
    [deleted] = await far.apply([Action(Op.DELETE, "a", expected=seen)], RUN)
    assert deleted.problem is None and await far._remote.entry("a") is None
    # Amazon's copy there, too: this fake refuses that, so the versions are the trash.
    assert far.abilities.trashing is Trashing.VERSIONS
    async with S3(S3Connection(login, WORLD)) as s3:
        kept = [one async for one in versions(s3, "a")]
        assert [content for _, content in kept] == [b"second", b"first"]
        with pytest.raises(S3Error) as caught:
            await s3.delete("a", version=kept[0][0])
        assert caught.value.problem.code is Code.REFUSED
    await far.close()
