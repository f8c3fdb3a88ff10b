"""Checks of the local paths that a person gives: absolute paths on the daemon's machine."""

import os
import stat

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


def _absolute(path: str) -> None:
    if not path.startswith("/") or "\0" in path:
        raise _bad(path, "is not an absolute path")


def _bad(path: str, reason: str) -> ProblemError:
    return ProblemError(
        Problem(Code.BAD_PATH, f"the local path {path!r} {reason}", path, retry=False)
    )
