"""The upkeep of a trash: what lies there without a row gets one, and what is overdue is freed.

A row is written in the transaction that records what displaced the version. So after a kill, or a
cut between a rename and that transaction, a version may have none. It is found here: where a run's
folder has no row at all, where a run has used its folder since the last upkeep, and everywhere
after an unclean stop. What somebody removed from the trash themselves is noted as freed, once it
would be.

A file is removed before that is recorded. After a kill in between, it is found gone the next time.
"""

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from cargo_sync.local import trash
from cargo_sync.local.ledger import TrashLedger
from cargo_sync.local.root import Root
from cargo_sync.local.trash import PLACE
from cargo_sync.local.trash_freeing import PART, Remove, free
from cargo_sync.machines.quota import Use
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model import paths
from cargo_sync.model.displaced import (
    UNMEASURED,
    DisplacedVersion,
    KeptVersion,
    TrashCause,
    TrashState,
    TrashTotals,
)
from cargo_sync.model.entries import FILE, FOLDER, LINK
from cargo_sync.model.problems import Code, ProblemError

FOLDERS: Final = 100
"""Folders that are measured in one upkeep."""


def keep_up(
    root: Root,
    ledger: TrashLedger,
    limits: TrashLimits,
    used: Collection[str] = (),
    busy: Collection[str] = (),
) -> TrashTotals:
    """Records what lies in the trash without a row, then frees what is overdue.

    Args:
        root: the folder.
        ledger: of its trash.
        limits: how much it keeps.
        used: runs that have displaced something since the last upkeep, and have recorded it.
        busy: runs that may be displacing something now.

    Returns:
        What was freed.

    Raises:
        ProblemError: the trash cannot be read, or the ledger not be written.
    """
    adopt(root, ledger, used, busy)
    sizes = [(id, size_of(root, place)) for id, place in ledger.unmeasured(FOLDERS)]
    if sizes:
        ledger.measured(sizes)
    return free(ledger, limits, remover(root, ledger))


def remover(root: Root, ledger: TrashLedger) -> Remove:
    """Removes versions of this trash.

    What cannot be removed is tried again. Raises ProblemError: the ledger cannot be written.
    """

    def remove(some: Sequence[KeptVersion]) -> list[KeptVersion]:
        gone = [one for one in some if trash.remove(root, one.place)]
        ledger.ended([one.id for one in gone], TrashState.FREED)
        for above in {paths.parent(one.place): None for one in gone}:
            trash.remove_empty(root, above)
        return gone

    return remove


def adopt(
    root: Root, ledger: TrashLedger, used: Collection[str] = (), busy: Collection[str] = ()
) -> None:
    """Records versions without a row; their age begins now. See `keep_up`.

    Raises:
        ProblemError: the trash cannot be read, or the ledger not be written.
    """
    try:
        with root.folder(PLACE) as folder:
            there = {name for name in os.listdir(folder.fd) if trash.is_run(name)} - set(busy)
    except ProblemError as error:
        if error.problem.code != Code.VANISHED:
            raise
        there = set()
    complete = ledger.is_complete()
    doubtful = (there - ledger.runs()) | (there & set(used)) if complete else there
    for run in sorted(doubtful):
        part: list[DisplacedVersion] = []
        for found in _versions(root, ledger, run):
            part.append(found)
            if len(part) == PART:
                _add(ledger, part)
                part = []
        _add(ledger, part)
        trash.remove_empty(root, paths.join(PLACE, run))
    if not complete:
        ledger.completed()


def size_of(root: Root, place: str) -> int:
    """The bytes of the files in a folder of the trash, as far as it can be read."""
    return contents_of(root, place).bytes


def contents_of(root: Root, place: str) -> Use:
    """How much is in a folder of the trash, as far as it can be read."""
    size, files, pending = 0, 0, [place]
    while pending:
        path = pending.pop()
        try:
            with root.folder(path) as folder, os.scandir(folder.fd) as names:
                for one in names:
                    found = one.stat(follow_symlinks=False)
                    if stat.S_ISDIR(found.st_mode):
                        pending.append(paths.join(path, one.name))
                    else:
                        size += found.st_size if stat.S_ISREG(found.st_mode) else 0
                        files += 1
        except (OSError, ProblemError):
            continue
    return Use(size, files)


def _add(ledger: TrashLedger, found: Sequence[DisplacedVersion]) -> None:
    known = ledger.known([one.place for one in found])
    ledger.add([one for one in found if one.place not in known])


def _versions(root: Root, ledger: TrashLedger, run: str) -> Iterator[DisplacedVersion]:
    """What may be versions in a run's folder; a folder that has a row of its own is one."""
    pending = [paths.join(PLACE, run)]
    while pending:
        place = pending.pop()
        try:
            with root.folder(place) as folder:
                names = os.listdir(folder.fd)
                found = [(name, os.lstat(name, dir_fd=folder.fd)) for name in names]
        except FileNotFoundError:
            continue  # it is being used just now
        except OSError:
            found = None
        except ProblemError:
            continue
        is_run = place.count("/") == PLACE.count("/") + 1
        if not is_run and not (found and _are_usable(found)):
            yield _found(run, place, None)
            continue
        found = found or []
        for start in range(0, len(found), PART):
            some = found[start : start + PART]
            folders = [
                paths.join(place, name) for name, status in some if stat.S_ISDIR(status.st_mode)
            ]
            known = ledger.known(folders) if folders else set()
            pending += [path for path in folders if path not in known]
            yield from (
                _found(run, paths.join(place, name), status)
                for name, status in some
                if not stat.S_ISDIR(status.st_mode) and _is_usable(name, status)
            )


def _found(run: str, place: str, status: os.stat_result | None) -> DisplacedVersion:
    path = place[len(PLACE) + len(run) + 2 :]
    if status is None:
        return DisplacedVersion(path, place, FOLDER, UNMEASURED, "", 0, TrashCause.FOUND, run)
    kind = LINK if stat.S_ISLNK(status.st_mode) else FILE
    mtime = max(-(2**63), min(2**63 - 1, status.st_mtime_ns))
    return DisplacedVersion(path, place, kind, status.st_size, "", mtime, TrashCause.FOUND, run)


def _are_usable(found: Sequence[tuple[str, os.stat_result]]) -> bool:
    """Whether each of these can have a row; else the folder that they are in gets one."""
    return all(_is_usable(name, status) for name, status in found)


def _is_usable(name: str, status: os.stat_result) -> bool:
    mode = status.st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
