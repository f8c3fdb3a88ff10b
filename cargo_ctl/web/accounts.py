"""Who may log in now: the users of `web.json`, read again whenever the file changes."""

import hmac
import logging
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cargo_ctl.web import settings
from cargo_ctl.web.settings import WebFileError, WebUser

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_Stamp = tuple[int, ...] | None
_UNKNOWN: Final[_Stamp] = ()

_log = logging.getLogger(__name__)


class WebAccounts:
    """The users of the file at `path`. A file that cannot be read any more lets nobody in."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stamp = _UNKNOWN
        self._users: Mapping[str, WebUser] = {}

    def users(self) -> Mapping[str, WebUser]:
        """The users now, by name."""
        stamp = _stamped(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._users = settings.read(self._path).users
            except WebFileError as error:
                self._users = {}
                _log.error("nobody can log in with a password: %s", error)
        return self._users

    def is_still(self, user: WebUser) -> bool:
        """Whether this user is still there, with the same password and role."""
        return self.users().get(user.name) == user

    def check(self, name: str, password: str) -> WebUser | None:
        """The user with this password, or None; an unknown user takes as long. It takes 0.1 s."""
        user = self.users().get(name)
        right = is_right(user.hash if user else _nobody(), password)
        return user if right and user and self.is_still(user) else None


def hashed(password: str) -> str:
    """The hash of a new password."""
    return _hasher().hash(password)


def is_right(hash: str, password: str) -> bool:
    """Whether `hash` is of this password."""
    import argon2

    try:
        return _hasher().verify(hash, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell how much of them is."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


@lru_cache(1)
def _nobody() -> str:
    """A hash that is checked for unknown users."""
    return hashed("nobody's")


def _hasher() -> "PasswordHasher":
    import argon2

    return argon2.PasswordHasher()


def _stamped(path: str) -> _Stamp:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
