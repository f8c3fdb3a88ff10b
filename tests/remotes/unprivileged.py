"""A user without rights, as whom servers serve that root starts: the places are its own."""

import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.remotes.server import MissingError

_NAMES: Final = ("www-data", "nobody")


def owner() -> pwd.struct_passwd:
    """That user if we are root, else who runs the tests.

    Raises:
        MissingError: there is none.
    """
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in _NAMES:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise MissingError(f"as root it needs a user {' or '.join(_NAMES)}")


def group(user: pwd.struct_passwd) -> str:
    """The name of the user's group."""
    return grp.getgrgid(user.pw_gid).gr_name


def owned(make: Callable[[str], Path], user: pwd.struct_passwd) -> Callable[[str], Path]:
    """Makes places that belong to the user."""

    def made(name: str) -> Path:
        place = make(name)
        os.chown(place, user.pw_uid, user.pw_gid)
        return place

    return made
