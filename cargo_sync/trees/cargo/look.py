"""Looks at an address without a login: which server answers there, and with which certificate.

No password is sent. A Pydio server is recognised by its answer to a request without a login
(`pydio`).
"""

import ssl
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

import aiohttp

from cargo_sync.model.documents import parsed
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.cargo import bounds, pydio
from cargo_sync.trees.cargo.problems import asks_for_tls, needs_tls, translated
from cargo_sync.trees.cargo.replies import VALUES, ErrorReply

SECONDS: Final = 10.0
_STANDARD: Final = {"https": 443, "http": 80}

ServerKind = Literal["cargo", "cloud", "ftp", "pydio", "s3", "sftp", "webdav", "unknown"]


class ServerLook(NamedTuple):
    """The server that answers at `url`.

    sealed       it uses TLS
    fingerprint  SHA-256 of its certificate, 64 hex digits; of an SSH server `SHA256:…` of its host
                 key; "" for neither
    trusted      the certificate is from a CA that this system trusts, the host key in known_hosts
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
    """Looks at a server's base address.

    Args:
        url: `https://host:port/prefix`, without a slash at the end.
        any_port: if no server answers, the scheme's default port is tried too, because other
            servers usually use it.

    Raises:
        ProblemError: no server answers there.
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


async def certificate_of(url: str) -> tuple[str, bool]:
    """SHA-256 of the certificate of an HTTPS server, and whether this system trusts it.

    Raises:
        ProblemError: no server answers there.
    """
    async with _client() as session:
        return await _fingerprint(session, url), await _is_trusted(session, url)


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=3 * SECONDS, connect=SECONDS, sock_read=SECONDS),
        headers=bounds.PLAIN,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def _look(url: str) -> ServerLook:
    sealed = url.startswith("https:")
    fingerprint, trusted = "", False
    async with _client() as session:
        trust: aiohttp.Fingerprint | bool = True
        if sealed:
            fingerprint = await _fingerprint(session, url)
            trusted = await _is_trusted(session, url)
            trust = aiohttp.Fingerprint(bytes.fromhex(fingerprint))
        first = await _ask(session, f"{url}/v1/workspaces", trust)
        if asks_for_tls(first.body):
            raise ProblemError(needs_tls(urlsplit(url).netloc))
        kind = recognised(*first)
        if kind == "unknown":
            kind = recognised(*await _ask(session, f"{url}/api/default/ls", trust))
    return ServerLook(url, kind, sealed, fingerprint, trusted, _message(url, kind, sealed, trusted))


async def _fingerprint(session: aiohttp.ClientSession, url: str) -> str:
    """The fingerprint of the server's certificate.

    Nothing is sent: the connection fails, because a wrong fingerprint is expected.
    """
    wrong = aiohttp.Fingerprint(bytes(32))
    with translated(url):
        try:
            async with session.get(url, ssl=wrong, allow_redirects=False):
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
            body = await bounds.beginning(response, bounds.SMALL)
            return _Answer(response.status, response.headers, body)


def recognised(status: int, headers: Mapping[str, str], body: bytes) -> ServerKind:
    """The kind of server that gives this answer to a request without the needed login."""
    if pydio.is_pydio(headers, body):
        return "pydio"
    try:
        error = ErrorReply.read(parsed(body, VALUES)).error
    except ValueError:
        return "unknown"
    return "cargo" if status == 401 and error.code == Code.UNAUTHORIZED else "unknown"


def _message(url: str, kind: ServerKind, sealed: bool, trusted: bool) -> str:
    where = urlsplit(url).netloc
    if kind == "pydio":
        return (
            f"{pydio.problem(url).message}; its address begins with pydio+{urlsplit(url).scheme}://"
        )
    if kind == "unknown":
        return f"{where} answers, but it is not a Cargo server"
    if not sealed:
        return f"{where} is a Cargo server without TLS: others on the network can read all data"
    if not trusted:
        return (
            f"{where} is a Cargo server, but this system does not trust its certificate: "
            "compare its fingerprint"
        )
    return f"{where} is a Cargo server"
