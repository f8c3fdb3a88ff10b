"""The process of `cargo_ctl web`: it listens, keeps the link, and stops in order on a signal."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socket import gethostname
from typing import TYPE_CHECKING, Final

from aiohttp import web

from cargo_ctl.web.accounts import WebAccounts
from cargo_ctl.web.fleet import Fleet, following
from cargo_ctl.web.link_file import LinkFile, LinkFileError
from cargo_ctl.web.reachable import Listen, reachable
from cargo_ctl.web.routes import FOLDERS, SHELL, WebRoutes
from cargo_ctl.web.sessions import LINK_LASTS, LoginLink, WebSessions
from cargo_ctl.web.source import Place, WebSource
from cargo_sync.api.page_files import page_files

if TYPE_CHECKING:
    from cargo_ctl.web.certificate import WebCertificate

CONNECTIONS: Final = 512
"""Of browsers, at the same time; more are closed at once."""
HANDSHAKE: Final = 10.0
IDLE: Final = 30.0
"""Seconds for a request to be complete, and of an idle connection."""
GOODBYE: Final = 1.0
"""Seconds that requests have to end when the process stops."""
_BACKLOG: Final = 128

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What `cargo_ctl web` runs with.

    places       the daemons and servers
    listen       where browsers reach it
    origins      other addresses of the page, such as that of a proxy
    proxies      networks of trusted proxies
    file         the path of `web.json`
    certificate  for TLS; None for plain HTTP
    link         whether there is a link for who started it
    """

    places: Sequence[Place]
    listen: Listen
    origins: Sequence[str]
    proxies: Sequence[str]
    file: str
    certificate: "WebCertificate | None"
    link: bool


Ready = Callable[[str, LinkFile | None], None]
"""Called when the page is there, with its link, or its address if there is no link."""


async def run(settings: WebSettings, env: Mapping[str, str], ready: Ready) -> None:
    """Serves the page until SIGTERM or SIGINT.

    Raises:
        OSError: it cannot listen there.
        LinkFileError: the link cannot be kept.
    """
    loop = asyncio.get_running_loop()
    fleet = Fleet([WebSource(place, env) for place in settings.places], following(loop))
    accounts = WebAccounts(settings.file)
    link = LoginLink() if settings.link else None
    kept = _KeptLink(settings, env, link)
    routes = WebRoutes(
        fleet,
        page_files(SHELL, FOLDERS),
        reachable(
            kept.scheme,
            _names(settings),
            settings.listen.port,
            settings.origins,
            settings.proxies,
        ),
        accounts,
        WebSessions(time.monotonic, accounts.is_still),
        link,
        kept.write,
        time.monotonic,
    )
    runner = web.AppRunner(
        routes.application(),
        access_log=None,
        handler_cancellation=True,
        keepalive_timeout=IDLE,
        shutdown_timeout=GOODBYE,
        auto_decompress=False,
    )
    await runner.setup()
    stopped = asyncio.Event()
    try:
        with _listening(await _listen(runner, settings)), kept, _on_signals(stopped.set):
            ready(kept.link, kept.file if link is not None else None)
            await _until(stopped, kept, settings.certificate)
    finally:
        fleet.close()
        await runner.cleanup()


class _KeptLink:
    """The link in its file, for as long as the page is there.

    link  the address to open
    """

    def __init__(
        self, settings: WebSettings, env: Mapping[str, str], link: LoginLink | None
    ) -> None:
        self.scheme = "http" if settings.certificate is None else "https"
        self.file = LinkFile(env, settings.listen.port)
        self._address = f"{self.scheme}://{_reached(settings.listen)}/"
        self._key = link

    @property
    def link(self) -> str:
        return self._address if self._key is None else f"{self._address}#key={self._key.key}"

    def write(self) -> None:
        """Writes the link as it is now. An error is logged: who runs the page may not be there."""
        try:
            self.file.write(self.link)
        except LinkFileError as error:
            _log.error("%s", error)

    def renew(self) -> None:
        """Gives an unused link another key."""
        if self._key is not None:
            self._key.renew()
            self.write()

    def __enter__(self) -> "_KeptLink":
        """Raises LinkFileError."""
        if self._key is not None:
            self.file.write(self.link)
        return self

    def __exit__(self, *_: object) -> None:
        if self._key is not None:
            self.file.remove()


async def _until(
    stopped: asyncio.Event, kept: _KeptLink, certificate: "WebCertificate | None"
) -> None:
    """Waits for the end; meanwhile the link and the certificate are renewed."""
    looking = asyncio.create_task(certificate.run()) if certificate is not None else None
    try:
        while not stopped.is_set():
            try:
                await asyncio.wait_for(stopped.wait(), LINK_LASTS)
            except TimeoutError:
                kept.renew()
    finally:
        if looking is not None:
            looking.cancel()


async def _listen(runner: web.AppRunner, settings: WebSettings) -> asyncio.Server:
    """Begins to listen. Raises OSError."""
    server = runner.server
    assert server is not None, "the runner is set up"

    def connected() -> asyncio.Protocol:
        return _Refusing() if len(server.connections) >= CONNECTIONS else server()

    certificate = settings.certificate
    return await asyncio.get_running_loop().create_server(
        connected,
        settings.listen.host,
        settings.listen.port,
        ssl=None if certificate is None else certificate.context,
        ssl_handshake_timeout=None if certificate is None else HANDSHAKE,
        backlog=_BACKLOG,
    )


class _Refusing(asyncio.Protocol):
    """A connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "it is a TCP connection"
        transport.abort()


@contextmanager
def _listening(server: asyncio.Server) -> Iterator[None]:
    try:
        yield
    finally:
        server.close()


@contextmanager
def _on_signals(stop: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            with suppress(ValueError):
                loop.remove_signal_handler(number)


def _names(settings: WebSettings) -> Sequence[str]:
    """The names under which people reach the page directly."""
    if settings.certificate is not None:
        return sorted(settings.certificate.names)
    return [*dict.fromkeys((settings.listen.host, "127.0.0.1", "localhost"))]


def _reached(listen: Listen) -> Listen:
    """Where people reach the page, if it listens on all addresses: by the name of this machine."""
    return Listen(gethostname(), listen.port) if listen.is_any else listen


@contextmanager
def logged() -> Iterator[None]:
    """Logs to standard error, one line per record, without a time: systemd adds one."""
    root, handler = logging.getLogger(), logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.setLevel(before)
        root.removeHandler(handler)
