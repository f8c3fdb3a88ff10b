"""Users: who may log in, with which password, and at which speeds.

They come from the server's file or were made by command (accounts.roster); here are the current
ones. Of a password only the hash is kept. A password in the file is hashed when it differs from the
stored one; a user without a password in the file keeps the stored hash.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import argon2

from cargo_sync.config.server import UserSettings
from cargo_sync.model.problems import Problem
from cargo_sync.model.world import Offload, T, Ts
from cargo_sync.server.accounts.terms import FREE, Terms
from cargo_sync.state.accounts import NO_PASSWORD


class HashBook(Protocol):
    """Where the hashes are stored (state.accounts)."""

    def get(self, name: str) -> str | None: ...

    def set(self, name: str, hash: str) -> None: ...


@dataclass(frozen=True, slots=True)
class User:
    """A user. Speeds and bandwidths are in bits per second; None for no limit.

    upload_speed, download_speed          the most for one transfer
    upload_bandwidth, download_bandwidth  the most for all of the user's transfers together
    terms                                 until when they may come, and from where
    """

    name: str
    upload_speed: int | None = None
    download_speed: int | None = None
    upload_bandwidth: int | None = None
    download_bandwidth: int | None = None
    terms: Terms = FREE


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of applying a file.

    changed  names of users whose password changed, or who were removed or disabled: their logins
             end
    notices  sentences for the person who runs the server
    """

    changed: frozenset[str]
    notices: tuple[str, ...]


class Users:
    """The enabled users, and their passwords.

    Args:
        hashes: the stored hashes.
        hasher: argon2 with its costs; with the library's defaults a check takes 0.25 to 0.6 s.
        offload: runs a check in a thread.
        wall: unix seconds, for those who expire.
    """

    def __init__(
        self,
        hashes: HashBook,
        hasher: argon2.PasswordHasher,
        offload: Offload,
        wall: Callable[[], float],
    ) -> None:
        self._wall = wall
        self._hashes = hashes
        self._hasher = hasher
        self._offload = offload
        # Checked for unknown users, so that they take as long as known ones.
        self._nobody = hasher.hash("nobody's")
        self._users: dict[str, User] = {}
        self._changes: dict[str, int] = {}

    async def apply(self, settings: Sequence[UserSettings]) -> Applied:
        """Replaces the users, and stores their given passwords.

        A user who is not in the file and has no password is a nickname of the backup protocol.
        """
        changed: set[str] = set()
        notices: list[str] = []
        for one in settings:
            if await self._offload(self._store_password, one):
                changed.add(one.username)
            if one.given and await self._offload(self._hashes.get, one.username) is None:
                notices.append(
                    f"{one.username!r} has no password: set password, password_file or "
                    "password_hash for this user, or invite them with `cargo_ctl user invite`"
                )
        self.changed(changed)
        return Applied(self.take(settings) | changed, tuple(notices))

    def take(self, settings: Sequence[UserSettings]) -> frozenset[str]:
        """Like `apply`, without passwords; returns the names of users removed or disabled."""
        users = {one.username: _user(one) for one in settings if one.enabled}
        gone = frozenset(name for name in self._users if name not in users)
        self._users = users
        return gone

    async def hash(self, password: str) -> str:
        """The hash of a new password. After storing it, call `changed`."""
        return await self._offload(self._hasher.hash, password)

    async def set_password(self, name: str, password: str) -> None:
        """Stores a new password, durable when this returns.

        Raises:
            ProblemError: the state cannot be written.
        """
        await self._offload(self._hashes.set, name, await self.hash(password))
        self.changed((name,))

    def changed(self, names: Collection[str]) -> None:
        """Notes that passwords or devices have changed: checks that are running start again."""
        for name in names:
            self._changes[name] = self._changes.get(name, 0) + 1

    def get(self, name: str) -> User | None:
        """The user as they are now; None when unknown or not enabled."""
        return self._users.get(name)

    def refusal(self, name: str, address: str) -> Problem | None:
        """Why a user who has proved who they are may not come now from an IP address, or None."""
        user = self._users.get(name)
        return None if user is None else user.terms.refusal(address, self._wall())

    def is_over(self, expires: float | None) -> bool:
        """Whether that moment, in unix seconds, has come; None never does."""
        return expires is not None and self._wall() >= expires

    def __iter__(self) -> Iterator[User]:
        return iter(tuple(self._users.values()))

    def __len__(self) -> int:
        return len(self._users)

    async def check(self, name: str, password: str) -> User | None:
        """The user with this password, or None. An unknown user takes as long to check."""
        right = await self.settled(name, self._verify, name, password)
        return self._users.get(name) if right else None

    async def settled(self, name: str, look: Callable[[*Ts], T], *args: *Ts) -> T:
        """What `look` returns in a thread.

        It is called again if the user's passwords or devices changed meanwhile.
        """
        while True:
            changes = self._changes.get(name, 0)
            found = await self._offload(look, *args)
            if changes == self._changes.get(name, 0):
                return found

    def _store_password(self, one: UserSettings) -> bool:
        """True when the stored hash was replaced."""
        stored = self._hashes.get(one.username)
        if one.password_hash is not None:
            if one.password_hash == stored:
                return False
            self._hashes.set(one.username, one.password_hash)
            return stored is not None
        if one.password is None or (
            stored is not None and self._matches(stored, one.password.reveal())
        ):
            return False
        self._hashes.set(one.username, self._hasher.hash(one.password.reveal()))
        return stored is not None

    def _verify(self, name: str, password: str) -> bool:
        stored = self._hashes.get(name)
        if stored == NO_PASSWORD:
            stored = None
        return self._matches(stored or self._nobody, password) and stored is not None

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


def _user(one: UserSettings) -> User:
    return User(
        one.username,
        one.upload_speed,
        one.download_speed,
        one.upload_bandwidth,
        one.download_bandwidth,
        Terms(one.expires, one.networks),
    )
