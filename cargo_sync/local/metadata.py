"""Metadata: a file or folder gets another time and mode, a file other extended attributes.

Its content stays.

A time that is set hides a change that another program made just before: the file would look as if
it had been written then. So the file must be what was seen, and nobody may begin to write to it
until its time is set. If somebody has it open for writing, it is refused.
"""

import os
from typing import NamedTuple

from cargo_sync.local.listing import entry_of
from cargo_sync.local.root import Root
from cargo_sync.local.xattrs import write
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, PERMISSIONS, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError, changed, from_os_error
from cargo_sync.model.xattrs import Xattrs


class MetadataSet(NamedTuple):
    """What is there now.

    lacks_xattrs  its file system cannot keep its extended attributes: it has none
    """

    entry: Entry
    lacks_xattrs: bool = False


def set_metadata(
    root: Root, path: str, seen: Entry, wanted: Entry, xattrs: Xattrs | None = None
) -> MetadataSet:
    """Gives the file or folder at `path` the mode of `wanted`, and a file also its time.

    Bits of the mode that are not synced stay (see PERMISSIONS); the owner's rwx of a folder is
    always set. Nothing is durable before `Root.sync` of the file, or of the folder.

    Args:
        root: the root.
        path: below it.
        seen: what is there, as this file system gave it.
        wanted: has the mode and the time.
        xattrs: a file also gets these extended attributes, and keeps no others; None leaves them
            as they are.

    Raises:
        ProblemError: `changed`, if something else is there; `in_use`, if somebody has the file open
            for writing; it cannot be opened, or is another user's.
    """
    if seen.kind == FOLDER:
        with root.folder(path) as folder:
            return MetadataSet(_folder_set(root, folder.fd, path, seen, wanted))
    fd = root.open_file(path)
    try:
        root.system.keep_writers_out(fd)
        return _file_set(root, fd, path, seen, wanted, xattrs)
    except BlockingIOError as error:
        message = f"{path!r} is open for writing, so its time and mode cannot be set now"
        raise ProblemError(Problem(Code.IN_USE, message, path)) from error
    except OSError as error:
        raise ProblemError(from_os_error(error, path)) from error
    finally:
        os.close(fd)


def _file_set(
    root: Root, fd: int, path: str, seen: Entry, wanted: Entry, xattrs: Xattrs | None
) -> MetadataSet:
    if not (now := _held(fd, path)).same_state(seen):
        raise ProblemError(changed(path))
    lacks = xattrs is not None and not write(root.system, fd, xattrs)
    # The time comes first: after a stop between the two, the file looks as it does at the source.
    if now.mtime_ns != wanted.mtime_ns:
        root.system.utime(fd, wanted.mtime_ns)
    if not now.same_mode(wanted):
        root.system.chmod(fd, _mode(now, wanted))
    after = _held(fd, path)
    if (after.size, after.ident) != (seen.size, seen.ident):
        raise ProblemError(changed(path))
    return MetadataSet(after, lacks)


def _folder_set(root: Root, fd: int, path: str, seen: Entry, wanted: Entry) -> Entry:
    now = _held(fd, path)
    if now.ident != seen.ident:
        raise ProblemError(changed(path))
    mode = _mode(now, wanted) | 0o700  # otherwise nothing could be put there
    if mode != now.mode:
        root.set_mode(fd, mode, path)
    return _held(fd, path)


def _mode(now: Entry, wanted: Entry) -> int:
    return (now.mode & ~PERMISSIONS) | (wanted.mode & PERMISSIONS)


def _held(fd: int, path: str) -> Entry:
    """What an open file or folder is."""
    found = entry_of(paths.name(path), os.fstat(fd))
    if isinstance(found, str):
        raise ProblemError(changed(path))
    return found
