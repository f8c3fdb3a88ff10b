"""What a WebDAV server says of a file, as an `Entry`.

The version is made of the ETag and the size. A server without ETags leaves size and time: another
content of the same size, written within the same second, looks the same.
"""

from calendar import timegm
from email.utils import parsedate_tz
from hashlib import blake2b
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.abilities import SECOND
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, Entry
from cargo_sync.model.problems import Code, Problem
from cargo_sync.trees.webdav.listing import Answered

_LARGEST: Final = 2**63 - 1
_YEAR: Final = range(1, 10_000)


def entry_of(path: str, one: Answered) -> Entry | Problem:
    """The entry at a path; a problem if the server says too little of it."""
    name = paths.name(path)
    if one.collection:
        return Entry(name, FOLDER, mode=BY_UMASK, version=1)
    size = one.size
    if not (size.isascii() and size.isdigit() and len(size) < 20 and int(size) <= _LARGEST):
        message = f"the server does not say the size of {path!r}: it is left out"
        return Problem(Code.UNREADABLE, message, path)
    length, time = int(size), time_of(one.modified)
    version = version_of(one.etag, length, time)
    return Entry(name, FILE, length, time, BY_UMASK, version)


def version_of(etag: str, size: int, time: int) -> int:
    """63 bits that change with each content; never 0.

    Args:
        etag: as the server writes it, or "".
        size: bytes.
        time: ns since 1970; only used without an ETag.
    """
    bare = bare_etag(etag)
    known = repr((bare, size) if bare else (size, time))
    return int.from_bytes(blake2b(known.encode(), digest_size=8).digest()) >> 1 or 1


def bare_etag(etag: str) -> str:
    """An ETag without quotes and the mark of a weak one, which differ between answers."""
    return etag.strip().removeprefix("W/").strip('"')


def condition(etag: str) -> dict[str, str]:
    """The header that makes a request hold for this ETag alone; nothing for one that is weak."""
    bare = bare_etag(etag)
    is_sound = bare.isascii() and bare.isprintable() and '"' not in bare
    if not bare or not is_sound or etag.strip().startswith("W/"):
        return {}
    return {"If-Match": f'"{bare}"'}


def time_of(text: str) -> int:
    """A time of HTTP in ns since 1970; 0 if it is none."""
    try:
        parsed = parsedate_tz(text)
        if parsed is None or parsed[0] not in _YEAR:
            return 0
        return (timegm((*parsed[:6], 0, 0, 0)) - (parsed[9] or 0)) * SECOND
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0


def refusal_of(name: str, folder: str) -> Problem | None:
    """Why a name from the server cannot be used; None if it can."""
    if reason := paths.bad_name(name):
        message = f"the server has a name in {folder!r} that {reason}: it is left out"
        return Problem(Code.BAD_NAME, message, folder, retry=False)
    is_ours = bool(folder) and paths.is_below(folder, paths.RESERVED)
    return None if is_ours else paths.refusal(paths.join(folder, name))
