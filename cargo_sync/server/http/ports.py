"""The ports of a server for clients, with its certificate: the API's, and that of lanes."""

import logging
import ssl
from collections.abc import Callable, Sequence

from aiohttp import web

from cargo_sync.config import places
from cargo_sync.config.server import ServerSettings
from cargo_sync.lanes.listener import LaneListener
from cargo_sync.model.problems import ProblemError, unopened_port
from cargo_sync.model.world import World
from cargo_sync.process import tls
from cargo_sync.process.doors import Doors
from cargo_sync.process.http.listener import HttpListener
from cargo_sync.server.flows.flows import Flow
from cargo_sync.server.http.certificate import certificate_of

_log = logging.getLogger(__name__)


class ServerPorts:
    """Closed at first.

    port  of the API: as in the file, until it is open
    """

    def __init__(self, settings: ServerSettings, world: World, doors: Doors) -> None:
        self.port = settings.port
        self._settings = settings
        self._world = world
        self._doors = doors
        self._certificate: tls.ServedCertificate | None = None
        self._lanes: LaneListener[Flow] | None = None
        self._listener: HttpListener | None = None

    async def prepare(self) -> None:
        """Reads the certificate, or makes one. Raises ProblemError."""
        if not self._settings.plain:
            found = await self._world.offload(certificate_of, self._settings)
            self._certificate = tls.ServedCertificate(found, self._world)

    async def open_lanes(self, lanes: LaneListener[Flow]) -> int:
        """Opens the data port. Raises ProblemError."""
        self._lanes, settings = lanes, self._settings
        host, port = settings.private_ip or settings.host, settings.initial_port
        try:
            return await lanes.start(self._doors, host, port)
        except OSError as error:
            hint = "change initial_port or private_ip, or stop the program that listens there"
            raise ProblemError(unopened_port(host, port, error, hint)) from error

    async def open_api(self, application: web.Application) -> None:
        """Opens the port of the API. Raises ProblemError."""
        settings = self._settings
        self._listener = HttpListener(application, self.context, self._doors)
        self.port = await self._listener.start(settings.host, settings.port)
        if settings.plain and not places.is_loopback(settings.host):
            _log.warning("plain HTTP: others on the network can read passwords and files")

    async def close_api(self) -> None:
        """Ends the requests."""
        if self._listener is not None:
            await self._listener.close()

    def close_lanes(self) -> bool:
        """Takes no lanes any more; whether it took some."""
        if self._lanes is None:
            return False
        self._lanes.close()
        return True

    # -- the certificate ---------------------------------------------------------------------------

    @property
    def context(self) -> Callable[[], ssl.SSLContext] | None:
        """Gives what new connections use; None without TLS."""
        return self._certificate.context if self._certificate else None

    @property
    def fingerprint(self) -> str:
        """With `sha256:` before it; "" without TLS."""
        return self._certificate.served.fingerprint if self._certificate else ""

    @property
    def certificate_ends(self) -> float | None:
        """Unix seconds; None without TLS."""
        return self._certificate.served.ends if self._certificate else None

    def warnings(self) -> Sequence[str]:
        """What a person should do about it."""
        return self._certificate.warnings if self._certificate else ()

    async def look_again(self) -> str:
        """Takes a renewed certificate; what a person should know of that, or ""."""
        return await self._certificate.look_again() if self._certificate else ""

    async def watch_certificate(self) -> None:
        """Takes a renewed certificate, and warns of the one that is served, until cancelled."""
        if self._certificate is not None:
            await self._certificate.run()
