"""Roots within roots: whether another process owns a folder above or below one (Linux).

A lock says nothing about folders above and below. The kernel says which folders are locked and by
whom (proc_locks(5)), and a process of the same user shows where they are.
"""

import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from cargo_sync.model.paths import RESERVED

_LOCKS: Final = "/proc/locks"
_OURS: Final = b"cargo"


class FolderHolder(NamedTuple):
    """A process that owns a folder."""

    process: int
    folder: str


def overlapping(path: str) -> FolderHolder | None:
    """Another process of Cargo that owns a folder above or below `path`, which is absolute.

    None if there is none, or the system does not say it.
    """
    inside = path.rstrip("/") + "/"
    for process, folders in _held().items():
        for folder in _open_folders(process):
            within = folder.rstrip("/") + "/"
            if inside == within or not (inside.startswith(within) or within.startswith(inside)):
                continue
            if _identity(folder) in folders and _is_ours(process, folder):
                return FolderHolder(process, folder)
    return None


def _held() -> dict[int, set[str]]:
    """The files and folders that other processes have locked, per process."""
    held: dict[int, set[str]] = {}
    try:
        with open(_LOCKS) as locks:
            rows = [line.split() for line in locks]
    except OSError:
        return held
    # "1: FLOCK ADVISORY WRITE 4711 fd:00:12345 0 EOF"
    for row in rows:
        if len(row) > 5 and row[1] == "FLOCK" and row[4].isdigit() and int(row[4]) != os.getpid():
            held.setdefault(int(row[4]), set()).add(row[5])
    return held


def _open_folders(process: int) -> Iterator[str]:
    place = f"/proc/{process}/fd"
    try:
        descriptors = os.listdir(place)
    except OSError:  # it has ended, or belongs to somebody else
        return
    for descriptor in descriptors:
        try:
            found = os.readlink(f"{place}/{descriptor}")
        except OSError:
            continue
        if found.startswith("/"):
            yield found


def _identity(folder: str) -> str:
    """As the kernel's table of locks names it; "" if it is not there any more."""
    try:
        found = os.lstat(folder)
    except OSError:
        return ""
    return f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"


def _is_ours(process: int, folder: str) -> bool:
    """Whether it is Cargo that locked a folder: others lock folders too."""
    if os.path.isdir(os.path.join(folder, RESERVED)):
        return True
    try:
        with open(f"/proc/{process}/cmdline", "rb") as line:
            return _OURS in line.read()
    except OSError:
        return False
