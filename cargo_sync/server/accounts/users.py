"""Users: who may log in, with which password, at which rates.

They stand in the server's file or were made by command (server.roster); here they are as they hold
now. Of a password nothing is kept but its hash: one in the file is hashed when it differs from the
stored one; a user without one keeps the hash that is stored.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import argon2

from cargo_sync.config.server import UserSettings
from cargo_sync.model.world import Offload


class HashBook(Protocol):
    """Where the hashes lie (state.accounts)."""

    def get(self, name: str) -> str | None: ...

    def set(self, name: str, hash: str) -> None: ...


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who has logged in. Rates are bits a second; None is no limit.

    upload_speed, download_speed           what a transfer gets when it asks for nothing less
    upload_bandwidth, download_bandwidth   what all of the user's transfers get together
    """

    name: str
    upload_speed: int | None = None
    download_speed: int | None = None
    upload_bandwidth: int | None = None
    download_bandwidth: int | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a file did.

    changed  names of users whose password changed, or who are not there or not enabled any more:
             their logins end
    notices  sentences for the person who runs the server
    """

    changed: frozenset[str]
    notices: tuple[str, ...]


class Users:
    """The enabled users, and their passwords.

    hasher   argon2 with its costs; a check takes 0.25 to 0.6 s with the library's own, so it is
             offloaded
    nobody   the hash of a password that no one has: checked for unknown users, so that they take as
             long
    """

    def __init__(self, hashes: HashBook, hasher: argon2.PasswordHasher, offload: Offload) -> None:
        self._hashes = hashes
        self._hasher = hasher
        self._offload = offload
        self._nobody = hasher.hash("nobody's")
        self._users: dict[str, User] = {}
        self._changes: dict[str, int] = {}

    async def apply(self, settings: Sequence[UserSettings]) -> Applied:
        """Takes users over in place of those that were there, with the passwords that are given.

        A user who is not in the file and has no password is a nickname of the backup protocol.
        """
        changed: set[str] = set()
        notices: list[str] = []
        for one in settings:
            if await self._offload(self._store_password, one):
                changed.add(one.username)
            if one.given and await self._offload(self._hashes.get, one.username) is None:
                notices.append(
                    f"nobody can log in as {one.username!r}: give the user a password, password_file or "
                    "password_hash"
                )
        self.changed(changed)
        return Applied(self.take(settings) | changed, tuple(notices))

    def take(self, settings: Sequence[UserSettings]) -> frozenset[str]:
        """As `apply`, without passwords; the names of those who are not there or not enabled any
        more."""
        users = {one.username: _user(one) for one in settings if one.enabled}
        gone = frozenset(name for name in self._users if name not in users)
        self._users = users
        return gone

    async def hash(self, password: str) -> str:
        """What is to be kept of a new password. Who stores it says so by `changed`."""
        return await self._offload(self._hasher.hash, password)

    async def set_password(self, name: str, password: str) -> None:
        """A new password, durable when it returns. Raises ProblemError when the state cannot be
        written."""
        await self._offload(self._hashes.set, name, await self.hash(password))
        self.changed((name,))

    def changed(self, names: Collection[str]) -> None:
        """The stored passwords of these users are others now: what is being checked is checked
        again."""
        for name in names:
            self._changes[name] = self._changes.get(name, 0) + 1

    def get(self, name: str) -> User | None:
        """The user as they now are; None when there is none, or not enabled."""
        return self._users.get(name)

    def __iter__(self) -> Iterator[User]:
        return iter(tuple(self._users.values()))

    def __len__(self) -> int:
        return len(self._users)

    async def check(self, name: str, password: str) -> User | None:
        """The user whose password this is. Takes as long when there is no such user."""
        changes = -1
        while changes != self._changes.get(name, 0):
            changes = self._changes.get(name, 0)
            right = await self._offload(self._verify, name, password)
        return self._users.get(name) if right else None

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
    )
