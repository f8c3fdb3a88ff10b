"""A folder of a workspace, on the server of the tests, and where that answers in another way."""

import hashlib
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cargo_sync.model.entries import BY_UMASK, Entry
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import T, Ts, World
from cargo_sync.trees.pydio.addresses import PydioPlace
from cargo_sync.trees.pydio.folder import PydioFolder
from cargo_sync.trees.pydio.upload import PIECE
from cargo_sync.trees.remote.contract import NewFile
from cargo_sync.trees.webdav.login import WebDavLogin
from tests.remotes.servers.pydio_parts import BIN, application

Answer = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


async def inline(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return work(*args)


async def unpaced(_: int) -> None:
    """Nothing is paced here."""


@asynccontextmanager
async def opened(
    stored: Path, workspace: str = "default", answer: Answer | None = None, password: str = "pw"
) -> AsyncIterator[PydioFolder]:
    """A folder of the workspace in `stored/p`; `answer` may answer instead of the server."""
    (stored / "p").mkdir(exist_ok=True)
    numbers = itertools.count(1)

    @web.middleware
    async def before(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        given = None if answer is None else await answer(request)
        return await handler(request) if given is None else given

    served = application(stored, "ana:pw")
    served.middlewares.append(before)
    async with TestServer(served) as server:
        clock = time.monotonic
        folder = PydioFolder(
            PydioPlace(f"http://127.0.0.1:{server.port}", "p", workspace, ""),
            WebDavLogin("p", "ana", lambda: password),
            World(time.time, clock, lambda: 0.5, lambda: f"{next(numbers):032x}", inline, clock),
        )
        try:
            yield folder
        finally:
            await folder.close()


def file(path: str, content: bytes) -> NewFile:
    return NewFile(path, len(content), 0, BY_UMASK, "ab" * 16, "")


async def put(folder: PydioFolder, path: str, content: bytes) -> Entry:
    return await folder.put(file(path, content), memoryview(content), None, unpaced)


async def names(folder: PydioFolder) -> list[str]:
    listing = await folder.list("")
    assert not listing.problems
    return sorted(entry.name for entry in listing.entries)


@pytest.mark.parametrize(
    ("workspace", "password", "code"),
    [("none", "pw", Code.UNKNOWN_WORKSPACE), ("default", "wrong", Code.UNAUTHORIZED)],
)
async def test_what_cannot_be_opened_says_why(
    tmp_path: Path, workspace: str, password: str, code: Code
) -> None:
    async with opened(tmp_path, workspace, password=password) as folder:
        with pytest.raises(ProblemError) as caught:
            await folder.open(make=True)
        assert caught.value.problem.code is code


async def test_an_address_without_the_api_is_said_to_be_one(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=404)

    async with opened(tmp_path, answer=answer) as folder:
        with pytest.raises(ProblemError, match="no API of Pydio") as caught:
            await folder.open(make=True)
        assert caught.value.problem.code is Code.BAD_ANSWER


async def test_a_workspace_without_hidden_files_is_read_and_never_written(tmp_path: Path) -> None:
    async with opened(tmp_path, "strict") as folder:
        (tmp_path / "p" / "x").write_bytes(b"1")
        await folder.open(make=False)
        assert await names(folder) == ["x"]
        with pytest.raises(ProblemError) as caught:
            await folder.find_out()
        assert "show hidden files" in (caught.value.problem.hint or "")


async def test_a_look_that_finds_nothing_new_is_two_calls(tmp_path: Path) -> None:
    calls = list[str]()

    async def answer(request: web.Request) -> None:
        calls.append(request.path)

    async with opened(tmp_path, answer=answer) as folder:
        (tmp_path / "p" / "x").write_bytes(b"1")
        for _ in range(2):
            calls.clear()
            await folder.open(make=True)
            await folder.find_out()
            since = await folder.newest_change(0)
        assert calls == ["/p/api/default/stat_hash/", "/p/api/default/changes/0/"] and since
        # A check of the job may have removed our folder meanwhile.
        (tmp_path / "p/.cargo_sync/staging").rmdir()
        await put(folder, "y", b"2")


async def test_pydios_own_trash_is_left_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as folder:
        await folder.open(make=False)
        await folder.remove("x", await put(folder, "x", b"1"))
        assert len(list((tmp_path / "p" / BIN).iterdir())) == 1
        assert await names(folder) == [] and await folder.entry(BIN) is None
        for call in (put(folder, BIN, b"1"), folder.make(f"{BIN}/a", BY_UMASK)):
            with pytest.raises(ProblemError) as caught:
                await call
            assert caught.value.problem.code is Code.BAD_NAME


async def test_without_hashes_size_and_time_are_the_version(tmp_path: Path) -> None:
    content = b"x" * (PIECE + 1)
    async with opened(tmp_path, "plain") as folder:
        await folder.open(make=False)
        entry = await put(folder, "x", content)
        read = await folder.read("x", entry)
        assert b"".join([piece async for piece in read]) == content
        upload = await folder.upload(file("y", content), None)
        await upload.send(0, memoryview(content)[:PIECE], unpaced)
        upload = await folder.upload(file("y", content), upload.kept())
        assert list(upload.done) == [], "nobody knows what is there of it"


async def test_a_long_listing_comes_in_pages_of_one_moment(tmp_path: Path) -> None:
    changes = 0

    async def answer(request: web.Request) -> None:
        if changes and "%2523" in request.rel_url.raw_path:
            count = len(list((tmp_path / "p").iterdir()))
            (tmp_path / "p" / f"n{count:02}").touch()

    async with opened(tmp_path, answer=answer) as folder:
        (tmp_path / "p").joinpath("d").mkdir()
        for number in range(23):
            (tmp_path / "p" / f"f{number:02}").touch()
        await folder.open(make=False)
        assert len(await names(folder)) == 24
        changes = 1
        with pytest.raises(ProblemError) as caught:
            await folder.list("")
        assert caught.value.problem.code is Code.BUSY
        with pytest.raises(ProblemError) as caught:
            await folder.list("a%23b")
        assert caught.value.problem.code is Code.BAD_PATH


async def test_what_was_sent_is_what_is_there_or_it_gets_no_place(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> None:
        if "/rename/" in request.path or "stat" in request.path:
            for staged in (tmp_path / "p/.cargo_sync/staging").glob("*"):
                staged.write_bytes(b"another")

    async with opened(tmp_path, answer=answer) as folder:
        await folder.open(make=False)
        with pytest.raises(ProblemError) as caught:
            await put(folder, "x", b"content")
        assert caught.value.problem.code is Code.CORRUPT
        assert await names(folder) == []


async def test_a_cut_upload_goes_on_only_with_what_was_read_here(tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000
    one, view = file("x", content), memoryview(content)
    async with opened(tmp_path) as folder:
        await folder.open(make=False)
        upload = await folder.upload(one, None)
        await upload.send(0, view[:PIECE], unpaced)
        other = await folder.upload(one, upload.kept())
        assert not await other.holds(0, memoryview(b"y" * PIECE))
        again = await folder.upload(one, upload.kept())
        assert list(again.done) == [(0, PIECE)]
        assert await again.holds(0, view[:PIECE])
        await again.send(PIECE, view[PIECE:], unpaced)
        await again.publish(one, None)
        stored = (tmp_path / "p" / "x").read_bytes()
        assert hashlib.md5(stored).digest() == hashlib.md5(content).digest()


async def test_a_download_that_is_another_content_is_no_download(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response | None:
        return web.Response(body=b"other") if "/download/" in request.path else None

    async with opened(tmp_path, answer=answer) as folder:
        await folder.open(make=False)
        entry = await put(folder, "x", b"right")
        with pytest.raises(ProblemError) as caught:
            [piece async for piece in await folder.read("x", entry)]
        assert caught.value.problem.code is Code.CHANGED


async def test_a_deletion_that_is_left_to_a_task_is_not_done_yet(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response | None:
        return web.Response(text="<tree/>") if "/delete/" in request.path else None

    async with opened(tmp_path, answer=answer) as folder:
        await folder.open(make=False)
        entry = await put(folder, "x", b"1")
        with pytest.raises(ProblemError) as caught:
            await folder.remove("x", entry)
        assert caught.value.problem.code is Code.IN_USE
