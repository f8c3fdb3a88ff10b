"""What becomes of job files that were put aside: a few stay, for a while, for their owner alone.

They contain passwords. How long a file has been there is said by the retention clock, which never
jumps, and kept in a small file beside them (INDEX): a file that is not in it counts as new.
"""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple

import orjson

from cargo_sync.local.system import System
from cargo_sync.model.problems import ProblemError, from_os_error

INDEX: Final = ".since"
_FRESH: Final = ".since.new"
_LARGEST: Final = 1024 * 1024
_DAY: Final = 86_400.0


class _Aside(NamedTuple):
    """A file: since when it is here on the retention clock, and when the system says it came."""

    since: float
    came: int
    name: str


def sweep(folder: str, now: float, days: float, most: int) -> int:
    """Deletes what is too old or too much in a folder of files that were put aside.

    What stays becomes readable by its owner only. Folders in it are left alone.

    Args:
        folder: its path; it may be missing.
        now: of the retention clock.
        days: after which a file goes.
        most: the files that may stay; the newest ones do.

    Returns:
        How many files it deleted.

    Raises:
        ProblemError: the folder cannot be read or changed.
    """
    system = System.choose()
    try:
        try:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
            opened = os.open(folder, flags)
        except FileNotFoundError:
            return 0
        try:
            return _swept(system, opened, now, now - days * _DAY, most)
        finally:
            os.close(opened)
    except OSError as error:
        raise ProblemError(from_os_error(error, folder)) from error


def _swept(system: System, folder: int, now: float, oldest: float, most: int) -> int:
    known = _known(folder)
    found = []
    for name in os.listdir(folder):
        about = os.lstat(name, dir_fd=folder)
        if name in (INDEX, _FRESH) or stat.S_ISDIR(about.st_mode):
            continue
        if stat.S_ISREG(about.st_mode) and stat.S_IMODE(about.st_mode) != 0o600:
            os.chmod(name, 0o600, dir_fd=folder)
        found.append(_Aside(min(now, known.get(name, now)), about.st_ctime_ns, name))
    found.sort(reverse=True)
    stays = [one for one in found[:most] if one.since >= oldest]
    for one in found[len(stays) :]:
        with suppress(FileNotFoundError):
            system.unlink(folder, one.name)
    since = {one.name: one.since for one in stays}
    if since != known:
        _write(system, folder, since)
    return len(found) - len(stays)


def _known(folder: int) -> Mapping[str, float]:
    """Since when each file is here; what cannot be read is not known."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        with open(os.open(INDEX, flags, dir_fd=folder), "rb") as file:
            kept = orjson.loads(file.read(_LARGEST))
    except (OSError, ValueError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {name: at for name, at in kept.items() if isinstance(at, float)}


def _write(system: System, folder: int, since: Mapping[str, float]) -> None:
    with suppress(FileNotFoundError):
        system.unlink(folder, _FRESH)
    file = system.create(folder, _FRESH)
    try:
        system.write(file, orjson.dumps(since), 0)
        system.fsync(file)
    finally:
        os.close(file)
    system.rename(folder, _FRESH, folder, INDEX)
    system.fsync(folder)
