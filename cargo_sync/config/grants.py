"""Grants: what a user may do in a named workspace, and from which of its folders down.

As JSON, in a server's file and in commands: `"rw"`, or `{"access": "wo", "path": "in/ben"}`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, get_args

from cargo_sync.config import places
from cargo_sync.config.errors import quoted
from cargo_sync.config.shape import NO_FIELD, describe, name_hint, wrong

AccessLevel = Literal["rw", "ro", "wo"]
"""What a user may do: read and write, only read, only add files (a drop box)."""
MEANT: Final = '"rw" to read and write, "ro" to read or "wo" to add files only'
FORM: Final = '"rw", "ro" or "wo", or an object such as {"access": "wo", "path": "in/ben"}'
_LEVELS: Final[tuple[AccessLevel, ...]] = get_args(AccessLevel)
_FIELDS: Final = ("access", "path")
_NAME_BYTES: Final = 255
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Grant:
    """A user's access to a workspace.

    path  the folder that the user sees as the workspace, relative to it; "" for all of it
    """

    access: AccessLevel
    path: str = ""

    def shown(self) -> str | dict[str, str]:
        """The grant as JSON, in the shorter form if that is enough."""
        return {"access": self.access, "path": self.path} if self.path else self.access


def level(value: object) -> AccessLevel:
    """A word as an access level.

    Raises:
        ValueError: it is none; the message says which there are.
    """
    for one in _LEVELS:
        if value == one:
            return one
    if not isinstance(value, str):
        raise ValueError(f"must be {MEANT}, not {describe(value)}")
    raise ValueError(f"{quoted(value)} is not allowed (expected: {MEANT})")


def subfolder(value: object) -> str:
    """A folder of a workspace as `in/ben`.

    Raises:
        ValueError: it is no folder below the workspace.
    """
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {describe(value)}")
    path = places.remote_path(value)
    if any(len(part.encode()) > _NAME_BYTES for part in path.split("/")):
        raise ValueError(f"has a part that is longer than {_NAME_BYTES} bytes")
    return path


def grant(value: Any) -> Grant:
    """A grant from JSON.

    Raises:
        ValueError: it is not one; the error is complete, and names the field in the object.
    """
    if not isinstance(value, Mapping):
        if not isinstance(value, str):
            raise wrong(f"must be {FORM}, not {describe(value)}")
        return Grant(_checked(level, value))
    for name in value:
        if name not in _FIELDS:
            raise wrong(f"{NO_FIELD} ({name_hint(str(name), _FIELDS)})", str(name))
    if "access" not in value:
        raise wrong(f"is missing (expected: {MEANT})", "access")
    path = _checked(subfolder, value["path"], "path") if "path" in value else ""
    return Grant(_checked(level, value["access"], "access"), path)


def _checked(check: Callable[[object], T], value: object, *place: str) -> T:
    try:
        return check(value)
    except ValueError as error:
        raise wrong(str(error), *place) from None
