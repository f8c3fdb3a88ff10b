"""What WebDAV servers do in their own way, by a server that answers as a script says."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, Entry
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import T, Ts, World
from cargo_sync.trees.remote.contract import NewFile
from cargo_sync.trees.webdav.entries import version_of
from cargo_sync.trees.webdav.folder import WebDavFolder
from cargo_sync.trees.webdav.login import WebDavLogin
from cargo_sync.trees.webdav.times import TimeWays

CONTENT = bytes(range(256))
X = Entry("x", FILE, len(CONTENT), 0, BY_UMASK, version_of("e", len(CONTENT), 0))
TAG = '"e"'
BIG = NewFile("big", 2**24, 0, BY_UMASK, "a" * 32)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def inline(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return work(*args)


def listed(*paths: str, folder: str = "") -> web.Response:
    """An answer about a folder, if any, and files with the content of X."""
    top = f"<response><href>/dav/{folder}</href><propstat><prop><resourcetype><collection/>"
    top += "</resourcetype></prop></propstat></response>"
    files = "".join(
        f"<response><href>/dav/{path}</href><propstat><prop><getetag>e</getetag>"
        f"<getcontentlength>{len(CONTENT)}</getcontentlength></prop></propstat></response>"
        for path in paths
    )
    return web.Response(
        status=207, text=f'<multistatus xmlns="DAV:">{top if not paths or folder else ""}{files}'
        "</multistatus>",
    )  # fmt: skip


@asynccontextmanager
async def server(answers: Mapping[str, Any]) -> AsyncIterator[tuple[WebDavFolder, list[str]]]:
    """A folder on a server that answers by `METHOD path`, or by the method; a list is used up."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        key = f"{request.method} {request.path.removeprefix('/dav').strip('/')}"
        asked.append(key.strip())
        found = answers.get(key.strip(), answers.get(request.method))
        if isinstance(found, list):
            found = found.pop(0)
        if callable(found):
            found = await found(request)
        await request.read()
        return found if isinstance(found, web.StreamResponse) else web.Response(status=found or 404)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    running = TestServer(app)
    await running.start_server()
    folder = WebDavFolder(
        RemoteAddress.parse(f"webdav+http://127.0.0.1:{running.port}/dav"),
        WebDavLogin("server", "ana", lambda: "canary"),
        World(time.time, time.monotonic, lambda: 0.5, lambda: "f" * 32, inline, time.monotonic),
    )
    try:
        yield folder, asked
    finally:
        await folder.close()
        await running.close()


def sends(body: bytes, status: int = 200, **headers: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return answer


def ends_early(sent: bytes) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"ETag": '"e"', "Content-Length": str(len(CONTENT))})
        await response.prepare(request)
        await response.write(sent)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


async def read(folder: WebDavFolder, start: int) -> bytes:
    content = await folder.read("x", X, start)
    try:
        return b"".join([piece async for piece in content])
    finally:
        await content.close()


@pytest.mark.parametrize(
    ("get", "look", "expected"),
    [
        (sends(CONTENT, ETag=TAG), None, CONTENT[100:]),
        (sends(CONTENT[100:], 206, Content_Range="bytes 100-255/256", ETag=TAG), 0, CONTENT[100:]),
        (sends(CONTENT[90:], 206, Content_Range="bytes 90-255/256", ETag=TAG), 0, CONTENT[100:]),
        # Without an ETag, or with one of another form, a look decides.
        (sends(CONTENT), ["x"], CONTENT[100:]),
        (sends(CONTENT, ETag='"e-gzip"'), ["x"], CONTENT[100:]),
        (sends(CONTENT, ETag='"new"'), ["y"], Code.BAD_ANSWER),
        (sends(CONTENT, ETag='"new"'), 404, Code.VANISHED),
        (sends(CONTENT + b"more", ETag=TAG), ["x"], Code.CHANGED),
        (sends(CONTENT[101:], 206, Content_Range="bytes 101-255/256"), None, Code.BAD_ANSWER),
        (sends(CONTENT[100:], 206, ETag=TAG), None, Code.BAD_ANSWER),
        (sends(CONTENT, Content_Encoding="gzip", ETag=TAG), None, Code.BAD_ANSWER),
        (ends_early(CONTENT[:200]), ["x"], Code.CUT),
        (416, None, Code.CHANGED),
        (404, None, Code.VANISHED),
    ],
)  # fmt: skip
async def test_a_range_is_what_was_asked_for_or_nothing(
    get: Any, look: Any, expected: bytes | Code
) -> None:
    answers = {"GET": get}
    if look:
        answers["PROPFIND"] = look if isinstance(look, int) else lambda _: found(look)
    async with server(answers) as (folder, _):
        if isinstance(expected, bytes):
            assert await read(folder, 100) == expected
            return
        with pytest.raises(ProblemError) as caught:
            await read(folder, 100)
        assert caught.value.problem.code is expected


async def found(paths: list[str]) -> web.Response:
    return listed(*paths)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (412, Code.OCCUPIED),
        (207, Code.REFUSED),
        (301, Code.REFUSED),
        (401, Code.UNAUTHORIZED),
        (403, Code.REFUSED),
        (423, Code.IN_USE),
        (500, Code.REFUSED),
        (501, Code.UNSUPPORTED),
        (503, Code.BUSY),
        (507, Code.DISK_FULL),
    ],
)
async def test_a_refusal_has_a_reason(status: int, code: Code) -> None:
    answers = {"MOVE": status, "PROPFIND": lambda _: found(["x"])}
    async with server(answers) as (folder, _):
        with pytest.raises(ProblemError) as caught:
            await folder._calls.move("x", "y", FILE)
        assert caught.value.problem.code is code
        assert "canary" not in str(caught.value)


async def test_a_folder_that_is_not_empty_any_more_gets_its_place_back() -> None:
    place = f".cargo_sync/staging/folder-{'f' * 32}"
    steps = {
        "PUT": 201, "DELETE": 204, "MOVE": 201, "PROPPATCH": 207, "MKCOL": 201,
        "PROPFIND .cargo_sync": lambda _: told(".cargo_sync"),
        "PROPFIND .cargo_sync/staging": lambda _: told(".cargo_sync/staging"),
        "PROPFIND f": lambda _: told("f"),
        f"PROPFIND {place}": lambda _: told(place, f"{place}/x"),
    }  # fmt: skip
    async with server(steps) as (folder, asked):
        with pytest.raises(ProblemError) as caught:
            await folder.remove("f", Entry("f", FOLDER, version=1))
        assert caught.value.problem.code is Code.NOT_EMPTY
        assert [one for one in asked if not one.startswith("PROPFIND")] == [
            "MOVE f",
            f"MOVE {place}",
        ]


async def told(folder: str, *paths: str) -> web.Response:
    return listed(*paths, folder=f"{folder}/")


async def test_an_upload_ends_when_the_server_has_no_room() -> None:
    async def full(request: web.Request) -> web.StreamResponse:
        await request.content.readany()
        response = web.Response(status=507)
        response.force_close()
        await response.prepare(request)
        await response.write_eof()
        assert request.transport is not None
        request.transport.close()
        return response

    steps = {"PUT": full, "MKCOL": 201, "PROPFIND": lambda _: found([])}
    steps |= {
        "PROPFIND .cargo_sync": lambda _: told(".cargo_sync"),
        "PROPFIND .cargo_sync/staging": lambda _: told(".cargo_sync/staging"),
    }

    async def pace(_: int) -> None:
        pass

    async with server(steps) as (folder, _):
        folder._stage.ways = TimeWays()
        upload = await folder.upload(BIG, None)
        with pytest.raises(ProblemError) as caught:
            for start in range(0, BIG.size, upload.piece):
                await upload.send(start, memoryview(bytes(upload.piece)), pace)
        assert caught.value.problem.code in (Code.DISK_FULL, Code.CUT)
        await upload.leave()


def cut(then: Any) -> Handler:
    """The first answer does not come; `then` is what its request did."""
    answers = [then]

    async def answer(request: web.Request) -> web.StreamResponse:
        if answers:
            answers.pop()()
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=201)

    return answer


@pytest.mark.parametrize(
    ("lost", "is_done", "sent"),
    [("PUT", False, (2, 1)), ("MOVE", False, (1, 2)), ("MOVE", True, (1, 1))],
)
async def test_a_small_file_gets_there_although_a_connection_is_cut(
    lost: str, is_done: bool, sent: tuple[int, int]
) -> None:
    staged = [True]

    async def look(request: web.Request) -> web.Response:
        path = request.path.removeprefix("/dav/").strip("/")
        if path == "x":
            return listed("x")
        if path.startswith(".cargo_sync/staging/"):
            return listed(path) if staged else web.Response(status=404)
        return listed(folder=f"{path}/")

    steps = {"PUT": 201, "MOVE": 201, "DELETE": 204, "MKCOL": 201, "PROPFIND": look}
    steps[lost] = cut(staged.clear if is_done else lambda: None)

    async def pace(_: int) -> None:
        pass

    async with server(steps) as (folder, asked):
        folder._stage.ways = TimeWays()
        file = NewFile("x", len(CONTENT), 0, BY_UMASK, "a" * 32)
        entry = await folder.put(file, memoryview(CONTENT), None, pace)
        assert entry.version == X.version
        methods = [one.split()[0] for one in asked]
        assert (methods.count("PUT"), methods.count("MOVE")) == sent


async def test_a_password_goes_by_digest_where_nothing_else_is_offered() -> None:
    seen: list[str] = []

    async def asks(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization", ""))
        if not seen[-1].startswith("Digest "):
            challenge = 'Digest realm="files", nonce="n", qop="auth", algorithm=SHA-256'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        return listed("x")

    async with server({"PROPFIND": asks}) as (folder, _):
        assert await folder.entry("x") == X
        assert await folder.entry("x") == X
    assert 'username="ana"' in seen[-1] and not any("canary" in one for one in seen)
