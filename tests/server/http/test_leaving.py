"""Clients that leave before the end: no traceback, at most one debug line, and nothing stays."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

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
