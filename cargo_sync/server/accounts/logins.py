"""Logins: a token for a password, or the password itself for clients without tokens.

Curl and browsers have no tokens. It takes a fifth of a second to hash a password, so a right one is
not hashed again for five minutes. But who has to wait after wrong ones waits with a right one too.

Tokens and passwords cannot be recovered from here: both are kept as digests, under a key that lives
as long as the process. A login ends when its time is over, when the password changes, or when the
user is removed or expires. Where a user may come from is looked at with each request, after the
password or token was right.
"""

import base64
import hashlib
import logging
from collections.abc import Callable
from typing import Final, NamedTuple, NewType, TypeVar

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.accounts.gate import LoginGate
from cargo_sync.server.accounts.throttle import Throttle
from cargo_sync.server.accounts.users import User, Users
from cargo_sync.server.refusals import LaterError, unauthorized

TOKEN_SECONDS: Final = 12 * 3600
VERIFIED_SECONDS: Final = 300
"""For so long a right password is not hashed again."""
KEPT: Final = 50_000
"""Tokens, and verified passwords, that are kept; with more, the oldest logins end."""
PER_USER: Final = 500
"""Tokens of one user; one more login ends the oldest."""
PASSWORD_LENGTH: Final = 1024

_log = logging.getLogger(__name__)


LoginMark = NewType("LoginMark", bytes)
"""Stands for a login, and lets nobody in."""


class IssuedToken(NamedTuple):
    """A new token, and the seconds until it expires."""

    token: str
    expires_in: int
    user: User


class _Kept(NamedTuple):
    user: str
    ends: float


class Logins:
    """Finds the user of a request.

    Args:
        users: the enabled users.
        clock: monotonic seconds.
        entropy: makes that many unguessable bytes.
    """

    def __init__(
        self, users: Users, clock: Callable[[], float], entropy: Callable[[int], bytes]
    ) -> None:
        self._users = users
        self._clock = clock
        self._entropy = entropy
        self._key = entropy(32)
        self._throttle = Throttle()
        self._gate = LoginGate(at_once=2, waiting=32)
        self.accepted = self.refused = 0
        """Checked logins since the start, by result."""
        self._tokens: dict[bytes, _Kept] = {}
        self._verified: dict[bytes, _Kept] = {}

    async def login(self, name: str, password: str, address: str) -> IssuedToken:
        """Makes a token for the right password.

        Raises:
            ProblemError: `unauthorized`, `expired`, `foreign_network`.
            LaterError: `throttled` after wrong passwords, `busy` when too many log in at once.
        """
        user = await self._verify(name, password, address)
        token = base64.urlsafe_b64encode(self._entropy(32)).decode().rstrip("=")
        own = [digest for digest, kept in self._tokens.items() if kept.user == name]
        for digest in own[: len(own) - PER_USER + 1]:
            del self._tokens[digest]
        _keep(self._tokens, self._digest(token), _Kept(name, self._clock() + TOKEN_SECONDS))
        return IssuedToken(token, TOKEN_SECONDS, user)

    def bearer(self, token: str, address: str) -> User:
        """The user of a token that comes from an IP address.

        Raises:
            ProblemError: `unauthorized`, `expired`, `foreign_network`.
        """
        return self.marked(self.mark(token), address)

    def mark(self, token: str) -> LoginMark:
        """The mark of a token's login."""
        return LoginMark(self._digest(token))

    def marked(self, mark: LoginMark, address: str) -> User:
        """The user of a login that has not ended, for a request from an IP address.

        Raises:
            ProblemError: `unauthorized`, `expired`, `foreign_network`.
        """
        if user := self._known(self._tokens, mark):
            if problem := self._users.refusal(user.name, address):
                raise ProblemError(problem)
            return user
        raise unauthorized()

    def end(self, token: str) -> None:
        """Ends the login of a token: its user has logged out."""
        self._tokens.pop(self._digest(token), None)

    async def basic(self, name: str, password: str, address: str) -> User:
        """The user of a name and password.

        Raises:
            ProblemError: as for `login`.
        """
        return await self._verify(name, password, address)

    def forget(self, names: frozenset[str]) -> None:
        """Ends all logins of these users."""
        for kept in (self._tokens, self._verified):
            for digest in [digest for digest, one in kept.items() if one.user in names]:
                del kept[digest]

    async def _verify(self, name: str, password: str, address: str) -> User:
        self._hold(name, address)
        digest = self._digest(f"{len(name)}:{name}:{password}")
        user = self._known(self._verified, digest)
        if fresh := user is None:
            user = await self._check(name, password, address)
            _keep(self._verified, digest, _Kept(name, self._clock() + VERIFIED_SECONDS))
        if problem := self._users.refusal(name, address):
            if fresh:
                _log.warning("%s from %s: %s", name, address, problem, extra={"user": name})
            raise ProblemError(problem)
        self._throttle.succeeded(name, address)
        return user

    async def _check(self, name: str, password: str, address: str) -> User:
        async with self._gate:
            self._hold(name, address)  # others may have failed while this one waited
            short = len(password) <= PASSWORD_LENGTH
            user = await self._users.check(name, password) if short else None
        if user is None:
            self.refused += 1
            self._throttle.failed(name, address, self._clock())
            # An unknown name may be a password that was typed in the wrong field: only names of
            # users are logged.
            who = name if self._users.get(name) else "an unknown user"
            _log.warning("wrong password for %s from %s", who, address, extra={"user": who})
            raise unauthorized()
        self.accepted += 1
        return user

    def _hold(self, name: str, address: str) -> None:
        seconds = self._throttle.wait(name, address, self._clock())
        if seconds > 0:
            message = "too many wrong passwords"
            raise LaterError(Problem(Code.THROTTLED, message, hint="wait, then try again"), seconds)

    def _known(self, kept: dict[bytes, _Kept], digest: bytes) -> User | None:
        found = kept.get(digest)
        if found is None:
            return None
        if self._clock() >= found.ends:
            del kept[digest]
            return None
        return self._users.get(found.user)

    def _digest(self, secret: str) -> bytes:
        return hashlib.blake2b(secret.encode(), key=self._key, digest_size=32).digest()


K = TypeVar("K")
V = TypeVar("V")


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > KEPT:
        del kept[next(iter(kept))]
