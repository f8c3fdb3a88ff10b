"""What an FTP server says of a file, as an `Entry`.

There is nothing that changes with each content, so the version is made of size and time: another
content of the same size, written within the same second, looks the same.
"""

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.abilities import SECOND
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, PERMISSIONS, Entry
from cargo_sync.model.problems import Code, Problem
from cargo_sync.trees.ftp.facts import Fact

LATEST: Final = 2**32 - 1
"""Seconds since 1970 that all servers can say."""


def entry_of(path: str, fact: Fact, *, modes: bool) -> Entry | Problem:
    """The entry at a path; a problem if it is no file or folder, or too little is known of it.

    Args:
        path: relative to the remote's folder.
        fact: what the server says of it.
        modes: what the server says of its mode counts.
    """
    name = paths.name(path)
    mode = fact.mode & PERMISSIONS if modes and fact.mode is not None else BY_UMASK
    if fact.kind == "dir":
        return Entry(name, FOLDER, mode=mode, version=1)
    if fact.kind == "link":
        message = f"{path!r} is a symbolic link, which FTP cannot make: it is left out"
        return Problem(Code.SYMLINK, message, path, retry=False)
    if fact.kind != "file":
        message = f"{path!r} is no file or folder: it is left out"
        return Problem(Code.SPECIAL, message, path, retry=False)
    if fact.size is None:
        message = f"the server does not say the size of {path!r}: it is left out"
        return Problem(Code.UNREADABLE, message, path)
    if fact.time is None:
        # By its size alone, a change of its content would not be seen.
        message = f"the server does not say the time of {path!r}: it is left out"
        return Problem(Code.UNREADABLE, message, path)
    version = version_of(fact.size, fact.time)
    return Entry(name, FILE, fact.size, fact.time, mode, version)


def version_of(size: int, time: int) -> int:
    """63 bits that change with each content, made of size and time (ns); never 0."""
    known = repr((size, time))
    return int.from_bytes(blake2b(known.encode(), digest_size=8).digest()) >> 1 or 1


def refusal_of(name: str, folder: str) -> Problem | None:
    """Why a name from the server cannot be used; None if it can."""
    reason = paths.bad_name(name)
    if reason is None and any(one in name for one in "\r\n"):
        reason = "has a line break"
    if reason:
        shown = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
        message = f"the name {shown!r} in {folder!r} {reason}: it is left out"
        return Problem(Code.BAD_NAME, message, folder, retry=False)
    is_ours = bool(folder) and paths.is_below(folder, paths.RESERVED)
    return None if is_ours else paths.refusal(paths.join(folder, name))


def written(mtime_ns: int) -> str:
    """A time as FTP writes it; the nearest one that all servers can say."""
    seconds = min(max(mtime_ns // SECOND, 0), LATEST)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d%H%M%S")
