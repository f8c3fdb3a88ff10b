"""Serves `/metrics` over HTTP: one page, read-only, with a deadline for each wait."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from cargo_sync.config.process_shape import MetricsSettings
from cargo_sync.process.doors import Doors, speaks
from cargo_sync.process.http.connection import ANONYMOUS, HttpConnection, arrival_of
from cargo_sync.process.metrics import CONTENT_TYPE, MetricSource, exposition

AGAIN: Final = 30.0
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

    def __init__(
        self, settings: MetricsSettings, sources: Sequence[MetricSource], doors: Doors
    ) -> None:
        self._settings = settings
        self._doors = doors
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
        server = runner.server
        assert server is not None, "it is set up"
        take = speaks(lambda arrival: HttpConnection(server, arrival, **_OPTIONS))
        door = None
        try:
            door = await self._doors.open(
                self._settings.host, self._settings.port, take, handshake=DEADLINE
            )
            self.port = door.port
            await asyncio.Event().wait()
        finally:
            self.port = None
            if door is not None:
                door.close()
            await runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        # Nobody logs in here: a connection is half-open all the time, and is dropped
        # if the page is not read, and no other request comes, before the deadline.
        arrival_of(request).waits()
        families = [family for source in self._sources for family in source()]
        return web.Response(
            body=exposition(families).encode(),
            headers={"Content-Type": CONTENT_TYPE},
        )


async def _name_server(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(ANONYMOUS)
