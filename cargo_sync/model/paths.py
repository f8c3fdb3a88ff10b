"""Relative paths: their order, their parts, and which of them are valid.

A path is a `str` with "/" between components; "" is the root. Paths are sorted by components
everywhere, so that a folder's content stays together: "a", "a/x", "a-b" (as plain strings "a-b"
would come before "a/x"). `key` returns bytes that sort like this in Python and in SQLite.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError

RESERVED: Final = ".cargo_sync"
"""Cargo's own folder, directly below a root: marker, staging, trash. Never listed, never synced.

The name is reserved at every depth and in upper or lower case: the root of one job may be below
the root of another one, and some file systems ignore case. See `is_reserved`."""

_ODD: Final = re.compile(r"(?:^|/)(?:\.{0,2}|\.(?i:cargo_sync))(?:/|$)|[\0\n]")
"""Paths that need the full check: an empty, ".", ".." or reserved component, a NUL (or a newline,
because "$" also matches before a final one)."""

NAME_BYTES: Final = 255
PATH_BYTES: Final = 4096
_WIDEST: Final = 4
"""Bytes of a character in UTF-8, at most."""

_SWAP: Final = bytes.maketrans(b"/\0", b"\0/")


def key(path: str) -> bytes:
    """Bytes that sort by components: "/" becomes NUL, which no name contains."""
    return path.encode().replace(b"/", b"\0")


def keys(some: Sequence[str]) -> list[bytes]:
    """The keys of many paths from outside; a tenth of the work of one `key` and `check` each.

    Raises:
        ProblemError: as `check` does, for the first one that cannot be used below a root.
    """
    check_all(some)
    if not some:
        return []
    return "\0".join(some).encode().translate(_SWAP).split(b"/")


def from_key(sort_key: bytes) -> str:
    """The path that `key` was made from."""
    return sort_key.replace(b"\0", b"/").decode()


def join(folder: str, name: str) -> str:
    """The path of `name` in `folder`."""
    return f"{folder}/{name}" if folder else name


def parent(path: str) -> str:
    """The folder that contains a path; the root's parent is the root."""
    return path.rpartition("/")[0]


def name(path: str) -> str:
    """The last component of a path."""
    return path.rpartition("/")[2]


def upwards(path: str) -> Iterator[str]:
    """Yields `path` and the folders above it, nearest first, without the root."""
    while path:
        yield path
        path = parent(path)


def is_below(path: str, folder: str) -> bool:
    """True when `path` is `folder` itself or anywhere below it."""
    return not folder or path == folder or path.startswith(folder + "/")


def is_inside(path: str, folder: str) -> bool:
    """True when `path` is below `folder`, and not the folder itself; of "", when it is any path."""
    return not folder or path.startswith(folder + "/")


def bad_name(name: str) -> str | None:
    """Why one component cannot be a name in a tree, or None when it can."""
    if name in ("", ".", ".."):
        return "is empty, '.' or '..'"
    if "/" in name or "\0" in name:
        return "contains a '/' or a NUL"
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return "is not UTF-8"
    return "is longer than 255 bytes" if length > NAME_BYTES else None


def is_reserved(name: str) -> bool:
    """Whether a name is Cargo's own: `.cargo_sync`, in upper or lower case."""
    return len(name) == len(RESERVED) and name.casefold() == RESERVED


def bad_path(path: str) -> str | None:
    """Why a path cannot lead to an entry of a tree, or None when it can."""
    if path and len(path) <= PATH_BYTES and (reason := bad_part(path)):
        return f"has a part that {reason}" if "/" in path else reason
    too_long = len(path) > PATH_BYTES or len(path.encode()) > PATH_BYTES
    return "is longer than 4096 bytes" if too_long else None


def bad_part(path: str) -> str | None:
    """Why a component of a path, of any length, cannot be a name; None when all can."""
    if _has_sound_parts(path):
        return None
    return next(filter(None, map(bad_name, path.split("/"))), None)


def _are_odd(text: str) -> bool:
    """Whether paths between two "/" have a part that no name is. Each opened folder is asked."""
    return "//" in text or "/./" in text or "/../" in text or "\0" in text


def _has_sound_parts(path: str) -> bool:
    """Whether `bad_part` finds nothing; a path of 2,000 folders costs no loop over them."""
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        return False
    if _are_odd(f"/{path}/"):
        return False
    return len(raw) <= NAME_BYTES or max(map(len, raw.split(b"/"))) <= NAME_BYTES


def refusal(path: str) -> Problem | None:
    """Why a path from outside cannot be used below a root, or None when it can.

    Returns:
        `bad_path`; or `reserved_name`, if a part of it is Cargo's own. The message has the reason.
    """
    # Nearly all paths are short, plain ASCII: for them one search replaces a check per component.
    if path.isascii() and len(path) <= NAME_BYTES and not _ODD.search(path):
        return None
    if reason := bad_path(path):
        return Problem(Code.BAD_PATH, f"the path {path!r} {reason}", path, retry=False)
    if f"/{RESERVED}/" in f"/{path}/".casefold() and any(map(is_reserved, path.split("/"))):
        return reserved_name(path)
    return None


def are_usable(some: Sequence[str]) -> bool:
    """Whether `refusal` finds nothing in any of these paths; False also if it must be asked.

    It looks at all of them as one text. Nearly always this is enough.
    """
    if not some:
        return True
    text = "/\n/".join(some).join("//")
    longest = NAME_BYTES if text.isascii() else NAME_BYTES // _WIDEST
    if max(map(len, some)) > longest:
        return False
    if text.count("\n") != len(some) - 1 or _are_odd(text):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return RESERVED not in text.casefold()


def check_all(some: Sequence[str]) -> None:
    """Raises what `check` raises for the first of these paths that cannot be used below a root."""
    if not are_usable(some):
        for path in some:
            check(path)


def reserved_name(path: str) -> Problem:
    """A part of `path` is Cargo's own name."""
    message = f"the path {path!r} is reserved: the name {RESERVED} belongs to Cargo, in any case"
    return Problem(Code.RESERVED_NAME, message, path, retry=False)


def check(path: str, *, reserved: bool = False) -> str:
    """Returns `path`, if it can be used below a root.

    Args:
        path: from outside.
        reserved: reserved names are allowed, because something is forgotten, not made: earlier
            versions recorded them below the top.

    Raises:
        ProblemError: `bad_path` or `reserved_name`, with the reason.
    """
    problem = refusal(path)
    if problem is None or (reserved and problem.code is Code.RESERVED_NAME):
        return path
    raise ProblemError(problem)
