"""Trash: displaced entries, below `.cargo_sync/trash/<run>/` at their old path, until freed."""

import datetime
import itertools
import os
import re
import stat
from collections.abc import Iterator
from typing import Final, NamedTuple

from cargo_sync.local.folders import Folder
from cargo_sync.local.root import ABSENT, FEW, Root
from cargo_sync.model import paths
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

PLACE: Final = f"{RESERVED}/trash"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_RUN: Final = re.compile(r"\d{8}T\d{6}Z-", re.ASCII)


class Displaced(NamedTuple):
    """Where an entry is now.

    place    its path in the trash
    touched  the folders to sync, so that this is durable
    """

    place: str
    touched: tuple[str, ...]


def run_folder(time: float, run: str) -> str:
    """The name of a run's folder: `20260102T030405Z-<run>`; `time` is unix seconds.

    The time is for people. How old something in it is does not depend on it. A run that is called
    so already keeps its name.
    """
    if is_run(run):
        return run
    return f"{datetime.datetime.fromtimestamp(time, datetime.UTC).strftime(_STAMP)}-{run}"


def displace(root: Root, path: str, run: str) -> Displaced:
    """Moves a file, a link or a whole folder into the trash of `run` (see `run_folder`).

    Raises:
        ProblemError: vanished, or it cannot be moved; then it is where it was.
    """
    paths.check(path)
    with root.folder(paths.parent(path)) as above, spare(root, path, run) as (folder, names, new):
        for name in names:
            try:
                root.system.rename_noreplace(above.fd, paths.name(path), folder.fd, name)
            except FileExistsError:
                continue
            except OSError as error:
                raise ProblemError(from_os_error(error, path)) from error
            return Displaced(paths.join(folder.path, name), (above.path, *new))
    raise AssertionError("names never end")


class spare:  # noqa: N801  (read as a verb: `with spare(…) as (folder, names, touched)`)
    """The open folder of a run's trash for `path`, and the names that it may have there.

    The third value are the folders to sync once something is in it.
    """

    def __init__(self, root: Root, path: str, run: str) -> None:
        self._folder = _belongs(root, path, run)
        self._names = numbered(paths.name(path))
        # All above it, since others may have made them and not synced them yet. For more than a
        # few the whole file system is synced, so the first of them are enough.
        chain = paths.upwards(self._folder.path)
        if root.system.whole_sync:
            chain = itertools.islice(chain, FEW)
        self._touched = (*chain, "")

    def __enter__(self) -> tuple[Folder, Iterator[str], tuple[str, ...]]:
        return self._folder, self._names, self._touched

    def __exit__(self, *_: object) -> None:
        self._folder.close()


def numbered(name: str) -> Iterator[str]:
    """Yields `name`, then `name.1`, `name.2`, …, each cut to the longest name of a file system."""
    yield name
    for number in itertools.count(1):
        suffix = f".{number}"
        short = name.encode()[: paths.NAME_BYTES - len(suffix)].decode(errors="ignore")
        yield short + suffix


def is_run(name: str) -> bool:
    """Whether a name in the trash is that of a run's folder; others are left alone."""
    return _RUN.match(name) is not None


def remove(root: Root, place: str) -> bool:
    """Removes one version, a folder with all that is in it; then folders of the trash it emptied.

    Returns:
        Whether nothing is there any more.
    """
    try:
        with root.folder(paths.parent(place)) as above:
            name = paths.name(place)
            if not stat.S_ISDIR(os.lstat(name, dir_fd=above.fd).st_mode):
                root.system.unlink(above.fd, name)
                return True
    except FileNotFoundError:
        return True
    except ProblemError as error:
        return error.problem.code in ABSENT
    except OSError:
        return False
    return _remove(root, place)


def remove_empty(root: Root, place: str) -> None:
    """Removes the folder of the trash at `place`, and those above it, as far as they are empty."""
    while place != PLACE:
        above, name = paths.parent(place), paths.name(place)
        try:
            with root.folder(above) as folder:
                root.system.rmdir(folder.fd, name)
        except FileNotFoundError:
            pass
        except (OSError, ProblemError):
            return
        place = above


def _belongs(root: Root, path: str, run: str) -> Folder:
    """The trash folder for `path`'s parent, which is made if it is missing.

    If a file that was displaced earlier is in the way, that component gets a number.
    """
    if reason := paths.bad_name(run):
        raise ProblemError(Problem(Code.BAD_PATH, f"the run's name {run!r} {reason}", retry=False))
    reached = f"{PLACE}/{run}"
    parent = paths.parent(path)
    whole = f"{reached}/{parent}" if parent else reached
    try:
        return root.folder(whole)
    except ProblemError as error:
        code = error.problem.code
        if code not in (Code.VANISHED, Code.NOT_A_FOLDER, Code.SYMLINK):
            raise
    if code is Code.VANISHED:
        root.make_folder(whole)
        return root.folder(whole)
    root.make_folder(reached)
    for part in parent.split("/"):
        for name in numbered(part):
            try:
                root.make_folder(paths.join(reached, name))
            except ProblemError as error:
                if error.problem.code not in (Code.NOT_A_FOLDER, Code.SYMLINK):
                    raise
            else:
                reached = paths.join(reached, name)
                break
    return root.folder(reached)


def _remove(root: Root, top: str) -> bool:
    """Removes a whole folder, deepest first; follows no links and enters no mount points."""
    pending = [(top, False)]
    complete = True
    while pending:
        path, emptied = pending.pop()
        try:
            with root.folder(paths.parent(path)) as above:
                if emptied:
                    root.system.rmdir(above.fd, paths.name(path))
                    continue
                root.system.open_up(above.fd, paths.name(path))
            with root.folder(path) as folder:
                pending.append((path, True))
                for name in os.listdir(folder.fd):
                    if stat.S_ISDIR(os.lstat(name, dir_fd=folder.fd).st_mode):
                        pending.append((paths.join(path, name), False))
                    else:
                        root.system.unlink(folder.fd, name)
        except (OSError, ProblemError):
            complete = False
    return complete
