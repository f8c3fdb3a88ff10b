"""A small server that gives prepared answers and remembers the requests."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from cargo_sync.trees.cargo.api import ServerLogin

Answer = Callable[[], web.Response]


def ok(value: object) -> Answer:
    return lambda: web.Response(body=orjson.dumps(value), content_type="application/json")


def raw(content: bytes, status: int = 200, **headers: str) -> Answer:
    return lambda: web.Response(body=content, status=status, headers=headers)


def refuse(status: int, code: str, message: str = "no") -> Answer:
    body = orjson.dumps({"error": {"code": code, "message": message}})
    return lambda: web.Response(body=body, status=status, content_type="application/json")


TOKEN = ok({"token": "secret"})


class Answers:
    """Answers per "METHOD /path", each given once, in order; the last one is repeated."""

    def __init__(self, answers: dict[str, list[Answer]]) -> None:
        self._answers = answers
        self.asked: list[str] = []
        self.queries: list[dict[str, str]] = []
        self.bodies: list[Any] = []
        self.headers: list[Mapping[str, str]] = []
        self.connections: set[object] = set()

    async def answer(self, request: web.Request) -> web.Response:
        what = f"{request.method} {request.path.removeprefix('/v1')}"
        self.asked.append(what)
        self.headers.append(request.headers)
        if request.transport is not None:
            self.connections.add(request.transport.get_extra_info("peername"))
        self.queries.append(dict(request.query))
        content = await request.read()
        raw = request.content_type == "application/octet-stream"
        self.bodies.append(content if raw else orjson.loads(content) if content else None)
        given = self._answers[what]
        return (given.pop(0) if len(given) > 1 else given[0])()


@asynccontextmanager
async def answering(**answers: list[Answer]) -> AsyncIterator[tuple[ServerLogin, Answers]]:
    """A login at a server with these answers, by method and path: `GET_workspaces`."""
    named = {
        name.replace("_", " /", 1).replace("_", "/"): list(given) for name, given in answers.items()
    }
    heard = Answers({"POST /login": [TOKEN]} | named)
    app = web.Application(client_max_size=2**30)
    app.router.add_route("*", "/{path:.*}", heard.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        yield ServerLogin(str(server.make_url("")).rstrip("/"), "ana", lambda: "password"), heard
