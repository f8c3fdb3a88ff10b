"""What an SFTP server says of a file, as an `Entry`.

There is no change time and no inode, so the version is made of size, time and mode: another content
of the same size, written within the same second, looks the same. Servers of our days speak version
3 of the protocol, which has whole seconds from 1970 to 2106.
"""

import stat
from hashlib import blake2b
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, LINK, Entry
from cargo_sync.model.problems import Code, Problem
from cargo_sync.wire.sftp.packets import Attributes

SECOND: Final = 10**9
EARLIEST: Final = 0
LATEST: Final = 2**32 - 1
"""Seconds since 1970 that version 3 can say."""
_KINDS: Final = {stat.S_IFREG: FILE, stat.S_IFDIR: FOLDER, stat.S_IFLNK: LINK}


def entry_of(
    path: str, attrs: Attributes, target: str = "", *, modes: bool = True
) -> Entry | Problem:
    """The entry at a path; a problem if it is no file, folder or link.

    Without `modes`, what the server says of them is made up.
    """
    name = paths.name(path)
    mode = attrs.mode or 0
    kind = _KINDS.get(stat.S_IFMT(mode))
    if kind is None:
        message = f"{path!r} is no file, folder or link: it is left out"
        return Problem(Code.SPECIAL, message, path, retry=False)
    bits = stat.S_IMODE(mode) if modes else BY_UMASK
    if kind == FOLDER:
        return Entry(name, FOLDER, mode=bits, version=1)
    if kind == LINK:
        return Entry(name, LINK, mode=bits, version=_number(LINK, target), target=target)
    size, time = attrs.size or 0, time_of(attrs)
    return Entry(name, FILE, size, time, bits, _number(FILE, size, time, bits))


def time_of(attrs: Attributes) -> int:
    """The modification time, in ns since 1970."""
    return (attrs.mtime or 0) * SECOND


def seconds(mtime_ns: int) -> int:
    """A time in the seconds that the protocol can say; the nearest one for times outside."""
    return min(max(mtime_ns // SECOND, EARLIEST), LATEST)


def name_of(raw: bytes, folder: str) -> str | Problem | None:
    """A name from a listing; a problem if no tree can hold it; None if it is not for us."""
    if raw in (b".", b".."):
        return None
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        shown = raw.decode(errors="backslashreplace")
        message = f"the name {shown!r} in {folder!r} is not valid UTF-8: it is left out"
        return Problem(Code.BAD_NAME, message, folder, retry=False)
    if not folder and paths.is_reserved(name):
        return None
    path = paths.join(folder, name)
    if reason := paths.bad_name(name):
        message = f"the server has a name in {folder!r} that {reason}: it is left out"
        return Problem(Code.BAD_NAME, message, folder, retry=False)
    is_ours = paths.is_below(folder, paths.RESERVED)
    return name if is_ours and folder else paths.refusal(path) or name


def _number(*parts: object) -> int:
    """63 bits that change with each part; never 0."""
    digest = blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1 or 1
