"""Invitations, and the devices that they make.

An invitation lets somebody in once, without a password: they choose one, or their program becomes a
device, which logs in with a secret of its own. Tokens and secrets are random and long, so nobody
can guess them, and SHA-256 keeps them as well as argon2 keeps what people choose. So a login with a
secret takes no fifth of a second. All that is wrong with an invitation gets the same answer, and
counts like a wrong password.
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Protocol

from cargo_sync.control.audit import AuditWriter
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.server.accounts.logins import IssuedToken, Logins
from cargo_sync.server.accounts.roster import Roster
from cargo_sync.server.accounts.users import HashBook, User, Users
from cargo_sync.server.refusals import unauthorized
from cargo_sync.state.devices import DeviceRow, DeviceRows
from cargo_sync.state.invitations import InvitationRow, InvitationRows

SECRET_PREFIX: Final = "cargo-device-"  # noqa: S105 - only how they begin
"""By this a secret is known as one, here and by programs that look for secrets in files."""
SECRET_BYTES: Final = 32
PASSWORDS: Final = ("password", "password_file", "password_hash")
"""The fields of the server's file that set a user's password."""

_TOKEN: Final = re.compile("[A-Za-z0-9_-]{22}")
_REFUSED: Final = "this invitation was used already, has expired or was revoked, or is not complete"


class DeviceLogin(NamedTuple):
    """A new device of a user, and its secret, which is known nowhere else."""

    user: str
    device: str
    secret: str


class UserChanges(Protocol):
    """Where users are changed, one change at a time (accounts.registry).

    changing  to be held from before a row is written until `refresh` has returned
    """

    changing: asyncio.Lock
    roster: Roster

    async def refresh(self, ended: frozenset[str] = ...) -> None:
        """Makes written rows take effect; the logins of the `ended` users end."""


class Devices:
    """Finds the device that a secret belongs to."""

    def __init__(self, rows: DeviceRows, users: Users, wall: Callable[[], float]) -> None:
        self._rows = rows
        self._users = users
        self._wall = wall

    async def enter(self, name: str, password: str) -> tuple[User, str] | None:
        """The user, and the name of their device with this secret; None if it is no such secret."""
        if not password.startswith(SECRET_PREFIX):
            return None
        row = await self._users.settled(name, self._found, name, digest(password))
        user = self._users.get(name)
        return None if row is None or user is None else (user, row.name)

    def _found(self, name: str, secret: bytes) -> DeviceRow | None:
        row = self._rows.found(name, secret)
        if row is not None:
            with suppress(ProblemError):  # a full disk keeps nobody out
                self._rows.note_use(name, row, self._wall())
        return row


class Invitations:
    """Makes, uses and revokes invitations, and revokes devices.

    Args:
        rows, devices, hashes: what is stored.
        users, logins, registry: the current users.
        audit: gets a row for each invitation that is used.
        tell: publishes a notice: of which user, and its kind.
    """

    def __init__(
        self,
        rows: InvitationRows,
        devices: DeviceRows,
        hashes: HashBook,
        users: Users,
        logins: Logins,
        registry: UserChanges,
        audit: AuditWriter,
        world: World,
        tell: Callable[[str, str], None],
    ) -> None:
        self._rows = rows
        self._devices = devices
        self._hashes = hashes
        self._users = users
        self._logins = logins
        self._registry = registry
        self._audit = audit
        self._world = world
        self._tell = tell

    # -- for people who manage users ---------------------------------------------------------------

    async def add(self, user: str, token: str, seconds: float) -> InvitationRow:
        """A new invitation that ends after so many seconds.

        Raises:
            ProblemError: the state cannot be written.
        """
        now = self._world.lived()
        row = InvitationRow(self._world.token()[:8], user, digest(token), now, now + seconds)
        await self._world.offload(self._rows.add, row)
        self._tell(user, "invited")
        return row

    async def all(self) -> list[InvitationRow]:
        """Those that can still be used, the next to end first."""
        return await self._world.offload(self._rows.open, self._world.lived())

    def ends(self, row: InvitationRow) -> float:
        """When an invitation ends, unix seconds."""
        return self._world.wall() + row.ends - self._world.lived()

    async def revoke(self, id: str) -> bool:
        """Ends an invitation; whether there was one."""
        return await self._world.offload(self._rows.revoke, id)

    async def devices_of(self, user: str) -> list[DeviceRow]:
        """A user's devices, by name."""
        return await self._world.offload(self._devices.of, user)

    async def revoke_devices(self, user: str, names: Sequence[str]) -> list[str]:
        """Ends devices of a user; returns those that there were.

        The logins and transfers of the user end: other devices log in again by themselves.
        """
        async with self._registry.changing:
            revoke = self._devices.revoke
            gone = [name for name in names if await self._world.offload(revoke, user, name)]
            self._users.changed((user,))
            await self._registry.refresh(frozenset((user,)))
        self._tell(user, "device")
        return gone

    # -- for those who were invited ----------------------------------------------------------------

    async def redeem(self, name: str, token: str, device: str, address: str) -> DeviceLogin:
        """Makes a device.

        Raises:
            ProblemError: `unauthorized`, or the state cannot be written.
            LaterError: `throttled`.
        """
        await self._prove(name, token, address)
        fresh = base64.urlsafe_b64encode(self._logins.entropy(SECRET_BYTES)).decode().rstrip("=")
        secret = SECRET_PREFIX + fresh
        row = DeviceRow(device, digest(secret), self._world.wall())
        made: list[str] = []
        async with self._audit.row(_who(name, address), "user.invitation", {"device": device}):
            await self._use(name, token, lambda: made.append(self._devices.add(name, row)))
        self._tell(name, "device")
        return DeviceLogin(name, made[0], secret)

    async def choose_password(
        self, name: str, token: str, password: str, address: str
    ) -> IssuedToken:
        """Sets a user's password, and logs in with it. Logins with an earlier password end.

        Raises:
            ProblemError: `unauthorized`, `in_file`, or the state cannot be written.
            LaterError: `throttled`, `busy`.
        """
        await self._prove(name, token, address)
        settings = self._registry.roster.user(name)
        if settings is not None and not settings.given.isdisjoint(PASSWORDS):
            message = f"the password of {name!r} is set in the server's file"
            hint = "log in with it, or use this invitation for a job: `cargo_sync init job`"
            raise ProblemError(Problem(Code.IN_FILE, message, hint=hint, retry=False))
        async with self._logins.gate:
            hash = await self._users.hash(password)
        async with (
            self._audit.row(_who(name, address), "user.invitation", {"password": "***"}),
            self._registry.changing,
        ):
            await self._use(name, token, lambda: self._hashes.set(name, hash))
            self._users.changed((name,))
            await self._registry.refresh(frozenset((name,)))
        self._tell(name, "password")
        user = self._users.get(name)
        if user is None:  # disabled meanwhile
            raise unauthorized(_REFUSED)
        return await self._logins.issue(user)

    async def end_device(self, token: str, address: str) -> None:
        """Ends the device whose login has this token, and its logins.

        Raises:
            ProblemError: `unauthorized`, also if it is not a device's token.
        """
        user, device = self._logins.device(token, address)
        await self._world.offload(self._devices.revoke, user, device)
        self._users.changed((user,))
        self._logins.forget_device(user, device)
        self._tell(user, "device")

    async def _prove(self, name: str, token: str, address: str) -> None:
        async def known() -> bool | None:
            now = self._world.lived()
            found = await self._world.offload(self._rows.has, name, digest(token), now)
            # Only now: a name that nobody has takes as long as others.
            return (found and self._users.get(name) is not None) or None

        await self._logins.prove(name, address, known, _REFUSED)

    async def _use(self, name: str, token: str, then: Callable[[], object]) -> None:
        """Uses an invitation up. Raises ProblemError if somebody else was faster."""
        now = self._world.lived()
        if not await self._world.offload(self._rows.use, name, digest(token), now, then):
            raise unauthorized(_REFUSED)


def digest(secret: str) -> bytes:
    """What is kept of a token or a secret."""
    return hashlib.sha256(secret.encode()).digest()


def is_token(text: str) -> bool:
    """Whether a text has the form of an invitation's token: 128 bits in base64url."""
    return _TOKEN.fullmatch(text) is not None


def _who(name: str, address: str) -> str:
    return f'user "{name}" at {address}'
