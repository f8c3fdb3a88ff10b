"""A port of an HTTP API: TLS, a limit of connections, and an orderly end."""

import asyncio
import logging
from functools import partial
from typing import Final

from aiohttp import web

from cargo_sync.model.problems import Code, Problem, ProblemError, bad_request, unopened_port
from cargo_sync.process.doors import Arrival, Door, Doors, Tls, speaks
from cargo_sync.process.http.answers import EVERY_ANSWER, at_once, refusal
from cargo_sync.process.http.connection import Answering, HttpConnection, Refusing
from cargo_sync.process.http.limits import SERVER_OPTIONS

GOODBYE: Final = 1.0
"""Seconds that requests have to end when the process stops."""
CONNECTIONS: Final = 8_192

_log = logging.getLogger(__name__)


class HttpListener:
    """Serves one address until it is closed.

    Beyond the limit of connections an old idle one makes room for a new one. If none is idle, the
    new one is closed at once.
    """

    def __init__(self, application: web.Application, context: Tls | None, doors: Doors) -> None:
        self._runner = web.AppRunner(application, shutdown_timeout=GOODBYE, **SERVER_OPTIONS)
        self._context = context
        self._doors = doors
        self._door: Door | None = None

    async def start(self, host: str, port: int) -> int:
        """Begins to listen; returns the port, which differs from `port` when that is 0.

        Raises:
            ProblemError: `address`.
        """
        await self._runner.setup()
        take = speaks(self._connected, self._context, _needs_tls)
        try:
            self._door = await self._doors.open(host, port, take)
        except OSError as error:
            hint = 'change "listen", or stop the program that listens there'
            raise ProblemError(unopened_port(host, port, error, hint)) from error
        assert self._runner.server is not None, "the runner is set up"
        self._doors.spare.append(partial(_drop_idle, self._runner.server))
        return self._door.port

    async def close(self) -> None:
        """Takes no more connections, and lets requests end soon."""
        if self._door is not None:
            self._door.close()
        await self._runner.cleanup()

    def _connected(self, arrival: Arrival) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None, "the runner is set up"
        if len(server.connections) >= CONNECTIONS and not _drop_idle(server):
            return Refusing(arrival)
        return _Connection(server, arrival, **SERVER_OPTIONS)


def _needs_tls(arrival: Arrival) -> asyncio.Protocol:
    hint = "its address begins with https://, not http://"
    return Answering(arrival, at_once(Problem(Code.TLS, "this port needs TLS", hint=hint)))


def _drop_idle(server: web.Server) -> bool:
    """Drops the first idle connection. Clients connect again when they have the next request."""
    for one in server.connections:
        if isinstance(one, HttpConnection) and one.is_idle and one.transport is not None:
            one.transport.abort()
            return True
    return False


class _Connection(HttpConnection):
    __slots__ = ()
    headers = EVERY_ANSWER

    def malformed(self, request: web.BaseRequest) -> web.StreamResponse:
        _log.debug("%s sent a request that is not valid HTTP", request.remote)
        error = bad_request("the request line or a header is not valid, or is too long")
        return refusal(error.problem)
