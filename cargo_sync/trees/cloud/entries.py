"""What a service says of a file, as an `Entry`, and names that cannot be used.

The version is made of the size and the ETag. A service without ETags leaves size and time.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, Protocol

from cargo_sync.model import paths
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, Entry
from cargo_sync.model.problems import Code, Problem
from cargo_sync.trees.remote.contract import RemoteListing

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_LARGEST: Final = 2**63 - 1


class ObjectFace(Protocol):
    """What OpenDAL tells of a file or a folder."""

    @property
    def content_length(self) -> int: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def last_modified(self) -> datetime | None: ...
    @property
    def is_dir(self) -> bool: ...


class ObjectName(Protocol):
    """One of a listing; `path` is that of the whole service, a folder's ends with "/"."""

    @property
    def path(self) -> str: ...
    @property
    def metadata(self) -> ObjectFace: ...


def entry_of(path: str, told: ObjectFace) -> Entry:
    """The entry at a path."""
    name = paths.name(path)
    if told.is_dir:
        return folder_entry(name)
    size, time = min(told.content_length, _LARGEST), _ns(told.last_modified)
    return Entry(name, FILE, size, time, BY_UMASK, _version(told.etag or "", size, time))


def folder_entry(name: str) -> Entry:
    """A folder: nothing is known of it but that it is there."""
    return Entry(name, FOLDER, mode=BY_UMASK, version=1)


def shows_changes(told: ObjectFace) -> bool:
    """Whether it is seen that a file has got another content of the same size."""
    return bool(told.etag) or told.last_modified is not None


def odd_path(path: str) -> str:
    """Why OpenDAL would take this path for another one; "" if it does not.

    It lists `a//b`, then reads and deletes `a/b`; and it cuts blanks off at both ends.
    """
    if "//" in f"/{path}":
        return "has a part without a name"
    if path != path.strip():
        return "begins or ends with a blank, which would get lost"
    return ""


def listing_of(folder: str, told: Iterable[ObjectName], *, hidden: str = "") -> RemoteListing:
    """A folder, from what was listed of it.

    Args:
        folder: its path.
        told: what is directly in it; the folder itself may be among it.
        hidden: a name of ours, which is left out.
    """
    prefix = f"{folder}/" if folder else ""
    found: dict[str, Entry] = {}
    problems = list[Problem]()
    for one in told:
        name = one.path.removeprefix(prefix)
        # A name cut off once: "a//" is a folder without a name in "a".
        name = name[:-1] if name.endswith("/") else name
        if (
            one.path in (prefix, prefix or "/")
            or (not folder and paths.is_reserved(name))
            or name == hidden
        ):
            continue
        if (bad := _refusal(name, folder)) is not None:
            problems.append(bad)
            continue
        entry = entry_of(f"{prefix}{name}", one.metadata)
        there = found.get(name)
        if there is not None:
            problems.append(_collision(f"{prefix}{name}"))
        if there is None or (there.kind, entry.kind) == (FILE, FOLDER):
            found[name] = entry
    return RemoteListing(folder, list(found.values()), problems)


def _refusal(name: str, folder: str) -> Problem | None:
    """Why a name from the service cannot be used; None if it can."""
    path = paths.join(folder, name)
    if odd := odd_path(path) if name else "has a part without a name":
        return Problem(Code.BAD_PATH, f"{path!r} {odd}: it is left out", folder, retry=False)
    if reason := paths.bad_name(name):
        message = f"the service has a name in {folder!r} that {reason}: it is left out"
        return Problem(Code.BAD_NAME, message, folder, retry=False)
    is_ours = bool(folder) and paths.is_below(folder, paths.RESERVED)
    return None if is_ours else paths.refusal(path)


def _collision(path: str) -> Problem:
    message = f"{path!r} is there twice: one of both is left out, a folder stays"
    return Problem(Code.NAME_COLLISION, message, path, "rename one of both")


def _ns(time: datetime | None) -> int:
    """Ns since 1970; 0 if it is not known."""
    return 0 if time is None else (time - _EPOCH) // timedelta(microseconds=1) * 1000


def _version(etag: str, size: int, time: int) -> int:
    """63 bits that change with each content; never 0 or 1."""
    bare = etag.strip().removeprefix("W/").strip('"')
    known = repr((bare, size) if bare else (size, time))
    return max(2, int.from_bytes(blake2b(known.encode(), digest_size=8).digest()) >> 1)
