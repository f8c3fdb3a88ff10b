"""Logins: a token for a password, and the password itself where a client knows no tokens (curl,
browsers).

Nothing here could be turned back into a token or a password: both are kept as digests, under a key
that lives as long as the process. A login ends with its time, with the password it was made with,
and with the user.
"""

import base64
import hashlib
import logging
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

from cargo_sync.model.problems import Code, Problem
from cargo_sync.server.accounts.gate import LoginGate
from cargo_sync.server.accounts.throttle import Throttle
from cargo_sync.server.accounts.users import User, Users
from cargo_sync.server.refusals import LaterError, unauthorized

TOKEN_SECONDS: Final = 12 * 3600
BASIC_SECONDS: Final = 300
KEPT: Final = 50_000
"""Tokens, and verified passwords, that are remembered; beyond, the oldest logins end."""
PER_USER: Final = 500
"""Tokens of one user; a further login ends the oldest."""
PASSWORD_LENGTH: Final = 1024

_log = logging.getLogger(__name__)


class IssuedToken(NamedTuple):
    token: str
    expires_in: int
    user: User


class _Kept(NamedTuple):
    user: str
    ends: float


class Logins:
    """Who a request comes from.

    clock    monotonic seconds
    entropy  so many unguessable bytes
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
        self.let_in = self.refused = 0
        """Logins that were checked since the start, by how they ended."""
        self._tokens: dict[bytes, _Kept] = {}
        self._basic: dict[bytes, _Kept] = {}

    async def login(self, name: str, password: str, address: str) -> IssuedToken:
        """A token for the right password.

        Raises:
            ProblemError: "unauthorized".
            LaterError: "throttled" after wrong passwords, "busy" when too many log in at once.
        """
        user = await self._verify(name, password, address)
        token = base64.urlsafe_b64encode(self._entropy(32)).decode().rstrip("=")
        own = [digest for digest, kept in self._tokens.items() if kept.user == name]
        for digest in own[: len(own) - PER_USER + 1]:
            del self._tokens[digest]
        _keep(self._tokens, self._digest(token), _Kept(name, self._clock() + TOKEN_SECONDS))
        return IssuedToken(token, TOKEN_SECONDS, user)

    def bearer(self, token: str) -> User:
        """Who the token was given to. Raises ProblemError "unauthorized"."""
        if user := self._known(self._tokens, self._digest(token)):
            return user
        raise unauthorized()

    async def basic(self, name: str, password: str, address: str) -> User:
        """Who gives this name and password; what was right is not hashed again for five minutes.

        Raises: as `login`.
        """
        digest = self._digest(f"{len(name)}:{name}:{password}")
        if known := self._known(self._basic, digest):
            return known
        user = await self._verify(name, password, address)
        _keep(self._basic, digest, _Kept(name, self._clock() + BASIC_SECONDS))
        return user

    def forget(self, names: frozenset[str]) -> None:
        """Ends every login of these users."""
        for kept in (self._tokens, self._basic):
            for digest in [digest for digest, one in kept.items() if one.user in names]:
                del kept[digest]

    async def _verify(self, name: str, password: str, address: str) -> User:
        self._hold(name, address)
        async with self._gate:
            self._hold(name, address)  # others may have failed while this one waited
            short = len(password) <= PASSWORD_LENGTH
            user = await self._users.check(name, password) if short else None
        if user is None:
            self.refused += 1
            self._throttle.failed(name, address, self._clock())
            # Somebody who is no user may have typed the password here: only names that we know are
            # told.
            who = name if self._users.get(name) else "somebody unknown"
            _log.warning("a wrong password of %s from %s", who, address, extra={"user": who})
            raise unauthorized()
        self.let_in += 1
        self._throttle.succeeded(name, address)
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
