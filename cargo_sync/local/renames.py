"""Renames below a root: to a free name, or two names change places. Nothing is replaced."""

from collections.abc import Callable

from cargo_sync.local.root import Root
from cargo_sync.model import paths
from cargo_sync.model.problems import ProblemError, from_os_error


def rename(root: Root, path: str, to: str) -> None:
    """Renames what is at `path` to `to`, where nothing may be.

    Raises:
        ProblemError: `occupied`, `vanished`, or it cannot be renamed; then all is as it was.
    """
    _rename(root, path, to, root.system.rename_noreplace)


def exchange(root: Root, path: str, to: str) -> None:
    """What is at `path` and what is at `to` change places, in one step.

    Raises:
        ProblemError: one of them is not there, or the file system cannot do it; then all is as it
            was.
    """
    _rename(root, path, to, root.system.exchange)


def _rename(root: Root, path: str, to: str, how: Callable[[int, str, int, str], None]) -> None:
    with root.folder(paths.parent(path)) as source, root.folder(paths.parent(to)) as target:
        try:
            how(source.fd, paths.name(path), target.fd, paths.name(to))
        except OSError as error:
            raise ProblemError(from_os_error(error, to)) from error
