"""The extended attributes of files here; only of those that belong to their owner (`user.*`).

Linux alone has them in this form. Where a system or a file system has none, files have none.
"""

import errno
import os
from collections.abc import Sequence
from typing import Final

from cargo_sync.local.read import opened_as
from cargo_sync.local.root import Root
from cargo_sync.local.system import System
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Problem, ProblemError, changed, from_os_error
from cargo_sync.model.xattrs import MOST, Xattrs, may_travel, size_of, too_large

SUPPORTED: Final = hasattr(os, "listxattr")
"""Whether this system can have them."""
_PROBE: Final = "user.cargo_sync"
_NOT_KEPT: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.E2BIG, errno.ERANGE, errno.ENOTSUP, errno.EOPNOTSUPP}
)
"""Errors of a file system that cannot keep so many, or any at all."""


def are_kept(root: Root) -> bool:
    """Whether the file system of a root keeps them; nothing is written for that."""
    if not SUPPORTED:
        return False
    try:
        os.getxattr(root.fd, _PROBE)
    except OSError as error:
        return error.errno == errno.ENODATA
    return True


def read_all(root: Root, items: Sequence[tuple[str, Entry]]) -> list[Xattrs | Problem]:
    """Those of files, in order. One that is not the given entry, or has too many, has a problem."""
    return [_read_one(root, path, entry) for path, entry in items]


def _read_one(root: Root, path: str, entry: Entry) -> Xattrs | Problem:
    try:
        fd = opened_as(root, path, entry)
        try:
            found = _read(fd)
            if found is None:
                return too_large(path)
            after = os.fstat(fd).st_ctime_ns
        finally:
            os.close(fd)
    except ProblemError as error:
        return error.problem
    except OSError as error:
        return from_os_error(error, path)
    return found if after == entry.version else changed(path)


def _read(fd: int) -> Xattrs | None:
    """Those of an open file; None if they are too large."""
    xattrs: dict[str, bytes] = {}
    left = MOST
    for name in _names(fd):
        value = os.getxattr(fd, name)
        left -= size_of({name: value})
        if left < 0:
            return None
        xattrs[name] = value
    return xattrs


def _names(fd: int) -> list[str]:
    """Raises OSError."""
    try:
        return [name for name in os.listxattr(fd) if _is_text(name) and may_travel(name)]
    except OSError as error:
        if error.errno in _NOT_KEPT:
            return []
        raise


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def write(system: System, fd: int, wanted: Xattrs) -> bool:
    """Gives an open file these attributes, and no others of those that travel.

    Returns:
        False if they cannot be kept: then it has none of them.

    Raises:
        OSError: another one.
    """
    there = _names(fd)
    try:
        for name in there:
            if name not in wanted:
                system.remove_xattr(fd, name)
        for name, value in wanted.items():
            if name not in there or os.getxattr(fd, name) != value:
                system.set_xattr(fd, name, value)
    except OSError as error:
        if error.errno not in _NOT_KEPT:
            raise
        for name in _names(fd):
            system.remove_xattr(fd, name)
        return False
    return True
