"""Logins: a token for a password, or the password itself for clients without tokens.

The secret of a device (accounts.invitations) is a password that needs no hashing.

Curl and browsers have no tokens. It takes a fifth of a second to hash a password, so a right one is
not hashed again for five minutes. But who has to wait after wrong ones waits with a right one too.

Tokens and passwords cannot be recovered from here: both are kept as digests, those of passwords
under a key that lives as long as the process. A login ends when its time is over, when the password
changes, or when the user is removed or expires. Where a user may come from is looked at with each
request, after the password or token was right.

If several servers share the state, a token holds at all of them (accounts.tokens).
"""

import base64
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, NewType, Protocol, TypeVar

from cargo_sync.model.problems import Code, LaterError, Problem, ProblemError
from cargo_sync.server.accounts.gate import LoginGate
from cargo_sync.server.accounts.throttle import Throttle
from cargo_sync.server.accounts.tokens import BELIEVED, FoundLogin, SharedTokens
from cargo_sync.server.accounts.users import User, Users
from cargo_sync.server.refusals import unauthorized

TOKEN_SECONDS: Final = 12 * 3600
TOKEN_LENGTH: Final = 43
"""Characters: 32 bytes in base64url."""
VERIFIED_SECONDS: Final = 300
"""For so long a right password is not hashed again."""
KEPT: Final = 50_000
"""Tokens, and verified passwords, that are kept; with more, the oldest logins end."""
PER_USER: Final = 500
"""Tokens of one user; one more login ends the oldest."""
PASSWORD_LENGTH: Final = 1024

_log = logging.getLogger(__name__)
K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


LoginMark = NewType("LoginMark", bytes)
"""Stands for a login, and lets nobody in."""


class IssuedToken(NamedTuple):
    """A new token, and the seconds until it expires."""

    token: str
    expires_in: int
    user: User


class DeviceBook(Protocol):
    """Knows the devices of users (accounts.invitations)."""

    async def enter(self, name: str, password: str) -> tuple[User, str] | None:
        """The user, and the name of their device with this secret; None if it is no such secret."""


class _Kept(NamedTuple):
    user: str
    ends: float
    device: str
    sure: float = float("inf")
    """Until when it is believed without another look."""


class _Proved(NamedTuple):
    """Who has logged in, and with which device; "" for a password."""

    user: User
    device: str


async def untold(_user: str, _address: str) -> None:
    """Nobody wants to hear of logins."""


class Logins:
    """Finds the user of a request.

    Args:
        users: the enabled users.
        devices: theirs.
        clock: monotonic seconds.
        entropy: makes that many unguessable bytes.
        entered: awaited with the user and the address of a login, before it is answered.
        shared: the tokens of all servers; None for a server that is alone.
    """

    def __init__(
        self,
        users: Users,
        devices: DeviceBook,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        entered: Callable[[str, str], Awaitable[None]] = untold,
        shared: SharedTokens | None = None,
    ) -> None:
        self._shared = shared
        self._entered = entered
        self._users = users
        self._devices = devices
        self._clock = clock
        self.entropy = entropy
        self._key = entropy(32)
        self._throttle = Throttle()
        self.gate = LoginGate(at_once=2, waiting=32)
        self.accepted = self.refused = 0
        """Checked logins since the start, by result."""
        self._tokens: dict[bytes, _Kept] = {}
        self._verified: dict[bytes, _Kept] = {}
        self._changes: dict[str, int] = {}
        """The last change of each user's logins of which this server knows (`SharedTokens`)."""

    async def login(self, name: str, password: str, address: str) -> IssuedToken:
        """Makes a token for the right password.

        Raises:
            ProblemError: `unauthorized`, `expired`, `foreign_network`.
            LaterError: `throttled` after wrong passwords, `busy` when too many log in at once.
        """
        while True:
            since = await self._caught_up(name)
            proved, _ = await self._verify(name, password, address)
            if (issued := await self._issued(*proved, since)) is not None:
                break
        await self._entered(proved.user.name, address)
        return issued

    async def _caught_up(self, name: str) -> int | None:
        """The last change of a user's logins; what was proved before it is not believed any more.

        Another server may have changed the password, and this one hears of it a second later.
        """
        if self._shared is None:
            return None
        number = await self._shared.changed(name)
        if self._users.get(name) is not None and self._changes.get(name) != number:
            self._changes[name] = number
            self._users.changed((name,))
            self.forget(frozenset((name,)))
        return number

    async def issue(self, user: User, device: str = "") -> IssuedToken:
        """A token for a user who has proved who they are, and for their device.

        Raises:
            ProblemError: the state cannot be written.
        """
        issued = await self._issued(user, device, None)
        assert issued is not None, "it does not matter since when"
        return issued

    async def _issued(self, user: User, device: str, since: int | None) -> IssuedToken | None:
        """As `issue`; None if the user's logins have ended `since`."""
        token = base64.urlsafe_b64encode(self.entropy(32)).decode().rstrip("=")
        own = [digest for digest, kept in self._tokens.items() if kept.user == user.name]
        for digest in own[: len(own) - PER_USER + 1]:
            del self._tokens[digest]
        login, digest = FoundLogin(user.name, device, TOKEN_SECONDS), _token_digest(token)
        if self._shared and not await self._shared.add(digest, login, PER_USER, since):
            return None
        self._keep_found(digest, login)
        return IssuedToken(token, TOKEN_SECONDS, user)

    async def recall(self, mark: LoginMark) -> None:
        """Looks a login up that another server may have begun or ended.

        Raises:
            ProblemError: the state cannot be read.
        """
        kept = self._tokens.get(mark)
        if self._shared is None or (kept is not None and self._clock() < kept.sure):
            return
        if found := await self._shared.get(mark):
            self._keep_found(mark, found)
        else:
            self._tokens.pop(mark, None)

    def _keep_found(self, digest: bytes, found: FoundLogin) -> None:
        now = self._clock()
        sure = float("inf") if self._shared is None else now + BELIEVED
        _keep(self._tokens, digest, _Kept(found.user, now + found.seconds, found.device, sure))

    def bearer(self, token: str, address: str) -> User:
        """The user of a token that comes from an IP address.

        Raises:
            ProblemError: `unauthorized`, `expired`, `foreign_network`.
        """
        return self.marked(self.mark(token), address)

    def mark(self, token: str) -> LoginMark:
        """The mark of a token's login."""
        return LoginMark(_token_digest(token))

    def marked(self, mark: LoginMark, address: str) -> User:
        """The user of a login that has not ended, for a request from an IP address.

        Raises:
            ProblemError: `unauthorized`, `expired`, `foreign_network`.
        """
        if found := self._known(self._tokens, mark):
            if problem := self._users.refusal(found.user.name, address):
                raise ProblemError(problem)
            return found.user
        raise unauthorized()

    async def end(self, token: str) -> None:
        """Ends the login of a token: its user has logged out. Raises ProblemError."""
        digest = _token_digest(token)
        if self._shared is not None:
            await self._shared.end(digest)
        self._tokens.pop(digest, None)

    def device(self, token: str, address: str) -> tuple[str, str]:
        """The name of the user of a token, and that of the device that it was issued for.

        Raises:
            ProblemError: as for `bearer`; also for the token of a login with a password.
        """
        user = self.bearer(token, address)
        device = self._tokens[_token_digest(token)].device
        if not device:
            raise unauthorized("this is not the token of a device")
        return user.name, device

    async def basic(self, name: str, password: str, address: str) -> User:
        """The user of a name and password.

        Raises:
            ProblemError: as for `login`.
        """
        proved, checked = await self._verify(name, password, address)
        if checked:  # the requests that follow belong to the same login
            await self._entered(proved.user.name, address)
        return proved.user

    async def prove(
        self, name: str, address: str, check: Callable[[], Awaitable[T | None]], refused: str
    ) -> T:
        """What `check` returns; None counts like a wrong password.

        Raises:
            ProblemError: `unauthorized`, with the message `refused`; `expired`, `foreign_network`.
            LaterError: `throttled`, before `check` is called.
        """
        self._hold(name, address)
        found = await check()
        if found is None:
            self._failed(name, address)
            raise unauthorized(refused)
        if problem := self._users.refusal(name, address):
            raise ProblemError(problem)
        self._throttle.succeeded(name, address)
        return found

    async def end_of(self, names: frozenset[str]) -> None:
        """Ends all logins of these users, at every server. Raises ProblemError."""
        self.forget(names)
        if self._shared is not None:
            for name in names:
                await self._shared.end_of(name)

    def forget(self, names: frozenset[str]) -> None:
        """Forgets all logins of these users: they have ended, or are looked up again."""
        for kept in (self._tokens, self._verified):
            for digest in [digest for digest, one in kept.items() if one.user in names]:
                del kept[digest]

    def forget_device(self, name: str, device: str) -> None:
        """Ends all logins of one device of a user."""
        for kept in (self._tokens, self._verified):
            own = [key for key, one in kept.items() if (one.user, one.device) == (name, device)]
            for digest in own:
                del kept[digest]

    async def _verify(self, name: str, password: str, address: str) -> tuple[_Proved, bool]:
        """Who it is, and whether the password had to be checked."""
        self._hold(name, address)
        digest = self._digest(f"{len(name)}:{name}:{password}")
        found = self._known(self._verified, digest)
        if fresh := found is None:
            found = await self._check(name, password, address)
            kept = _Kept(name, self._clock() + VERIFIED_SECONDS, found.device)
            _keep(self._verified, digest, kept)
        if problem := self._users.refusal(name, address):
            if fresh:
                _log.warning("%s from %s: %s", name, address, problem, extra={"user": name})
            raise ProblemError(problem)
        self._throttle.succeeded(name, address)
        return found, fresh

    async def _check(self, name: str, password: str, address: str) -> _Proved:
        if entered := await self._devices.enter(name, password):
            self.accepted += 1
            return _Proved(*entered)
        async with self.gate:
            self._hold(name, address)  # others may have failed while this one waited
            short = len(password) <= PASSWORD_LENGTH
            user = await self._users.check(name, password) if short else None
        if user is None:
            self._failed(name, address)
            raise unauthorized()
        self.accepted += 1
        return _Proved(user, "")

    def _failed(self, name: str, address: str) -> None:
        self.refused += 1
        self._throttle.failed(name, address, self._clock())
        # An unknown name may be a password that was typed in the wrong field: only names of users
        # are logged.
        who = name if self._users.get(name) else "an unknown user"
        _log.warning("wrong password for %s from %s", who, address, extra={"user": who})

    def _hold(self, name: str, address: str) -> None:
        seconds = self._throttle.wait(name, address, self._clock())
        if seconds > 0:
            message = "too many wrong passwords"
            raise LaterError(Problem(Code.THROTTLED, message, hint="wait, then try again"), seconds)

    def _known(self, kept: dict[bytes, _Kept], digest: bytes) -> _Proved | None:
        found = kept.get(digest)
        if found is None:
            return None
        if self._clock() >= found.ends:
            del kept[digest]
            return None
        user = self._users.get(found.user)
        return None if user is None else _Proved(user, found.device)

    def _digest(self, secret: str) -> bytes:
        """Of what people choose: nobody can find it out by trying."""
        return hashlib.blake2b(secret.encode(), key=self._key, digest_size=32).digest()


def _token_digest(token: str) -> bytes:
    """Of what is random and long, so that nobody can find it out by trying."""
    return hashlib.blake2b(token.encode(), digest_size=32).digest()


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > KEPT:
        del kept[next(iter(kept))]
