"""Clients that leave before the end: no traceback, at most one debug line, and nothing stays."""

import asyncio
import errno
import json
import logging
import ssl
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.process.http.limits import chunks
from tests.server.house import House, living
from tests.server.surroundings import until

HASHES = json.dumps({"files": [["small", 1]] * 2_000}).encode()
CUT_PUT = b"Content-Length: 1000000\r\n"


async def left(house: House, method: str, path: str, body: bytes, *more: bytes) -> None:
    """A client that sends a request, waits until it is served, and leaves."""
    token = await house.token("ana")
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    head = [
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n".encode(),
        *(more or [b"Content-Length: %d\r\n" % len(body)]),
    ]
    writer.write(b"".join([*head, b"\r\n", body]))
    await until(lambda: len(house.permits) == 1, asyncio.sleep)
    if method != "PUT" and "wait=" not in path:
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.transport.abort()
    await until(lambda: len(house.permits) == 0, asyncio.sleep)


@pytest.mark.parametrize(
    ("method", "path", "body", "more"),
    [
        ("POST", "/v1/workspaces/default/hashes", HASHES, ()),
        ("GET", "/v1/files/default/big", b"", ()),
        ("PUT", "/v1/files/default/new", b"one", (CUT_PUT,)),
        ("GET", "/v1/workspaces/shared/changes?since=0&wait=50", b"", ()),
    ],
)
async def test_who_leaves_costs_one_debug_line_at_most(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    body: bytes,
    more: tuple[bytes, ...],
) -> None:
    async with living(tmp_path) as house:
        (house.folders["ana"] / "small").write_text("x")
        with open(house.folders["ana"] / "big", "wb") as big:
            big.truncate(64 << 20)
        house.intake("ana")
        with caplog.at_level(logging.DEBUG):
            await left(house, method, path, body, *more)
        told = [one for one in caplog.records if one.name != "asyncio"]
        assert not any(one.exc_info for one in told)
        assert [one.levelno for one in told] in ([], [logging.DEBUG])
        assert len(house.polls) == 0
        assert not (house.folders["ana"] / "new").exists()


@pytest.mark.parametrize(
    "broken",
    [
        ConnectionResetError("reset"),
        ssl.SSLError(1, "wrong version number"),  # bytes were changed on the way
        OSError(errno.EHOSTUNREACH, "no route to host"),
        web.RequestPayloadError("closed"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_connection_that_breaks_amid_a_body_is_cut_and_no_mistake_of_the_server(
    broken: Exception,
) -> None:
    async def readany() -> bytes:
        raise broken

    request = SimpleNamespace(content=SimpleNamespace(readany=readany))
    with pytest.raises(ProblemError) as caught:
        [chunk async for chunk in chunks(request)]  # type: ignore[arg-type]
    assert caught.value.problem.code is Code.CUT
