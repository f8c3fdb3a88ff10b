"""The jobs folder as the daemon changes it: it adds new job files and puts old ones aside.

It never overwrites a file, and only deletes a file that it just wrote and that could not be loaded.
"""

import itertools
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.daemon.jobs.put_aside import sweep
from cargo_sync.local.system import System
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

ASIDE: Final = ".removed"
"""Where removed and replaced job files go, below the jobs folder. Hidden folders hold no jobs."""
_LONGEST: Final = 60
_ENDING: Final = ".json"


def slug(name: str) -> str:
    """Makes a file's name from a job's: `My Photos é` is `my-photos-e`, `日本` is `job`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-") or "job"


class JobFolder:
    """Adds files to the jobs folder `folder` and takes them out. Not thread-safe."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def check(self) -> None:
        """Checks that the folder is there. Raises ConfigError.

        A folder on a disk that is not mounted must not look like one without jobs.
        """
        if not os.path.isdir(self._folder):
            message = "is not there any more; its jobs go on"
            hint = "bring it back; `cargo_ctl job remove` removes a job"
            raise ConfigError([FieldProblem(self._folder, "", None, message, hint)])

    def place(self, name: str, text: str) -> str:
        """Writes the file of a new job durably, readable by its owner only. Returns its path.

        Raises:
            ProblemError: it cannot be written; nothing of it stays.
        """
        with self._open() as (system, folder):
            temporary = f".{slug(name)}.new"
            try:
                _write(system, folder, temporary, text.encode())
                placed = _renamed(system, (folder, temporary), folder, slug(name) + _ENDING)
            except OSError:
                _unlink(system, folder, temporary)
                raise
            os.fsync(folder)
        return os.path.join(self._folder, placed)

    def withdraw(self, path: str) -> None:
        """Deletes a file that `place` wrote and that could not be loaded."""
        with self._open() as (system, folder):
            _unlink(system, folder, os.path.basename(path))
            os.fsync(folder)

    def put_aside(self, path: str) -> str:
        """Moves a job's file to ASIDE. Returns its new path, or "" if the file was gone already.

        Raises:
            ProblemError: it cannot be moved; it stays where it was.
        """
        name = self._name(path)
        with self._open() as (system, folder), _aside(system, folder) as aside:
            try:
                placed = _renamed(system, (folder, name), aside, name)
            except FileNotFoundError:
                return ""
            os.fsync(aside)
            os.fsync(folder)
        return os.path.join(self._folder, ASIDE, placed)

    def replace(self, path: str, text: str) -> str:
        """Replaces a job's file durably, and moves the old one to ASIDE. Returns its new path.

        The new file has the mode of the old one.

        Raises:
            ProblemError: it cannot be written, or it is a link; the old one stays.
        """
        name = self._name(path)
        temporary = f".{name}.new"
        with self._open() as (system, folder), _aside(system, folder) as aside:
            found = os.lstat(name, dir_fd=folder)
            if not stat.S_ISREG(found.st_mode):
                message = f"{path} is a link: its file is not changed from here"
                hint = "edit the file that it points to, then `job.reload`"
                raise ProblemError(Problem(Code.SYMLINK, message, hint=hint, retry=False))
            try:
                _write(system, folder, temporary, text.encode(), stat.S_IMODE(found.st_mode))
                placed = _swapped(system, folder, temporary, name, aside)
            except OSError:
                _unlink(system, folder, temporary)
                raise
            os.fsync(aside)
            os.fsync(folder)
        return os.path.join(self._folder, ASIDE, placed)

    def tidy(self, now: float, days: float, most: int) -> int:
        """Deletes what is too old or too much in ASIDE; see `put_aside.sweep`."""
        return sweep(os.path.join(self._folder, ASIDE), now, days, most)

    def _name(self, path: str) -> str:
        """The name of a job's file. Raises ProblemError if it is in another folder."""
        if os.path.dirname(os.path.abspath(path)) != os.path.abspath(self._folder):
            message = f"{path} is not the file of a job"
            raise ProblemError(Problem(Code.BAD_PATH, message, hint="correct it, then `reload`"))
        return os.path.basename(path)

    @contextmanager
    def _open(self) -> Iterator[tuple[System, int]]:
        """Gives the folder's descriptor, and makes the folder if it is missing.

        An OSError in the block becomes a ProblemError.
        """
        try:
            os.makedirs(self._folder, 0o700, exist_ok=True)
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                yield System.choose(), folder
            finally:
                os.close(folder)
        except OSError as error:
            raise ProblemError(from_os_error(error, self._folder)) from error


@contextmanager
def _aside(system: System, folder: int) -> Iterator[int]:
    """Gives the descriptor of ASIDE in the jobs folder, and makes it if it is missing."""
    with suppress(FileExistsError):
        system.mkdir(folder, ASIDE, 0o700)
    aside = os.open(
        ASIDE, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=folder
    )
    try:
        yield aside
    finally:
        os.close(aside)


def _write(system: System, folder: int, name: str, content: bytes, mode: int = 0o600) -> None:
    try:
        fd = system.create(folder, name)
    except FileExistsError:
        _unlink(system, folder, name)  # a killed process left it
        fd = system.create(folder, name)
    try:
        system.write(fd, content, 0)
        if mode != 0o600:
            system.chmod(fd, mode)
        system.fsync(fd)
    finally:
        os.close(fd)


def _renamed(system: System, source: tuple[int, str], folder: int, name: str) -> str:
    """Moves `source` to `name` in `folder`, or to the first free one of `name-2`, `name-3` etc.

    Returns:
        The name that it got.
    """

    def rename(wanted: str) -> None:
        system.rename_noreplace(*source, folder, wanted)

    return _first_free(name, rename)


def _swapped(system: System, folder: int, new: str, name: str, aside: int) -> str:
    """Puts `new` in the place of `name`, which moves to `aside`. Returns its name there."""

    def swap(wanted: str) -> None:
        system.swap_in(folder, new, folder, name, aside, wanted)

    return _first_free(name, swap)


def _first_free(name: str, rename: Callable[[str], None]) -> str:
    """Calls `rename` with `name`, `name-2`, `name-3` etc. until one is free, which it returns."""
    stem = name.removesuffix(_ENDING)
    for number in itertools.count(1):
        wanted = name if number == 1 else f"{stem}-{number}{_ENDING}"
        try:
            rename(wanted)
        except FileExistsError:
            continue
        break
    return wanted


def _unlink(system: System, folder: int, name: str) -> None:
    with suppress(FileNotFoundError):
        system.unlink(folder, name)
