"""A connection that speaks HTTP, at a door where it is counted."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final, cast

from aiohttp import web

from cargo_sync.process.doors import Arrival

ANONYMOUS: Final[Mapping[str, str]] = {"Server": "Cargo"}
"""Hides the library and its version, which aiohttp would tell strangers."""


class HttpConnection(web.RequestHandler):
    """One connection. What is not valid HTTP gets 400, and no traceback in the log.

    headers  of answers that the application does not give
    arrival  counts it while it is half-open
    on_lost  called when it is lost; see `told_of_loss`
    """

    __slots__ = ("arrival", "on_lost")
    headers: ClassVar[Mapping[str, str]] = ANONYMOUS

    def __init__(self, server: web.Server, arrival: Arrival, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self.arrival = arrival
        self.on_lost: Callable[[], object] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it has no request, and may get the next one."""
        waiter, transport = self._waiter, self.transport
        if waiter is None or waiter.done() or self._messages:
            return False
        return transport is not None and not transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.arrival.owned(cast(asyncio.Transport, transport).abort)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self.arrival.left()
        if self.on_lost is not None:
            self.on_lost()

    async def _handle_request(
        self,
        request: web.BaseRequest,
        start_time: float | None,
        request_handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    ) -> tuple[web.StreamResponse, bool]:
        try:
            return await super()._handle_request(request, start_time, request_handler)
        except asyncio.InvalidStateError as error:
            # Its answer has gone. In the same moment the process gave it up, and aiohttp 3.14 tells
            # of its end who does not wait any more.
            raise ConnectionResetError("the process ends") from error

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        response: web.StreamResponse
        if status == 400:
            response = self.malformed(request)
            response.force_close()
        elif isinstance(exc, ConnectionError):  # nobody reads the answer any more
            response = web.Response(status=status)
            response.force_close()
        else:
            response = super().handle_error(request, status, exc, message)
        response.headers.update(self.headers)
        return response

    def malformed(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to what is not valid HTTP."""
        return web.Response(status=400, text="not valid HTTP\n")


def arrival_of(request: web.BaseRequest) -> Arrival:
    """The arrival of the connection that a request came over."""
    return cast(HttpConnection, request.protocol).arrival


@contextmanager
def told_of_loss(request: web.BaseRequest, call: Callable[[], object]) -> Iterator[None]:
    """Calls `call` if the connection of a request is lost within the `with`.

    For a request that waits without reading or writing: it would not notice.
    """
    connection = cast(HttpConnection, request.protocol)
    connection.on_lost = call
    try:
        yield
    finally:
        connection.on_lost = None


class Answering(asyncio.Protocol):
    """A connection that gets the same answer, whatever it asks, and is closed then."""

    def __init__(self, arrival: Arrival, answer: bytes) -> None:
        self._arrival = arrival
        self._answer = answer
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._arrival.owned(self._transport.abort)

    def data_received(self, _data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._answer)
            self._transport.close()

    def connection_lost(self, _exc: BaseException | None) -> None:
        self._arrival.left()


class Refusing(asyncio.Protocol):
    """A connection that is closed at once, because there are too many."""

    def __init__(self, arrival: Arrival) -> None:
        arrival.left()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).abort()
