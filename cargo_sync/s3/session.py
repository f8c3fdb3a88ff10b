"""The HTTP session of one login, with aiohttp's own second tries switched off."""

from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp import client_proto, hdrs

from cargo_sync.model.problems import Code, Problem
from cargo_sync.process.descriptors import new_socket
from cargo_sync.s3.credentials import S3Login
from cargo_sync.s3.errors import S3Error

KEPT: Final = 4.0
"""Seconds that an idle connection is kept: servers close theirs after 5 s or more."""
BUFFER: Final = 256 * 1024
"""Bytes of a content that wait to be read."""
AT_ONCE: Final = 64
"""Connections; what wants more waits."""
_HEADERS: Final = 500
_LINE: Final = 16 * 1024


def new_session(login: S3Login) -> aiohttp.ClientSession:
    """A session for the calls of one login.

    Raises:
        S3Error: `certificate`: the file with the CAs cannot be used.
    """
    try:
        trust = login.trust()
    except (OSError, ValueError) as error:
        problem = Problem(
            Code.CERTIFICATE,
            f"the CAs in {login.ca_file} cannot be used",
            hint="ca_file is a file with certificates in PEM form",
            retry=False,
        )
        raise S3Error(problem, undone=True) from error
    return aiohttp.ClientSession(
        connector=_Connector(
            ssl=trust, limit=AT_ONCE, keepalive_timeout=KEPT, socket_factory=new_socket
        ),
        headers={"User-Agent": "cargo_sync", "Accept-Encoding": "identity"},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=BUFFER,
        max_line_size=_LINE,
        max_field_size=_LINE,
        max_headers=_HEADERS,
        trust_env=False,
    )


class OnceError(Exception):
    """Carries what failed past aiohttp, which would send a PUT or DELETE a second time."""

    def __init__(self, error: aiohttp.ClientError) -> None:
        super().__init__(str(error))
        self.error = error


async def once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Whether something is sent again is decided in one place, which knows what it is."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise OnceError(error) from error


class _Connector(aiohttp.TCPConnector):
    """Makes connections that are kept after the answer to a HEAD.

    aiohttp closes one whose answer has neither a length nor chunks, as if a body followed that ends
    with the connection. An answer to a HEAD has none; and "not found" comes so from many servers.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        kind: type[client_proto.ResponseHandler] = _Protocol
        self._factory = partial(kind, loop=self._loop)


class _Protocol(client_proto.ResponseHandler):
    def feed_data(self, data: Any, size: int = 0) -> None:
        message, payload = data
        if payload is aiohttp.streams.EMPTY_PAYLOAD and message.version >= aiohttp.HttpVersion11:
            told = message.headers.get(hdrs.CONNECTION, "")
            self._should_close = "close" in told.lower()
        super().feed_data(data, size)
