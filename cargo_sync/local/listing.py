"""The names in an open folder, and their entries; what cannot be an entry is left out."""

import os
import stat
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.local.folders import Folder
from cargo_sync.model import paths
from cargo_sync.model.entries import (
    EARLIEST,
    FILE,
    FOLDER,
    LATEST,
    LINK,
    Entry,
    EntryColumns,
    kept_time,
)
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError, bad_time, from_os_error

IDENT: Final = 2**63 - 1
"""Inodes are cut to 63 bits, because SQLite has no larger integers; overlay file systems use the
highest bit."""

LeavesOut = Callable[[str, bool], bool]
"""Whether a path (and whether it is a folder) is left out."""
_PACK: Final = 256
"""Names that `NameList` keeps in one value."""

Excluded = Callable[[str, Sequence[str]], LeavesOut | None]
"""(folder, names) -> which of these names in the folder are left out; None: none of them."""


class FolderPart(NamedTuple):
    """Some consecutive names of a folder.

    problems  one per name that had to be left out
    first     where it begins; "" for the beginning of the folder
    end       where the next part begins; "" for the end of the folder
    """

    listing: EntryColumns
    problems: tuple[Problem, ...]
    first: str
    end: str


class NameList:
    """The sorted names of a folder, packed: one value per name would need four times as much."""

    def __init__(self, names: Sequence[str]) -> None:
        self._length = len(names)
        self._packs = [
            "\0".join(names[start : start + _PACK]) for start in range(0, len(names), _PACK)
        ]

    def __len__(self) -> int:
        return self._length

    def at(self, index: int) -> str:
        """The name at an index; "" after the last one."""
        return "".join(self.between(index, index + 1))

    def between(self, start: int, end: int) -> list[str]:
        """The names from the index `start` on and before the index `end`."""
        first = start // _PACK
        packs = self._packs[first : -(-end // _PACK)]
        names = [name for pack in packs for name in pack.split("\0")]
        return names[start - first * _PACK : end - first * _PACK]


def nothing_excluded(_folder: str, _names: Sequence[str]) -> None:
    """Leaves nothing out."""


def inode(found: os.stat_result) -> int:
    """The inode as an entry's `ident`."""
    return found.st_ino & IDENT


def entry_of(name: str, found: os.stat_result, target: str = "") -> Entry | str:
    """The entry for an lstat result, or why there can be none."""
    mode, kind = found.st_mode & 0o7777, stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFREG:
        mtime = kept_time(found.st_mtime_ns)
        return Entry(name, FILE, found.st_size, mtime, mode, found.st_ctime_ns, inode(found))
    if kind == stat.S_IFDIR:
        return Entry(name, FOLDER, mode=mode, ident=inode(found))
    if kind != stat.S_IFLNK:
        return "is a device, a socket or a pipe; these are never transferred"
    try:
        target.encode()
    except UnicodeEncodeError:
        return "is a link whose target is not UTF-8; it is not transferred"
    mtime = kept_time(found.st_mtime_ns)
    return Entry(name, LINK, 0, mtime, mode, found.st_ctime_ns, inode(found), "", target)


def printable(name: str) -> str:
    r"""A name as valid text: bytes that are not UTF-8 become \x escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _refusal(prefix: str, name: str) -> Problem | None:
    """Why a name in the folder `prefix` is left out, or None."""
    if paths.is_reserved(name):
        return paths.reserved_name(prefix + name)
    reason = paths.bad_name(name)
    if reason is None and len((prefix + name).encode()) > paths.PATH_BYTES:
        reason = "has a path longer than 4096 bytes"
    if reason is None:
        return None
    shown = prefix + printable(name)
    return Problem(Code.BAD_NAME, f"'{shown}' {reason}", path=shown, hint="rename it")


def names_in(folder: Folder) -> list[str]:
    """All names, sorted. Raises ProblemError."""
    try:
        names = os.listdir(folder.fd)
    except OSError as error:
        raise ProblemError(from_os_error(error, folder.path)) from error
    names.sort()
    return names


def listed_in(
    folder: Folder, names: list[str], excluded: Excluded
) -> tuple[EntryColumns, tuple[Problem, ...]]:
    """The entries of some names (sorted), and one problem per name that had to be left out.

    Raises:
        ProblemError: the folder could not be read completely, so its content is unknown.
    """
    try:
        leaves_out = excluded(folder.path, names)
        ordinary = _read_ordinary(folder, names) if leaves_out is None else None
        found = (ordinary, ()) if ordinary else _read(folder, names, leaves_out)
        if os.fstat(folder.fd).st_nlink == 0:  # it was removed: it is not empty, but gone
            raise FileNotFoundError(2, "removed")
    except OSError as error:
        raise ProblemError(from_os_error(error, folder.path)) from error
    return found


def _read_ordinary(folder: Folder, names: list[str]) -> EntryColumns | None:
    """The entries if all these names are those of files and folders, and none is left out.

    The hot loop of a scan: an lstat per name, and no value of ours. Raises OSError.
    """
    if not names or not paths.are_usable(names) or _is_near_limit(folder.path):
        return None
    lstat, fd = os.lstat, folder.fd
    try:
        found = [lstat(name, dir_fd=fd) for name in names]
    except FileNotFoundError:
        return None  # removed since the names were read
    modes = [one.st_mode for one in found]
    formats = set(map(stat.S_IFMT, set(modes)))
    times = [one.st_mtime_ns for one in found]
    idents = [one.st_ino for one in found]
    if not formats <= {stat.S_IFREG, stat.S_IFDIR} or max(idents) > IDENT:
        return None
    if min(times) <= EARLIEST or max(times) >= LATEST:
        return None
    kinds = [FILE] * len(names)
    sizes, versions = [one.st_size for one in found], [one.st_ctime_ns for one in found]
    if stat.S_IFDIR in formats:
        kinds = [FOLDER if stat.S_ISDIR(mode) else FILE for mode in modes]
        sizes, times, versions = (_of_files(one, kinds) for one in (sizes, times, versions))
    modes, empty = [mode & 0o7777 for mode in modes], [""] * len(names)
    return EntryColumns(names, kinds, sizes, times, modes, versions, idents, empty, empty)


def _of_files(column: list[int], kinds: list[str]) -> list[int]:
    """A column of a stat as entries have it: folders have none of these numbers."""
    return [value if kind == FILE else 0 for value, kind in zip(column, kinds, strict=True)]


def _is_near_limit(folder: str) -> bool:
    """Whether a path in a folder may be too long."""
    return len(folder.encode()) >= paths.PATH_BYTES - paths.NAME_BYTES


def _read(
    folder: Folder, names: Sequence[str], leaves_out: LeavesOut | None
) -> tuple[EntryColumns, tuple[Problem, ...]]:
    """The entries of any names, one by one. Raises OSError."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    fd, path = folder.fd, folder.path
    prefix = path + "/" if path else ""
    near_limit = _is_near_limit(path)

    for name in names:
        full = prefix + name
        if (name[0] == "." or near_limit or not name.isascii()) and (
            refused := _refusal(prefix, name)
        ):
            if full != RESERVED:
                problems.append(refused)
            continue
        try:
            found = os.lstat(name, dir_fd=fd)
            if leaves_out is not None and leaves_out(full, stat.S_ISDIR(found.st_mode)):
                continue
            target = os.readlink(name, dir_fd=fd) if stat.S_ISLNK(found.st_mode) else ""
        except FileNotFoundError:
            continue  # removed since the names were read
        entry = entry_of(name, found, target)
        if isinstance(entry, str):
            problems.append(Problem(Code.SPECIAL, f"{full!r} {entry}", path=full))
        else:
            entries.append(entry)
            if entry.kind == FILE and entry.mtime_ns != found.st_mtime_ns:
                problems.append(bad_time(full, found.st_mtime_ns, entry.mtime_ns))
    return EntryColumns.of(entries), tuple(problems)
