"""A server that answers as a script says, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from cargo_sync.model.world import T, Ts, World
from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.client import S3
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.credentials import S3Login
from cargo_sync.wire.sigv4 import AccessKey

SECRET: Final = "canary/secret"
TIME: Final = "Tue, 10 Feb 2026 10:00:00 GMT"
NOW: Final = 1_770_717_600.0
"""The same time, which is that of the client's clock."""


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Say:
    """One answer; with `cut` the connection ends in the middle of the body, or before any of it.

    With `silent` the answer to a request that came whole never comes.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    silent: bool = False


CUT: Final = Say(cut=True)
SILENT: Final = Say(silent=True)
ETAG: Final = {"ETag": '"e1"'}


def xml(text: str, status: int = 200) -> Say:
    return Say(status, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())


def error(code: str, status: int, more: str = "") -> Say:
    return xml(f"<Error><Code>{code}</Code><Message>words</Message>{more}</Error>", status)


@dataclass
class Scripted:
    """The client of a scripted server.

    paused  how long it waited between tries
    silent  a request came whole whose answer never comes
    """

    s3: S3
    connection: S3Connection
    asked: list[Asked] = field(default_factory=list)
    script: list[Say] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    def say(self, *answers: Say) -> None:
        self.script += answers

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(
            Asked(request.method, request.raw_path, request.headers, await request.read())
        )
        say = self.script.pop(0)
        if say.silent:
            self.silent.set()
            await asyncio.Event().wait()
        response = web.StreamResponse(
            status=say.status, headers={"Last-Modified": TIME, **say.headers}
        )
        if say.cut and not say.body:
            assert request.transport is not None
            request.transport.close()
            return response
        if "Content-Length" not in say.headers:
            response.content_length = len(say.body) + say.cut
        await response.prepare(request)
        await response.write(say.body)
        if say.cut:
            assert request.transport is not None
            request.transport.close()
        return response

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    """A server of its own on loopback, and a client for the bucket `films`."""
    server = web.Server(lambda request: made.answer(request))
    # Else it would wait a minute for an answer that never comes.
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    login = S3Login(
        S3Address(f"http://127.0.0.1:{port}", "films"), lambda: AccessKey("key", SECRET)
    )
    world = World(lambda: NOW, lambda: 0.0, lambda: 0.5, lambda: "0" * 32, _inline, lambda: 0.0)
    connection = S3Connection(login, world, pause=lambda seconds: made.pause(seconds))
    async with S3(connection) as s3:
        made = Scripted(s3, connection)
        yield made
    await runner.cleanup()


async def _inline(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return work(*args)
