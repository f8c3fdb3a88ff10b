"""Folders and files below a root, opened by their whole path at the moment of use.

No component of the path may be a link, not even for a moment: a folder above may have been moved
away, and a link put in its place, since the last look. No descriptor is kept for later. Checking a
kept one costs as much as opening the path again, and a process with many roots would run out.
"""

import os
from types import TracebackType
from typing import Final

from cargo_sync.local.system import System
from cargo_sync.model import paths
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK


class Folder:
    """One open folder, closed at the end of its `with`.

    path  relative to the root; "" is the root itself
    """

    __slots__ = ("fd", "path")

    def __init__(self, path: str, fd: int) -> None:
        self.path, self.fd = path, fd

    def __enter__(self) -> "Folder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """After this its number is -1: the old one may soon be that of something else."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def open_folder(system: System, root: int, device: int, path: str, within: str = "") -> Folder:
    """Opens the folder at `path` below the root with the descriptor `root`.

    Args:
        system: opens it.
        root: a descriptor.
        device: where the folder must be.
        path: relative to `root`.
        within: the path of `root` itself, if it is not the root of all paths.

    Raises:
        ProblemError: vanished, not_a_folder, symlink, bad_path, other_device, …
    """
    whole = paths.join(within, path) if path else within
    if not path:
        return Folder(whole, _again(root))
    fd = open_below(system, root, path, _FOLDER, within)
    if os.fstat(fd).st_dev == device:
        return Folder(whole, fd)
    os.close(fd)
    message = f"{whole!r} is on another file system, which is not entered"
    raise ProblemError(
        Problem(Code.OTHER_DEVICE, message, path=whole, hint="make a separate job for it")
    )


def open_below(system: System, root: int, path: str, flags: int, within: str = "") -> int:
    """Opens a file or folder below a root; its descriptor.

    Raises:
        ProblemError: as for `open_folder`.
    """
    whole = paths.join(within, path)
    if reason := paths.bad_part(path):
        raise ProblemError(
            Problem(Code.BAD_PATH, f"the path {whole!r} {reason}", path=whole, retry=False)
        )
    try:
        return system.open_below(root, path, flags)
    except OSError as error:
        raise ProblemError(from_os_error(error, whole)) from error


def _again(root: int) -> int:
    """Another descriptor of the root: the position of a listing belongs to a descriptor."""
    try:
        return os.open(".", _FOLDER, dir_fd=root)
    except OSError as error:
        raise ProblemError(from_os_error(error, "")) from error
