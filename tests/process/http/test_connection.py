"""A connection whose process ends."""

import asyncio
import logging

import pytest
from aiohttp import web

from cargo_sync.process.doors import Doors
from cargo_sync.process.http.connection import HttpConnection
from cargo_sync.process.http.listener import HttpListener
from tests.server.surroundings import until


async def test_a_request_that_ends_just_when_the_process_gives_it_up_is_no_mistake(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        begun.set()
        await may_end.wait()
        return web.Response(text="done")

    application = web.Application()
    application.add_routes([web.get("/", slow)])
    listener = HttpListener(application, None, Doors())
    port = await listener.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await begun.wait()
    assert listener._runner.server is not None
    [connection] = listener._runner.server.connections
    assert isinstance(connection, HttpConnection)
    ending = asyncio.create_task(connection.shutdown(60.0))
    await until(lambda: connection._handler_waiter is not None, asyncio.sleep)
    may_end.set()
    ending.cancel()  # as when the time is over that requests have
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"done")
    writer.close()
    await asyncio.wait([ending])
    await listener.close()
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]
