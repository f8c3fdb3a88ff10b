"""A connection that speaks HTTP, at a door where it is counted."""

import asyncio
from typing import Any, cast

from aiohttp import web

from cargo_sync.process.doors import Arrival


class HttpConnection(web.RequestHandler):
    """One connection. What is not valid HTTP gets 400, and no traceback in the log.

    arrival  counts it while it is half-open
    """

    __slots__ = ("arrival",)

    def __init__(self, server: web.Server, arrival: Arrival, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self.arrival = arrival

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.arrival.owned(cast(asyncio.Transport, transport).abort)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self.arrival.left()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status == 400:
            response = self.malformed(request)
        elif isinstance(exc, ConnectionError):  # nobody reads the answer any more
            response = web.Response(status=status)
        else:
            return super().handle_error(request, status, exc, message)
        response.force_close()
        return response

    def malformed(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to what is not valid HTTP."""
        return web.Response(status=400, text="not valid HTTP\n")


def arrival_of(request: web.BaseRequest) -> Arrival:
    """The arrival of the connection that a request came over."""
    return cast(HttpConnection, request.protocol).arrival


class Refusing(asyncio.Protocol):
    """A connection that is closed at once, because there are too many."""

    def __init__(self, arrival: Arrival) -> None:
        arrival.left()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()
