"""Serves `/metrics` over HTTP: one page, read-only, with a deadline for each wait."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from cargo_sync.config.process_shape import MetricsSettings
from cargo_sync.process.metrics import CONTENT_TYPE, MetricSource, exposition

AGAIN: Final = 30.0
CONNECTIONS: Final = 32
DEADLINE: Final = 10.0
_OPTIONS: Final[Mapping[str, Any]] = {
    "access_log": None,
    "keepalive_timeout": DEADLINE,
    "lingering_time": 1.0,
    "max_line_size": 1024,
    "max_field_size": 4096,
}

_log = logging.getLogger(__name__)


class Scrape:
    """Serves the metrics of the sources.

    port  the port while it listens, else None
    """

    def __init__(self, settings: MetricsSettings, sources: Sequence[MetricSource]) -> None:
        self._settings = settings
        self._sources = sources
        self.port: int | None = None

    async def run(self) -> None:
        """Serves until cancelled.

        An address that is in use is logged once and tried again: metrics must not stop the process.
        """
        logged = False
        while True:
            try:
                await self._serve()
            except OSError as error:
                if not logged:
                    where = f"{self._settings.host}:{self._settings.port}"
                    _log.error("metrics cannot be served at %s: %s", where, error.strerror or error)
                logged = True
            await asyncio.sleep(AGAIN)

    async def _serve(self) -> None:
        app = web.Application(client_max_size=0)
        app.add_routes([web.get("/metrics", self._metrics)])
        app.on_response_prepare.append(_name_server)
        runner = web.AppRunner(app, shutdown_timeout=1.0, **_OPTIONS)
        await runner.setup()
        handler, loop = runner.server, asyncio.get_running_loop()
        assert handler is not None, "it is set up"

        try:
            server = await loop.create_server(
                lambda: (
                    _Refusing()
                    if len(handler.connections) >= CONNECTIONS
                    else _Connection(handler, loop=loop, **_OPTIONS)
                ),
                self._settings.host,
                self._settings.port,
            )
            self.port = server.sockets[0].getsockname()[1]
            async with server:
                await asyncio.Event().wait()
        finally:
            self.port = None
            await runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        families = [family for source in self._sources for family in source()]
        return web.Response(
            body=exposition(families).encode(),
            headers={"Content-Type": CONTENT_TYPE},
        )


async def _name_server(_: web.Request, response: web.StreamResponse) -> None:
    """Hides the library and its version, which aiohttp would tell strangers."""
    response.headers["Server"] = "Cargo"


class _Connection(web.RequestHandler):
    """One connection. A request that cannot be read gets 400, and no traceback in the log."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status == 400:
            response: web.StreamResponse = web.Response(status=400, text="not valid HTTP\n")
            response.force_close()
        else:
            response = super().handle_error(request, status, exc, message)
        response.headers["Server"] = "Cargo"
        return response


class _Refusing(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
