"""Requests of S3 past aiohttp: short ones, and large contents that go and come as they lie."""

import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from cargo_sync.process.body_room import BodyRoom
from cargo_sync.process.http_exchange import HttpExchanges, HttpPlace, UnopenedError
from cargo_sync.s3.content import SMALL, S3Content
from cargo_sync.s3.credentials import S3Login
from cargo_sync.wire.http1 import HttpAnswer, UnreadableError, request_head

_ALWAYS: Final = {"User-Agent": "cargo_sync", "Accept-Encoding": "identity"}
_PORTS: Final = {"http": 80, "https": 443}


class DirectRequests:
    """Connections of one login.

    may  they can be used: no answer has come that cannot be read here
    """

    def __init__(self, login: S3Login) -> None:
        self._login = login
        self._made: HttpExchanges | None = None
        self.may = True

    async def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        content: S3Content | None,
        longest: int,
        patience: float,
        room: BodyRoom | None = None,
    ) -> HttpAnswer:
        """The answer to one request; `target` is its path and query. See `HttpExchanges.ask`.

        Raises:
            UnopenedError: nothing was sent.
            OSError: the connection was cut; TimeoutError: there is no answer.
        """
        length = None if content is None else content.size
        try:
            head = request_head(method, target, {**headers, **_ALWAYS}, length)
        except ValueError as error:
            raise UnopenedError from error  # aiohttp sends what is not ASCII
        views = content.views if content is not None else ()
        if length is not None and length <= SMALL:
            head, views = b"".join((head, *views)), ()
        try:
            return await self._exchanges().ask(method, head, longest, patience, views, room)
        except UnreadableError as error:
            self.may = False  # aiohttp may understand more
            raise ConnectionResetError(f"the answer cannot be read: {error}") from error

    async def aclose(self) -> None:
        """Closes the connections; another request opens new ones."""
        made, self._made = self._made, None
        if made is not None:
            await made.aclose()

    def _exchanges(self) -> HttpExchanges:
        if self._made is None:
            self._made = HttpExchanges(_place(self._login))
        return self._made


def _place(login: S3Login) -> HttpPlace:
    """Raises UnopenedError: the CAs cannot be read."""
    url = urlsplit(login.address.root)
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    if not login.address.sealed:
        return HttpPlace(host, port)
    try:
        trust = login.trust()
    except (OSError, ValueError) as error:
        raise UnopenedError from error
    if isinstance(trust, ssl.SSLContext):
        return HttpPlace(host, port, trust)
    context = ssl.create_default_context()
    if isinstance(trust, aiohttp.Fingerprint):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return HttpPlace(host, port, context, trust.fingerprint)
    return HttpPlace(host, port, context)
