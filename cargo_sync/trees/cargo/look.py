"""Looking at an address without logging in: who answers there, and with which certificate.

No password is sent. A Pydio server is known by its answer to strangers (`pydio`).
"""

import ssl
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import orjson

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.cargo import pydio
from cargo_sync.trees.cargo.problems import translated
from cargo_sync.trees.cargo.replies import ErrorReply

SECONDS: Final = 10.0
MOST: Final = 64 * 1024
"""Bytes of an answer that are looked at."""
_STANDARD: Final = {"https": 443, "http": 80}

ServerKind = Literal["cargo", "pydio", "unknown"]


class ServerLook(NamedTuple):
    """Who answers at `url`.

    sealed       over TLS
    fingerprint  SHA-256 of its certificate, 64 hex digits; "" without TLS
    trusted      a CA that this system trusts has signed it
    message      a sentence for people
    """

    url: str
    kind: ServerKind
    sealed: bool
    fingerprint: str
    trusted: bool
    message: str


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


async def look(url: str, *, any_port: bool = False) -> ServerLook:
    """Looks at a server's base address, without a slash at its end.

    Args:
        url: `https://host:port/prefix`.
        any_port: where nobody answers, the scheme's own port is looked at too: others' servers live
            there.

    Raises:
        ProblemError: nobody answers there.
    """
    try:
        return await _look(url)
    except ProblemError as error:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        if not any_port or error.problem.code != Code.UNREACHABLE:
            raise
        try:
            found = await _look(f"{parts.scheme}://{host}:{_STANDARD[parts.scheme]}{parts.path}")
        except ProblemError:
            raise error from None
        if found.kind == "unknown":
            raise
        return found


async def _look(url: str) -> ServerLook:
    sealed = url.startswith("https:")
    fingerprint, trusted = "", False
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=3 * SECONDS, connect=SECONDS, sock_read=SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        trust: aiohttp.Fingerprint | bool = True
        if sealed:
            fingerprint = await _fingerprint(session, url)
            trusted = await _is_trusted(session, url)
            trust = aiohttp.Fingerprint(bytes.fromhex(fingerprint))
        first = await _ask(session, f"{url}/v1/workspaces", trust)
        kind = recognised(*first)
        if kind == "unknown":
            kind = recognised(*await _ask(session, f"{url}/api/default/ls", trust))
    return ServerLook(url, kind, sealed, fingerprint, trusted, _message(url, kind, sealed, trusted))


async def _fingerprint(session: aiohttp.ClientSession, url: str) -> str:
    """Of the certificate that is shown. Nothing is sent: it is expected to be another one."""
    nobodys = aiohttp.Fingerprint(bytes(32))
    with translated(url):
        try:
            async with session.get(url, ssl=nobodys, allow_redirects=False):
                return bytes(32).hex()
        except aiohttp.ServerFingerprintMismatch as error:
            return error.got.hex()


async def _is_trusted(session: aiohttp.ClientSession, url: str) -> bool:
    with translated(url):
        try:
            async with session.get(url, ssl=ssl.create_default_context(), allow_redirects=False):
                return True
        except aiohttp.ClientConnectorCertificateError:
            return False


async def _ask(
    session: aiohttp.ClientSession, url: str, trust: aiohttp.Fingerprint | bool
) -> _Answer:
    with translated(url):
        async with session.get(url, ssl=trust, allow_redirects=False) as response:
            return _Answer(response.status, response.headers, await response.content.read(MOST))


def recognised(status: int, headers: Mapping[str, str], body: bytes) -> ServerKind:
    """Who answers so to a stranger who asks for something that needs a login."""
    if pydio.is_pydio(headers, body):
        return "pydio"
    try:
        error = ErrorReply.read(orjson.loads(body)).error
    except ValueError:
        return "unknown"
    return "cargo" if status == 401 and error.code == Code.UNAUTHORIZED else "unknown"


def _message(url: str, kind: ServerKind, sealed: bool, trusted: bool) -> str:
    where = urlsplit(url).netloc
    if kind == "pydio":
        return pydio.problem(where).message
    if kind == "unknown":
        return f"{where} answers, but is no Cargo server"
    if not sealed:
        return (
            f"{where} is a Cargo server, without TLS: whoever is on the way can read what is sent"
        )
    if not trusted:
        return f"{where} is a Cargo server with a certificate of its own: compare its fingerprint"
    return f"{where} is a Cargo server"
