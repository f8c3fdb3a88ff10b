"""Authentication: the address of a request behind trusted proxies, and its user."""

import base64
import binascii
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp import web

from cargo_sync.server.accounts.address import ClientAddress
from cargo_sync.server.accounts.logins import Logins
from cargo_sync.server.accounts.users import User
from cargo_sync.server.refusals import unauthorized


class Authentication:
    """Finds the user and the address of a request.

    Args:
        sessions: the logins.
        proxies: networks whose X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host are trusted.
    """

    def __init__(self, sessions: Logins, proxies: Sequence[str] = ()) -> None:
        self.sessions = sessions
        self._proxies = [ipaddress.ip_network(one) for one in proxies]

    def address(self, request: web.Request) -> ClientAddress:
        ip, host, secure = request.remote or "", request.host, request.secure
        if self._is_proxy(ip):
            secure = request.headers.get("X-Forwarded-Proto", "http").strip().lower() == "https"
            host = request.headers.get("X-Forwarded-Host", host)
            for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
                if not hop.strip():
                    break
                ip = hop.strip()
                if not self._is_proxy(ip):
                    break
        return ClientAddress(ip[:64], _host(host), secure)

    def user(self, request: web.Request) -> User:
        """The user of a request's Bearer token.

        Raises:
            ProblemError: `unauthorized`.
        """
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise unauthorized("a token is needed: Authorization: Bearer …")
        return self.sessions.bearer(credentials.strip())

    async def user_of_files(self, request: web.Request) -> User:
        """The user of a Bearer token, or of a name and password (RFC 7617, curl and browsers).

        Raises:
            ProblemError: `unauthorized`, `throttled`, `busy`.
        """
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return self.user(request)
        try:
            decoded = base64.b64decode(credentials.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise unauthorized() from error
        name, colon, password = decoded.partition(":")
        if not colon:
            raise unauthorized()
        return await self.sessions.basic(name, password, self.address(request).ip)

    def _is_proxy(self, ip: str) -> bool:
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._proxies)


def _host(text: str) -> str:
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""
