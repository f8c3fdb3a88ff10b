"""Large files in chunks, on the server of the tests, and where that answers in another way."""

import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model.abilities import Resuming
from cargo_sync.model.entries import BY_UMASK
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.remote.contract import Kept, NewFile, RemoteUpload
from cargo_sync.trees.webdav import chunks
from cargo_sync.trees.webdav.addresses import WebDavPlace
from cargo_sync.trees.webdav.chunks import KeptChunks, chunks_of, piece_of
from cargo_sync.trees.webdav.folder import WebDavFolder
from cargo_sync.trees.webdav.login import WebDavLogin
from tests.offloads import inline
from tests.remotes.servers import nextcloud_parts
from tests.remotes.servers.nextcloud_parts import FILES, application

MIB = 2**20
CONTENT = bytes(range(256)) * (10 * 1024) + b"the end"  # 2.5 MiB: three chunks
FILE = NewFile("big", len(CONTENT), 1_500_000_000 * 10**9, BY_UMASK, "ab" * 16)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


async def unpaced(_: int) -> None:
    """Nothing is paced here."""


class Asked:
    """The requests about chunks; `answer` may answer instead of the server."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.answer: Answer | None = None
        self.after: Answer | None = None

    def take(self) -> list[str]:
        calls, self.calls = self.calls, []
        return calls


@asynccontextmanager
async def opened(stored: Path, asked: Asked, path: str = FILES) -> AsyncIterator[WebDavFolder]:
    numbers = itertools.count(1)
    stored.mkdir(exist_ok=True)

    @web.middleware
    async def noted(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if "/uploads/" in request.path and request.method != "PROPFIND":
            asked.calls.append(f"{request.method} {request.path.rpartition('/')[2]}")
        given = None if asked.answer is None else await asked.answer(request)
        found = given or await handler(request)
        return (None if asked.after is None else await asked.after(request)) or found

    served = application(stored, "ana:pw")
    served.middlewares.append(noted)
    async with TestServer(served) as server:
        folder = WebDavFolder(
            RemoteAddress.parse(f"webdav+http://127.0.0.1:{server.port}{path}"),
            WebDavLogin("server", "ana", lambda: "pw"),
            World(
                time.time, time.monotonic, lambda: 0.5, lambda: f"{next(numbers):032x}", inline,
                time.monotonic,
            ),
        )  # fmt: skip
        try:
            await folder.open(make=False)
            await folder.find_out()
            yield folder
        finally:
            await folder.close()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "SMALLEST", MIB)
    monkeypatch.setattr(nextcloud_parts, "SMALLEST", MIB)


async def send(upload: RemoteUpload, *numbers: int) -> None:
    for number in numbers:
        start = (number - 1) * MIB
        await upload.send(start, memoryview(CONTENT)[start : start + MIB], unpaced)


def test_chunks_go_beside_the_files_of_the_user() -> None:
    def of(path: str) -> str | None:
        found = chunks_of(WebDavPlace("https://h", path))
        return None if found is None else found.path

    assert of("remote.php/dav/files/ana/a/b") == "remote.php/dav/uploads/ana"
    assert of("cloud/remote.php/dav/files/ana b") == "cloud/remote.php/dav/uploads/ana b"
    for path in ("remote.php/dav/files", "remote.php/webdav/a", "dav/files/ana", ""):
        assert of(path) is None


def test_a_file_of_any_size_has_few_enough_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert piece_of(1) == piece_of(2**36) == 8 * MIB
    assert 2**45 / piece_of(2**45) <= 10_000 and piece_of(2**45) % MIB == 0


@pytest.mark.parametrize(
    "kept",
    ["", "[]", '["x"]', '["x", "y", 1048576]', '[".cargo_sync/staging/x", "a/b", 1048576]',
     '[".cargo_sync/staging/x", "..", 1048576]', '[".cargo_sync/staging/x", "cargo-ab", 3]'],
)  # fmt: skip
def test_what_is_no_upload_in_chunks_is_none(kept: Kept) -> None:
    assert KeptChunks.read(kept) is None


async def test_only_the_chunks_that_are_missing_are_sent_after_a_cut(tmp_path: Path) -> None:
    asked, stored = Asked(), tmp_path / "files"
    async with opened(stored, asked) as folder:
        assert folder.abilities.resuming is Resuming.PARTS
        upload = await folder.upload(FILE, None)
        await send(upload, 3, 1)
        assert list(upload.done) == [(0, MIB), (2 * MIB, len(CONTENT))]
        [there] = stored.with_name("files-uploads").iterdir()
        (there / "00003").write_bytes(b"cut")
        again = await folder.upload(FILE, upload.kept())
        assert list(again.done) == [(0, MIB)]
        asked.take()
        await send(again, 2, 3)
        made = await again.publish(FILE, None)
        assert asked.take() == ["PUT 00002", "PUT 00003", "MOVE .file"]
        assert (stored / "big").read_bytes() == CONTENT
        assert made == await folder.entry("big") and made.mtime_ns == FILE.mtime_ns
        assert not there.exists() and not list((stored / ".cargo_sync/staging").iterdir())


async def test_what_was_put_together_without_an_answer_is_not_sent_again(tmp_path: Path) -> None:
    asked, stored = Asked(), tmp_path / "files"

    async def breaks(request: web.Request) -> web.Response | None:
        return web.Response(status=504) if request.path.endswith("/.file") else None

    async with opened(stored, asked) as folder:
        upload = await folder.upload(FILE, None)
        await send(upload, 1, 2, 3)
        asked.after = breaks
        with pytest.raises(ProblemError) as caught:
            await upload.publish(FILE, None)
        assert caught.value.problem.code is Code.BUSY
        again = await folder.upload(FILE, upload.kept())
        assert list(again.done) == [(0, len(CONTENT))]
        asked.take()
        await again.publish(FILE, None)
        assert asked.take() == [] and (stored / "big").read_bytes() == CONTENT


@pytest.mark.parametrize("status", [404, 412])
async def test_an_upload_that_the_server_has_lost_begins_anew(tmp_path: Path, status: int) -> None:
    asked, stored = Asked(), tmp_path / "files"

    async def lost(request: web.Request) -> web.Response | None:
        return web.Response(status=status) if request.method == "PUT" else None

    async with opened(stored, asked) as folder:
        upload = await folder.upload(FILE, None)
        await send(upload, 1)
        asked.answer = lost
        with pytest.raises(ProblemError, match="must begin anew") as caught:
            await send(upload, 2)
        assert caught.value.problem.code is Code.CUT and caught.value.problem.path == "big"
        asked.answer = None
        again = await folder.upload(FILE, upload.kept())
        assert list(again.done) == []
        await send(again, 1, 2, 3)
        await again.publish(FILE, None)
        assert (stored / "big").read_bytes() == CONTENT


async def test_a_file_that_lacks_a_chunk_gets_no_place_and_what_is_given_up_goes(
    tmp_path: Path,
) -> None:
    asked, stored = Asked(), tmp_path / "files"
    async with opened(stored, asked) as folder:
        upload = await folder.upload(FILE, None)
        await send(upload, 1, 3)
        with pytest.raises(ProblemError, match="must begin anew"):
            await upload.publish(FILE, None)
        assert await folder.entry("big") is None
        upload = await folder.upload(FILE, None)
        await send(upload, 1)
        await folder.give_up(upload.kept())
        await folder.give_up(upload.kept())
        assert not list(stored.with_name("files-uploads").iterdir())


async def test_a_small_file_comes_with_its_sum(tmp_path: Path) -> None:
    asked, sums = Asked(), list[str]()

    async def noted(request: web.Request) -> None:
        sums.append(request.headers.get("OC-Checksum", "")) if request.method == "PUT" else None

    async with opened(tmp_path / "files", asked) as folder:
        asked.answer = noted
        small = NewFile("x", 3, 0, BY_UMASK, "ab" * 16)
        await folder.put(small, memoryview(b"abc"), None, unpaced)
        assert sums == ["SHA1:a9993e364706816aba3e25717850c26c9cd0d89d"]


async def test_a_server_without_a_place_for_chunks_gets_whole_files(tmp_path: Path) -> None:
    asked, stored = Asked(), tmp_path / "files"

    async def missing(request: web.Request) -> web.Response | None:
        return web.Response(status=404) if "/uploads" in request.path else None

    asked.answer = missing
    async with opened(stored, asked) as folder:
        assert folder.abilities.resuming is Resuming.NONE
        upload = await folder.upload(FILE, '[".cargo_sync/staging/x", "cargo-ab", 1048576]')
        for start in range(0, FILE.size, upload.piece):
            await upload.send(start, memoryview(CONTENT)[start : start + upload.piece], unpaced)
        await upload.publish(FILE, None)
        assert (stored / "big").read_bytes() == CONTENT


async def test_a_server_may_list_any_chunks(tmp_path: Path) -> None:
    asked = Asked()
    async with opened(tmp_path / "files", asked) as folder:
        upload = await folder.upload(FILE, None)
        await send(upload, 2)
        kept = upload.kept()
        [chunked] = (tmp_path / "files-uploads").iterdir()
        for name, size in (("0", MIB), ("00000", MIB), ("1", MIB - 1), ("4", 1), ("9" * 200, MIB)):
            (chunked / name).write_bytes(bytes(size))
        upload = await folder.upload(FILE, kept)
        assert list(upload.done) == [(MIB, 2 * MIB)], "only what is as long as it should be"
        await upload.abort()
