"""Disks of a server: one that is full, and one below the folder."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from blake3 import blake3

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model import paths
from cargo_sync.model.entries import BY_UMASK
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.remote.contract import NewFile
from cargo_sync.trees.remote.staging import STAGING, beside, is_beside
from cargo_sync.trees.remote.trash import TRASH
from cargo_sync.trees.sftp.folder import SftpFolder
from cargo_sync.trees.sftp.login import SftpLogin
from cargo_sync.trees.sftp.upload import kept_of
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


async def test_a_file_gets_to_another_disk_below_the_folder(server: Running) -> None:
    small = server.small
    content = bytes(range(256)) * 1000
    async with opened(server, "") as folder:
        await folder.make(f"{small}/other-disk", BY_UMASK)
        base = f"{small}/other-disk"
        first = await folder.put(file(f"{base}/a", content), memoryview(content), None, free)
        assert first == await folder.entry(f"{base}/a")
        upload = await folder.upload(file(f"{base}/b", content), None)
        await upload.send(0, memoryview(content), free)
        name = f".b.{kept_of(upload.kept())[0].rpartition('.b.')[2]}"
        listing = await folder.list(base)
        assert [one.name for one in listing.entries] == ["a"], "nobody sees it before its end"
        assert [one.name for one in listing.staged] == [name] and is_beside(name)
        kept = upload.kept()
        await upload.leave()
        upload = await folder.upload(file(f"{base}/b", content), kept)
        assert list(upload.done) == [(0, len(content))], "it goes on"
        second = await upload.publish(file(f"{base}/b", content), None)
        listing = await folder.list(base)
        assert {one.name for one in listing.entries} == {"a", "b"} and not listing.staged
        # And from there to the trash, by a copy.
        trash = f"{TRASH}/20260102T030405Z-run"
        await folder.make(trash, BY_UMASK)
        moved = await folder.move(f"{base}/b", f"{trash}/b", second)
        assert (moved.size, moved.version) == (second.size, second.version)
        assert await folder.entry(f"{base}/b") is None
        await folder.remove(f"{trash}/b", moved)
        await folder.remove(f"{base}/a", first)
        assert not (await folder.list(STAGING)).entries
        await folder.remove(base, await folder.make(base, BY_UMASK))


async def test_half_a_file_beside_its_place_is_given_up(server: Running) -> None:
    async with opened(server, "") as folder:
        base = f"{server.small}/given-up"
        await folder.make(base, BY_UMASK)
        upload = await folder.upload(file(f"{base}/b", b"1234"), None)
        await upload.send(0, memoryview(b"12"), free)
        assert len((await folder.list(base)).staged) == 1
        await upload.leave()
        await folder.give_up(upload.kept())
        assert not (await folder.list(base)).staged
        await folder.remove(base, await folder.make(base, BY_UMASK))


def test_only_our_names_are_those_of_staged_files() -> None:
    for path in ("a", "x/é ü", "x/" + "long" * 63, "x/a\nb", "x/.b.partial"):
        name = paths.name(beside(path, "0123abcd"))
        assert is_beside(name) and len(name.encode()) <= 255
        assert paths.parent(beside(path, "0123abcd")) == paths.parent(path)
        assert beside(path, "0123abcd") != beside(path, "ffff0000")
    for name in ("a", ".a.partial", ".film.01234567.partial", "film.01234567.partial"):
        assert not is_beside(name)
