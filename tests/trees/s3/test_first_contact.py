"""A job meets a bucket in which other programs have stored what is here: nothing is read."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from hashlib import md5
from pathlib import Path
from typing import Final

import pytest
from blake3 import blake3

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.local.ages import MemoryAges
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.world import World
from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.client import S3
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.content import S3Content
from cargo_sync.s3.credentials import S3Login
from cargo_sync.trees.remote.contract import NewFile, RemoteContent
from cargo_sync.trees.remote.transfer.uploads import MemoryUploads
from cargo_sync.trees.remote.tree import RemoteMemory, RemoteTree, RemoteUse
from cargo_sync.trees.s3.entries import metadata_of
from cargo_sync.trees.s3.folder import S3Folder
from cargo_sync.wire.sigv4 import AccessKey
from tests.conformance.remotes import in_thread
from tests.engine.world import System
from tests.remotes.remotes import Remotes
from tests.remotes.servers import wanted

MIB: Final = 2**20
PARTS: Final = bytes(range(256)) * (11 * MIB // 512)
"""5.5 MiB: a part of 5 MiB, and a shorter one."""
SMALL: Final = {f"{number:02}": b"%d" % number * 50 for number in range(5, 9)} | {"empty": b""}
SECOND: Final = 10**9
NEAR: Final = b"near" * 30
STALE: Final = metadata_of(
    NewFile("08", len(NEAR), SECOND, 0o644, "0" * 32, blake3(NEAR).hexdigest()),
    md5(NEAR).hexdigest(),
)
"""What a job has left beside a content, and another program has kept beside one of its own."""


class CountedFolder(S3Folder):
    """Notes what is read."""

    reads: list[str]

    async def read(self, path: str, entry: Entry, start: int = 0) -> RemoteContent:
        self.reads.append(path)
        return await super().read(path, entry, start)


async def store(s3: S3, files: Mapping[str, bytes]) -> None:
    """As other programs store files: small ones with rclone's time, a larger one in parts."""
    for name, content in files.items():
        kept = STALE if name == "08" else {}
        await s3.put(f"films/{name}", S3Content((content,)), {"mtime": "1600000000.5", **kept})
    upload = await s3.multipart.begin("films/parts")
    pieces = enumerate((PARTS[: 5 * MIB], PARTS[5 * MIB :]), 1)
    etags = [
        (number, await s3.multipart.part("films/parts", upload, number, S3Content((piece,))))
        for number, piece in pieces
    ]
    await s3.multipart.complete("films/parts", upload, etags)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *((name, Mode.UPLOAD) for name in wanted("rclone-s3", "moto", "swift", "ceph")),
        ("rclone-s3", Mode.DOWNLOAD),
    ],
)
async def test_what_is_equal_is_not_read_and_what_differs_is_found(
    remotes: Remotes, tmp_path: Path, name: str, mode: Mode
) -> None:
    server = remotes.get(name)
    clock, numbers = time.monotonic, itertools.count(1)
    world = World(
        time.time, clock, lambda: 0.5, lambda: f"{next(numbers):032x}", in_thread, clock
    )  # fmt: skip
    login = S3Login(
        S3Address.of(RemoteAddress.parse(server.place().url), None),
        lambda: AccessKey(server.login.user, server.login.password),
    )
    files = {**SMALL, "07": b"far!" * 30, "08": b"far!" * 30}
    async with S3(S3Connection(login, world)) as s3:
        await store(s3, files)
    folder = CountedFolder(login, "films", world)
    folder.reads = []
    memory = RemoteMemory(MemoryUploads(clock), MemoryAges(clock))
    system = System(tmp_path, mode, settle=0.0, guard=None)
    use = RemoteUse(changes=mode is Mode.UPLOAD)
    far = RemoteTree(folder, use, memory, world, asyncio.Semaphore(1))
    system.far = far  # type: ignore[assignment]
    for path, content in {**SMALL, "07": NEAR, "08": NEAR, "parts": PARTS}.items():
        system.near.write(path, content, SECOND)
    for _ in range(2):
        system.now += 60
        report = await system.look()
        assert report.problems == []
    await far.close()
    # Of a server that was never asked, an MD5 that differs may be none: it is read, then brought.
    assert (
        folder.reads == []
        if mode is Mode.UPLOAD
        else sorted(folder.reads) == ["07", "07", "08", "08"]
    )
    [state] = system.memory.folders.below("")
    expected = files | (dict.fromkeys(("07", "08"), NEAR) if mode is Mode.UPLOAD else {})
    hashes = {path: blake3(content).hexdigest() for path, content in expected.items()}
    assert {row.name: row.hash for row in state.base or ()} == {
        **hashes, "parts": blake3(PARTS).hexdigest(),
    }  # fmt: skip
    system.database.close()
