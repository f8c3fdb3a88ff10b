"""Authentication: the address of a request behind trusted proxies, its user and its permit."""

import base64
import binascii
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final, TypeVar

from aiohttp import web

from cargo_sync.api.proxies import Proxies
from cargo_sync.process.http.connection import arrival_of
from cargo_sync.server.accounts.access import Grants
from cargo_sync.server.accounts.logins import TOKEN_LENGTH, IssuedToken, LoginMark, Logins
from cargo_sync.server.accounts.permits import Permit, Permits
from cargo_sync.server.accounts.users import User
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.refusals import unauthorized

_PERMITS: Final = web.RequestKey("permits", ExitStack)
_log = logging.getLogger(__name__)
T = TypeVar("T")


class Authentication:
    """Finds the user and the address of a request, and gives it its permit.

    A request is handled within `serving`; what it does there ends with its permit.

    Args:
        sessions: the logins.
        spaces: the workspaces of each user.
        permits: of everything that runs for a user.
        proxies: those that are trusted; None for none.
    """

    def __init__(
        self, sessions: Logins, spaces: Grants, permits: Permits, proxies: Proxies | None = None
    ) -> None:
        self._sessions = sessions
        self._spaces = spaces
        self._permits = permits
        self._proxies = proxies or Proxies()

    def address(self, request: web.Request) -> str:
        """The IP address of a client: of the peer, or what trusted proxies say."""
        return self._proxies.client(*_hops(request))

    def is_private(self, request: web.Request) -> bool:
        """Whether a request came over TLS, as far as is known: a proxy may have taken it off."""
        return request.secure or self.is_proxied(request)

    def is_proxied(self, request: web.Request) -> bool:
        """Whether a trusted proxy has passed it on."""
        return self._proxies.trusts(request.remote or "")

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
            ProblemError: `unauthorized`, `expired`, `foreign_network`, `throttled`, `busy`.
        """
        return await self.let_in(request, partial(self._sessions.login, name, password))

    async def let_in(self, request: web.Request, prove: Callable[[str], Awaitable[T]]) -> T:
        """What `prove` returns for the address of a stranger, whose request has arrived completely.

        Raises:
            ProblemError: from `prove`.
        """
        arrival_of(request).heard()
        proved = await prove(self.address(request))
        self._doubt(request)
        arrival_of(request).enter()
        return proved

    async def recall(self, request: web.Request) -> None:
        """Looks the login of a request's token up, which another server may have begun or ended.

        Raises:
            ProblemError: the state cannot be read.
        """
        scheme, credentials = _authorization(request)
        if scheme == "bearer" and len(credentials) == TOKEN_LENGTH:
            await self._sessions.recall(self._sessions.mark(credentials))

    async def recall_marked(self, mark: LoginMark) -> None:
        """Like `recall`, for a request without a token. Raises ProblemError."""
        await self._sessions.recall(mark)

    def user(self, request: web.Request) -> User:
        """The user of a request's Bearer token.

        Raises:
            ProblemError: `unauthorized`.
        """
        user = self._bearer(request)
        arrival_of(request).enter()
        request[_PERMITS].enter_context(
            self._permits.for_task(user.name, address=self.address(request))
        )
        return user

    def permit(self, request: web.Request, right: Right) -> Permit:
        """The permit of a Bearer token's user for the workspace in the request's path.

        Raises:
            ProblemError: `unauthorized`, `unknown`, `read_only`, `write_only`.
        """
        return self._permit(request, self._bearer(request), right)

    async def permit_of_files(self, request: web.Request, right: Right) -> Permit:
        """Like `permit`; a name and password also do (RFC 7617, curl and browsers).

        Raises:
            ProblemError: also `throttled`, `busy`.
        """
        return self._permit(request, await self._anybody(request), right)

    def permit_in(self, request: web.Request, user: User, workspace: str, right: Right) -> Permit:
        """The permit of a request's user for a workspace that is not in the request's path.

        Raises:
            ProblemError: `unknown`, `read_only`, `write_only`.
        """
        arrival_of(request).enter()
        access = self._spaces.get(user.name, workspace)
        access.require(right)
        address = self.address(request)
        permit = self._permits.for_task(user.name, access, right, address=address)
        return request[_PERMITS].enter_context(permit)

    def token(self, request: web.Request) -> str:
        """A request's Bearer token, which may be wrong.

        Raises:
            ProblemError: `unauthorized`: it has none.
        """
        return _token(request)

    def mark(self, request: web.Request) -> LoginMark:
        """What stands for the login of a request, to ask later whether it has ended.

        Raises:
            ProblemError: `unauthorized`.
        """
        return self._sessions.mark(_token(request))

    def marked(self, request: web.Request, mark: LoginMark) -> User:
        """The user of a login, for a request without a token.

        Raises:
            ProblemError: `unauthorized`: it has ended; `expired`, `foreign_network`.
        """
        return self._sessions.marked(mark, self.address(request))

    async def logout(self, request: web.Request) -> None:
        """Ends the login of a request's token.

        Raises:
            ProblemError: `unauthorized`.
        """
        token = _token(request)
        self._sessions.bearer(token, self.address(request))
        arrival_of(request).enter()
        await self._sessions.end(token)

    def _permit(self, request: web.Request, user: User, right: Right) -> Permit:
        return self.permit_in(request, user, request.match_info["workspace"], right)

    def _bearer(self, request: web.Request) -> User:
        return self._sessions.bearer(_token(request), self.address(request))

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
        user = await self._sessions.basic(name, password, self.address(request))
        self._doubt(request)
        return user

    def _doubt(self, request: web.Request) -> None:
        """Warns of a proxy that hides its clients; not for strangers, who send what they want."""
        if doubt := self._proxies.doubt(*_hops(request)):
            _log.warning("%s", doubt)


def _hops(request: web.Request) -> tuple[str, Sequence[str]]:
    """The peer of a request, and the lines of its X-Forwarded-For."""
    return request.remote or "", request.headers.getall("X-Forwarded-For", [])


def _token(request: web.Request) -> str:
    scheme, credentials = _authorization(request)
    if scheme != "bearer":
        raise unauthorized("a token is needed: Authorization: Bearer …")
    return credentials


def _authorization(request: web.Request) -> tuple[str, str]:
    """The scheme in lower case, and the credentials; "" for what is missing or not ASCII."""
    header = request.headers.get("Authorization", "")
    scheme, _, credentials = header.partition(" ") if header.isascii() else ("", "", "")
    return scheme.lower(), credentials.strip()
