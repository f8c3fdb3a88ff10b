"""Extended attributes of a file: names and values that programs keep beside its content.

Only those that belong to the file's owner travel (`user.*`): others mean something to one machine
alone, and may give rights. What comes from another side is checked here.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

from cargo_sync.model.problems import Code, Problem

Xattrs = Mapping[str, bytes]
"""Values by name; the names begin with PREFIX."""

PREFIX: Final = "user."
NAME_BYTES: Final = 255
MOST: Final = 48 * 1024
"""Bytes of all names and values of a file. A line of JSON with them stays below what clients read,
128 KiB."""


def may_travel(name: str) -> bool:
    """Whether an attribute of this name travels."""
    if not name.startswith(PREFIX) or name == PREFIX or not name.isprintable():
        return False
    return len(name.encode()) <= NAME_BYTES


def size_of(xattrs: Xattrs) -> int:
    """Bytes of all names and values."""
    return sum(len(name.encode()) + len(value) for name, value in xattrs.items())


def encoded(xattrs: Xattrs) -> dict[str, str]:
    """The attributes as JSON has them: values in base64."""
    return {name: b64encode(value).decode() for name, value in xattrs.items()}


def decoded(value: object) -> Xattrs:
    """The attributes that `encoded` gave, from outside.

    Raises:
        ValueError: it is something else, one of them may not travel, or they are too large.
    """
    if not isinstance(value, dict):
        raise ValueError("the attributes of a file must be an object")
    xattrs: dict[str, bytes] = {}
    for name, text in value.items():
        if not isinstance(name, str) or not isinstance(text, str) or not may_travel(name):
            raise ValueError(f"an attribute is a text with a printable name that begins {PREFIX!r}")
        xattrs[name] = b64decode(text, validate=True)
    if size_of(xattrs) > MOST:
        raise ValueError(f"the attributes of a file have more than {MOST:,} bytes")
    return xattrs


def too_large(path: str) -> Problem:
    """The attributes of a file are too large to travel."""
    message = f"{path!r} has more than {MOST:,} bytes of extended attributes: it goes without them"
    return Problem(Code.NO_XATTRS, message, path, retry=False)


def no_room(path: str) -> Problem:
    """The file system of the destination cannot keep the attributes of a file."""
    message = f"the extended attributes of {path!r} cannot be kept there: it goes without them"
    return Problem(Code.NO_XATTRS, message, path, retry=False)


def keeps_none(where: str) -> Problem:
    """A side of a job is on a file system that has none."""
    message = f"{where} is on a file system that keeps no extended attributes"
    return Problem(Code.NO_XATTRS, f"{message}: files go without them", retry=False)
