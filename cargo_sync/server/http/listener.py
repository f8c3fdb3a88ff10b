"""The port of the HTTP API: TLS, a limit of connections, and an orderly end."""

import asyncio
import logging
import resource
import ssl
from typing import Final

from aiohttp import web

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.http.answers import EVERY_ANSWER, refusal
from cargo_sync.server.http.limits import SERVER_OPTIONS
from cargo_sync.server.refusals import bad_request

HANDSHAKE: Final = 10.0
GOODBYE: Final = 1.0
"""Seconds that requests have to end when the server stops."""
CONNECTIONS: Final = 8_192

_log = logging.getLogger(__name__)


class HttpListener:
    """Serves one address until it is closed.

    Connections beyond half of the process's descriptors are closed at once, so that there is always
    a descriptor for a file.
    """

    def __init__(self, application: web.Application, context: ssl.SSLContext | None) -> None:
        self._runner = web.AppRunner(application, shutdown_timeout=GOODBYE, **SERVER_OPTIONS)
        self._context = context
        self._server: asyncio.Server | None = None
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self._most = CONNECTIONS if soft == resource.RLIM_INFINITY else min(CONNECTIONS, soft // 2)

    async def start(self, host: str, port: int) -> int:
        """Begins to listen; returns the port, which differs from `port` when that is 0.

        Raises:
            ProblemError: `address`.
        """
        await self._runner.setup()
        handshake = HANDSHAKE if self._context else None
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._connected,
                host,
                port,
                ssl=self._context,
                ssl_handshake_timeout=handshake,
                backlog=1024,
            )
        except OSError as error:
            message = f"{host} port {port} cannot be listened on: {error.strerror or error}"
            hint = 'change "listen", or stop the program that listens there'
            raise ProblemError(Problem(Code.ADDRESS, message, hint=hint)) from error
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Takes no more connections, and lets requests end soon."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    def _connected(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None, "the runner is set up"
        if len(server.connections) >= self._most:
            return _Refusing()
        return _Connection(server, loop=asyncio.get_running_loop(), **SERVER_OPTIONS)


class _Connection(web.RequestHandler):
    """One connection. A request that cannot be read is the client's fault: 400, and no traceback.

    Such a request never reaches the application, so its answer gets all headers here.
    """

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        response: web.StreamResponse
        if status == 400:
            _log.debug("%s sent a request that is not valid HTTP", request.remote)
            response = refusal(
                bad_request("the request line or a header is not valid, or is too long")
            )
            response.force_close()
        elif isinstance(exc, ConnectionError):  # nobody reads the answer any more
            _log.debug("the answer to %s was broken off: %s", request.remote, exc)
            response = web.Response(status=status)
            response.force_close()
        else:
            response = super().handle_error(request, status, exc, message)
        response.headers.update(EVERY_ANSWER)
        return response


class _Refusing(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
