"""Disks of a server: one that is full."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from blake3 import blake3

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model.entries import BY_UMASK
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.remote.contract import NewFile
from cargo_sync.trees.remote.staging import STAGING
from cargo_sync.trees.sftp.folder import SftpFolder
from cargo_sync.trees.sftp.login import SftpLogin
from tests.conformance.remotes import in_thread
from tests.remotes.remotes import Remotes
from tests.remotes.running import Running
from tests.remotes.server import SMALL

TIME = 1_600_000_000 * 10**9


@pytest.fixture
def server(remotes: Remotes) -> Running:
    running = remotes.get("openssh")
    if not running.small:
        pytest.skip("openssh: only root can give it a disk of its own")
    return running


@asynccontextmanager
async def opened(server: Running, below: str) -> AsyncIterator[SftpFolder]:
    address, login, clock = (
        RemoteAddress.parse(f"{server.root}{below}"),
        server.login,
        time.monotonic,
    )
    folder = SftpFolder(
        address,
        SftpLogin(
            address.host,
            address.port,
            login.user,
            key_file=str(login.key_file),
            host_key=login.host_key,
        ),
        World(time.time, clock, lambda: 0.5, lambda: "f" * 32, in_thread, clock),
    )
    await folder.open(make=True)
    await folder.find_out()
    yield folder
    await folder.close()


def file(path: str, content: bytes) -> NewFile:
    digest = blake3(content).hexdigest()
    transfer = blake3(path.encode()).hexdigest()[:32]
    return NewFile(path, len(content), TIME, 0o640, transfer, digest)


async def free(_: int) -> None:
    """Paces nothing."""


async def test_a_full_disk_is_said_and_there_is_room_again_when_something_goes(
    server: Running,
) -> None:
    large, most = bytes(2 * SMALL), bytes(3 * SMALL // 4)
    async with opened(server, f"/{server.small}/full") as folder:
        stays = await folder.put(file("stays", most), memoryview(most), None, free)
        with pytest.raises(ProblemError) as small:
            await folder.put(file("small", most), memoryview(most), None, free)
        upload = await folder.upload(file("large", large), None)
        with pytest.raises(ProblemError) as larger:
            await upload.send(0, memoryview(large)[: upload.piece], free)
        await upload.abort()
        for caught in (small, larger):
            assert caught.value.problem.code is Code.DISK_FULL
            assert "the server's disk is full" in caught.value.problem.message
            assert caught.value.problem.retry
        assert not (await folder.list(STAGING)).entries
        await folder.remove("stays", stays)
        made = await folder.put(file("small", most), memoryview(most), None, free)
        await folder.remove("small", made)


async def test_other_failures_are_not_a_full_disk(server: Running) -> None:
    async with opened(server, f"/{server.small}/other") as folder:
        await folder.make("x", BY_UMASK)
        with pytest.raises(ProblemError) as caught:
            await folder.put(file("x/y", b""), memoryview(b""), None, free)
            await folder.put(file("x", b""), memoryview(b""), None, free)
        assert caught.value.problem.code is Code.CHANGED
