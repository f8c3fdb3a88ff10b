"""Authentication: the address of a request behind trusted proxies, its user and its permit."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from cargo_sync.process.http_connection import arrival_of
from cargo_sync.server.accounts.access import Grants
from cargo_sync.server.accounts.address import ClientAddress
from cargo_sync.server.accounts.logins import IssuedToken, Logins
from cargo_sync.server.accounts.permits import Permit, Permits
from cargo_sync.server.accounts.users import User
from cargo_sync.server.refusals import unauthorized

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PORT: Final = r"(?::[0-9]{1,5})?"
_PERMITS: Final = web.RequestKey("permits", ExitStack)
_HOP: Final = re.compile(rf"\[(?P<v6>[^\]]+)\]{_PORT}|(?P<v4>[0-9.]+){_PORT}|(?P<bare>.+)")


class Authentication:
    """Finds the user and the address of a request, and gives it its permit.

    A request is handled within `serving`; what it does there ends with its permit.

    Args:
        sessions: the logins.
        spaces: the workspaces of each user.
        permits: of everything that runs for a user.
        proxies: networks whose X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host are trusted.
    """

    def __init__(
        self, sessions: Logins, spaces: Grants, permits: Permits, proxies: Sequence[str] = ()
    ) -> None:
        self._sessions = sessions
        self._spaces = spaces
        self._permits = permits
        self._proxies = [ipaddress.ip_network(one) for one in proxies]

    def address(self, request: web.Request) -> ClientAddress:
        ip, host, secure = request.remote or "", request.host, request.secure
        if self._is_proxy(ip):
            headers = request.headers
            secure = forwarded(headers.getall("X-Forwarded-Proto", []), "http").lower() == "https"
            host = forwarded(headers.getall("X-Forwarded-Host", []), host)
            ip = forwarded_ip(ip, headers.getall("X-Forwarded-For", []), self._proxies)
        return ClientAddress(ip, _host(host), secure)

    @contextmanager
    def serving(self, request: web.Request) -> Iterator[None]:
        """The time in which a request is handled; its permits are given back at the end.

        Raises:
            ProblemError: a permit was revoked meanwhile, and the request was cancelled.
        """
        arrival = arrival_of(request)
        if not request.can_read_body:
            arrival.heard()
        try:
            with ExitStack() as permits:
                request[_PERMITS] = permits
                yield
        finally:
            arrival.waits()

    async def login(self, request: web.Request, name: str, password: str) -> IssuedToken:
        """A token for a name and password, which have arrived completely.

        Raises:
            ProblemError: `unauthorized`, `throttled`, `busy`.
        """
        arrival_of(request).heard()
        issued = await self._sessions.login(name, password, self.address(request).ip)
        arrival_of(request).enter()
        return issued

    def user(self, request: web.Request) -> User:
        """The user of a request's Bearer token.

        Raises:
            ProblemError: `unauthorized`.
        """
        user = self._bearer(request)
        arrival_of(request).enter()
        request[_PERMITS].enter_context(self._permits.for_task(user.name))
        return user

    def permit(self, request: web.Request, *, writes: bool = False) -> Permit:
        """The permit of a Bearer token's user for the workspace in the request's path.

        Raises:
            ProblemError: `unauthorized`, `unknown`, `read_only`.
        """
        return self._permit(request, self._bearer(request), writes)

    async def permit_of_files(self, request: web.Request, *, writes: bool = False) -> Permit:
        """Like `permit`; a name and password also do (RFC 7617, curl and browsers).

        Raises:
            ProblemError: also `throttled`, `busy`.
        """
        return self._permit(request, await self._anybody(request), writes)

    def _permit(self, request: web.Request, user: User, writes: bool) -> Permit:
        arrival_of(request).enter()
        access = self._spaces.get(user.name, request.match_info["workspace"])
        if writes:
            access.may_write()
        permit = self._permits.for_task(user.name, access, writes=writes)
        return request[_PERMITS].enter_context(permit)

    def _bearer(self, request: web.Request) -> User:
        scheme, credentials = _authorization(request)
        if scheme != "bearer":
            raise unauthorized("a token is needed: Authorization: Bearer …")
        return self._sessions.bearer(credentials)

    async def _anybody(self, request: web.Request) -> User:
        scheme, credentials = _authorization(request)
        if scheme != "basic":
            return self._bearer(request)
        try:
            decoded = base64.b64decode(credentials, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise unauthorized() from error
        name, colon, password = decoded.partition(":")
        if not colon:
            raise unauthorized()
        arrival_of(request).heard()
        return await self._sessions.basic(name, password, self.address(request).ip)

    def _is_proxy(self, ip: str) -> bool:
        peer = _parsed(ip)
        return peer is not None and _trusted(peer, self._proxies)


def _authorization(request: web.Request) -> tuple[str, str]:
    """The scheme in lower case, and the credentials; "" for what is missing or not ASCII."""
    header = request.headers.get("Authorization", "")
    scheme, _, credentials = header.partition(" ") if header.isascii() else ("", "", "")
    return scheme.lower(), credentials.strip()


def forwarded(lines: Sequence[str], own: str) -> str:
    """What the nearest proxy says: the last element of all lines of a header.

    The elements before it may be what the client made up, if a proxy appends instead of replacing.

    Args:
        lines: the values of all headers of one name, in their order.
        own: what holds if the proxy says nothing.
    """
    return ",".join(lines).rpartition(",")[2].strip() or own


def forwarded_ip(peer: str, lines: Sequence[str], proxies: Sequence[Network]) -> str:
    """The address of a client behind trusted proxies.

    A proxy appends the address of its own peer, so the right end is true and the left end is what
    the client made up. The first address from the right that is no trusted proxy is the client's.
    An element that is no address ends the search: nothing to the left of it is believed.

    Args:
        peer: the address of the proxy that the connection comes from.
        lines: the values of all X-Forwarded-For headers, in their order.
        proxies: the trusted networks.
    """
    client = peer
    for hop in reversed(",".join(lines).split(",")):
        address = _parsed(hop)
        if address is None:
            break
        client = str(address)
        if not _trusted(address, proxies):
            break
    return client


def _parsed(hop: str) -> Address | None:
    """An address, with or without a port and brackets; one form for each address."""
    found = _HOP.fullmatch(hop.strip())
    if found is None:
        return None
    text = found["v6"] or found["v4"] or found["bare"]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _trusted(address: Address, proxies: Sequence[Network]) -> bool:
    return any(address in network for network in proxies)


def _host(text: str) -> str:
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""
