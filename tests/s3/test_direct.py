"""Requests go past aiohttp; a server that is not understood there is asked by aiohttp."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.process import http_exchange
from cargo_sync.s3.client import S3
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.content import SMALL, S3Content
from cargo_sync.s3.errors import S3Error
from cargo_sync.wire.sigv4 import AccessKey
from tests.s3.scripted import ETAG, NOW, SECRET, TIME, Say, Scripted, error, scripted

ODD = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
GOOD = (
    f'HTTP/1.1 200 OK\r\nETag: "e"\r\nLast-Modified: {TIME}\r\nContent-Length: 0\r\n\r\n'.encode()
)


@pytest.fixture
async def far() -> AsyncIterator[Scripted]:
    async with scripted() as made:
        yield made


@asynccontextmanager
async def odd(far: Scripted) -> AsyncIterator[tuple[S3, S3Connection]]:
    """A client of another server, whose first answer cannot be read."""
    answers = [ODD, GOOD, GOOD]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while answers and await reader.read(65536):
            writer.write(answers.pop(0))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = far.connection.login
    login = replace(login, address=replace(login.address, endpoint=f"http://127.0.0.1:{port}"))
    connection = S3Connection(login, far.connection.world, pause=far.pause)
    async with server, S3(connection) as s3:
        yield s3, connection


async def test_an_answer_that_cannot_be_read_is_read_by_aiohttp(far: Scripted) -> None:
    async with odd(far) as (s3, connection):
        head = await s3.head("a")
        assert head is not None and head.etag == "e"
        assert len(far.paused) == 1 and not connection._shorts.may


async def test_it_is_not_sent_again_if_it_may_not_be(far: Scripted) -> None:
    async with odd(far) as (s3, _):
        with pytest.raises(ProblemError) as caught:
            await s3.put("a", S3Content((b"x",)), absent=True)
        assert caught.value.problem.code is Code.CUT and far.paused == []


@pytest.mark.parametrize(
    ("longest", "headers", "whole"), [(5, {}, True), (4, {}, False), (5, {"x": "y"}, True)]
)
async def test_a_small_object_comes_at_once(
    far: Scripted, longest: int, headers: dict[str, str], whole: bool
) -> None:
    far.say(Say(body=b"hello", headers=ETAG | headers))
    found = await far.s3.whole("a", longest)
    assert (found is not None) is whole
    if found is not None:
        assert (found[0].etag, found[0].size, found[1]) == ("e1", 5, b"hello")


@pytest.mark.parametrize("size", [0, SMALL, SMALL + 1])
async def test_contents_of_all_sizes_arrive(far: Scripted, size: int) -> None:
    for is_direct in (True, False):  # it goes once more by aiohttp
        far.say(Say(headers=ETAG))
        far.connection._shorts.may = far.connection._longs.may = is_direct
        await far.s3.put("a", S3Content((b"x" * size,)))
    direct, other = far.asked
    assert direct.body == other.body == b"x" * size
    assert {**direct.headers} == {**other.headers}


@pytest.mark.parametrize("size", [0, SMALL, SMALL + 1])
async def test_contents_of_all_sizes_are_paced(far: Scripted, size: int) -> None:
    far.say(Say(headers=ETAG))
    paced = list[int]()

    async def pace(count: int) -> None:
        paced.append(count)

    await far.s3.put("a", S3Content((b"x" * size,), pace=pace))
    [asked] = far.asked
    assert asked.body == b"x" * size and sum(paced) == size
    assert asked.headers["Content-Length"] == str(size)
    assert asked.headers["Accept-Encoding"] == "identity"


async def test_what_has_waited_for_its_turn_is_signed_then_and_waits_once(
    far: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, paced = NOW, list[int]()

    async def pace(count: int) -> None:
        nonlocal now
        paced.append(count)
        now += 1000  # more than a server forgives

    world = replace(far.connection.world, wall=lambda: now)
    async with S3(S3Connection(far.connection.login, world)) as s3:
        for _ in range(2):
            far.say(Say(headers=ETAG))
            await s3.put("a", S3Content((b"hello",), pace=pace))
            # The second one finds no connection, and is sent by aiohttp.
            monkeypatch.setattr(http_exchange, "line", lambda most: 0)
            await s3.aclose()
    assert paced == [5, 5]
    times = [one.headers["x-amz-date"] for one in far.asked]
    assert times == ["20260210T101640Z", "20260210T103320Z"]


async def test_an_access_key_that_is_not_ascii_is_refused_by_the_server(far: Scripted) -> None:
    login = replace(far.connection.login, access_key=lambda: AccessKey("schlüssel", SECRET))
    far.say(error("InvalidAccessKeyId", 403))
    async with S3(S3Connection(login, far.connection.world)) as s3:
        with pytest.raises(S3Error) as caught:
            await s3.put("a", S3Content((b"x",)))
    assert caught.value.server_code == "InvalidAccessKeyId"
