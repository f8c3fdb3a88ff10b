"""Checks of the local paths that a person gives: absolute paths on the daemon's machine."""

import heapq
import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from cargo_sync.config.places import has_controls
from cargo_sync.model.paths import bad_name, is_reserved, reserved_name
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error


def checked_target(path: str) -> None:
    """Checks that a file or folder may be made at `path`. Raises ProblemError `bad_path`."""
    _absolute(path)
    parts = path.strip("/").split("/")
    if any(map(is_reserved, parts)):
        raise ProblemError(reserved_name(path))
    for part in parts:
        if reason := bad_name(part):
            raise _bad(path, f"has a part that {reason}")


def file_to_put(path: str) -> tuple[str, str]:
    """The folder and the name of the file at `path`, with links followed.

    Raises:
        ProblemError: there is no file, or it is a folder or a device.
    """
    _absolute(path)
    real = os.path.realpath(path)
    try:
        mode = os.stat(real).st_mode
    except OSError as error:
        raise ProblemError(from_os_error(error, path)) from error
    if stat.S_ISDIR(mode):
        raise ProblemError(
            Problem(
                Code.IS_A_FOLDER,
                f"{path!r} is a folder",
                path,
                "put it with recursive",
                retry=False,
            )
        )
    if not stat.S_ISREG(mode):
        raise ProblemError(
            Problem(Code.SPECIAL, f"{path!r} is a device, a socket or a pipe", path, retry=False)
        )
    return os.path.dirname(real), os.path.basename(real)


def folder_to_put(path: str) -> int:
    """The mode of the folder at `path`. Raises ProblemError."""
    _absolute(path)
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise ProblemError(from_os_error(error, path)) from error
    if not stat.S_ISDIR(mode):
        message = f"{path!r} is a file, not a folder"
        raise ProblemError(
            Problem(Code.NOT_A_FOLDER, message, path, "put it without recursive", retry=False)
        )
    return stat.S_IMODE(mode) & 0o777


class LocalFolders(NamedTuple):
    """Names of folders in a folder, sorted; `parent` is the folder above, None for the root."""

    path: str
    parent: str | None
    names: Sequence[str]
    more: bool


def folders_in(path: str, after: str, limit: int) -> LocalFolders:
    """The first folders in a folder whose names come after `after`; links to folders are folders.

    Names that no job could have are left out. Memory grows with `limit`, not with the folder.

    Raises:
        ProblemError: there is no such folder, or it cannot be read.
    """
    _absolute(path)
    path = os.path.normpath(path)
    try:
        with os.scandir(path) as entries:
            wanted = (one.name for one in entries if one.name > after and _is_folder(one))
            names = heapq.nsmallest(limit + 1, wanted)
    except OSError as error:
        raise ProblemError(from_os_error(error, path)) from error
    parent = os.path.dirname(path)
    return LocalFolders(path, None if parent == path else parent, names[:limit], len(names) > limit)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder that a job could have as its own."""
    name = entry.name
    if is_reserved(name) or bad_name(name) or has_controls(name):
        return False
    try:
        return entry.is_dir()
    except OSError:
        return False


def _absolute(path: str) -> None:
    if not path.startswith("/") or "\0" in path:
        raise _bad(path, "is not an absolute path")


def _bad(path: str, reason: str) -> ProblemError:
    return ProblemError(
        Problem(Code.BAD_PATH, f"the local path {path!r} {reason}", path, retry=False)
    )
