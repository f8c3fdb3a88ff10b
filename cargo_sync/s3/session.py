"""The HTTP session of one login, with aiohttp's own second tries switched off."""

from typing import Final

import aiohttp

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
        connector=aiohttp.TCPConnector(
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
