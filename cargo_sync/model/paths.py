"""Relative paths: their order, their parts, and which of them may be trusted.

A path is a `str` with "/" between components; "" is the root. The order of paths everywhere is by
components, so that a folder's content stands together: "a", "a/x", "a-b" (as plain strings "a-b"
would come before "a/x"). `key` gives bytes that sort so, in Python and in SQLite alike.
"""

import re
from collections.abc import Iterator
from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError

RESERVED: Final = ".cargo_sync"
"""The folder directly below a root that is ours: marker, staging, trash. Never listed, never
synced."""

_ODD: Final = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|^\.cargo_sync(?:/|$)|[\0\n]")
"""What a second look decides: an empty, "." or ".." component, our own folder, a NUL (or a newline,
after which "$" would not mean the end)."""

NAME_BYTES: Final = 255
PATH_BYTES: Final = 4096


def key(path: str) -> bytes:
    """Bytes that sort by components: NUL, which no name holds, stands in for "/"."""
    return path.encode().replace(b"/", b"\0")


def from_key(sort_key: bytes) -> str:
    """The path that `key` was made of."""
    return sort_key.replace(b"\0", b"/").decode()


def join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def parent(path: str) -> str:
    """The folder a path stands in; the root's is the root."""
    return path.rpartition("/")[0]


def name(path: str) -> str:
    return path.rpartition("/")[2]


def upwards(path: str) -> Iterator[str]:
    """`path` and the folders above it, the nearest first, without the root."""
    while path:
        yield path
        path = parent(path)


def is_below(path: str, folder: str) -> bool:
    """True when `path` is `folder` itself or stands anywhere below it."""
    return not folder or path == folder or path.startswith(folder + "/")


def bad_name(name: str) -> str | None:
    """Why one component cannot be a name in a tree, or None when it can."""
    if name in ("", ".", ".."):
        return "is empty, '.' or '..'"
    if "/" in name or "\0" in name:
        return "holds a '/' or a NUL"
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return "is not UTF-8"
    return "is longer than 255 bytes" if length > NAME_BYTES else None


def bad_path(path: str) -> str | None:
    """Why a path that somebody else gave cannot be trusted, or None when it can."""
    if path == "":
        return None
    parts = path.split("/")
    for part in parts:
        if reason := bad_name(part):
            return reason
    if parts[0] == RESERVED:
        return f"is reserved: {RESERVED} belongs to Cargo"
    return "is longer than 4096 bytes" if len(path.encode()) > PATH_BYTES else None


def check(path: str) -> str:
    """`path`, when it may be used below a root.

    Raises:
        ProblemError: `bad_path`, with the reason.
    """
    # Nearly all paths are short, plain ASCII: one search instead of a look at every component.
    if path.isascii() and len(path) <= NAME_BYTES and not _ODD.search(path):
        return path
    if reason := bad_path(path):
        raise ProblemError(
            Problem(Code.BAD_PATH, f"the path {path!r} {reason}", path=path, retry=False)
        )
    return path
