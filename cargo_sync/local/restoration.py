"""Restoring: a version goes from the trash to its place, and what stands there goes to the trash.

Nothing is overwritten: a free name is taken without replacing, a taken one is exchanged in one step
where the system can, and the entry that stood there gets a place in the trash of the restore's own
run. After a crash in between, each of the two is at the place or in the trash; what has no row
there is found again (`trash_upkeep`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from cargo_sync.local import trash
from cargo_sync.local.ledger import TrashLedger
from cargo_sync.local.root import ABSENT, Root
from cargo_sync.local.root import above as parents
from cargo_sync.model import paths
from cargo_sync.model.displaced import (
    UNMEASURED,
    DisplacedVersion,
    Restored,
    TrashCause,
    TrashState,
    not_kept,
)
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

SHOWN: Final = 20
"""Names of a folder in the trash that a problem tells."""
TOGETHER: Final = 100
"""Versions that are synced and recorded together."""


@dataclass(slots=True)
class Restoration:
    """What restoring one version did to the folder.

    path       where it is now
    displaced  what stood there, or in a folder that was there already
    touched    the folders to sync, so that all of it is durable
    merged     a folder was there already, and got what was in the restored one
    rest       the rest of the version is still in the trash: only what is inside was restored
    """

    path: str
    displaced: list[DisplacedVersion] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    merged: bool = False
    rest: bool = False


def restore_all(
    root: Root, ledger: TrashLedger, ids: Sequence[int], to: str, run: str, inside: str = ""
) -> list[Restored | Problem]:
    """Restores versions, durably, and records that; one result per id, each on its own.

    Args:
        root: the folder.
        ledger: of its trash.
        ids: of the versions, in the order in which they are restored.
        to: the folder below which they go; "" for their own places.
        run: the name of the trash folder for what stands at their places.
        inside: only what has this path in the folders that the versions are; "" for all of them.

    Raises:
        ProblemError: the disk cannot be synced, or the ledger not be written.
    """
    results: list[Restored | Problem] = []
    for start in range(0, len(ids), TOGETHER):
        some = ids[start : start + TOGETHER]
        kept = dict(ledger.kept(some))
        done: dict[int, Restoration] = {}
        problems: dict[int, Problem] = {}
        for id, version in kept.items():
            try:
                path = paths.join(to, version.path)
                done[id] = restore(root, version.place, path, run, inside=inside)
            except ProblemError as error:
                problems[id] = error.problem
        root.sync(chain.from_iterable(one.touched for one in done.values()))
        with ledger.together():
            record(ledger, done, problems)
        for id in some:
            one = done.get(id)
            results.append(
                Restored(id, one.path, len(one.displaced))
                if one is not None
                else problems.get(id) or not_kept(id)
            )
    return results


def record(
    ledger: TrashLedger, done: Mapping[int, Restoration], problems: Mapping[int, Problem]
) -> None:
    """Records versions that were restored, what stood there, and those that were not there."""
    for id, one in done.items():
        ledger.add(one.displaced)
        if one.rest:
            ledger.measured([(id, UNMEASURED)])
        else:
            ledger.ended([id], TrashState.RESTORED, one.path)
    gone = [id for id, problem in problems.items() if problem.code is Code.VANISHED]
    ledger.ended(gone, TrashState.FREED)


def restore(
    root: Root, place: str, path: str, run: str, user: str = "", inside: str = ""
) -> Restoration:
    """Moves the version at `place` in the trash to `path`; folders above it are made.

    A folder that meets a folder is merged with it, file by file.

    Args:
        root: the folder.
        place: in the trash.
        path: where it shall be.
        run: the name of the trash folder for what stands there.
        user: who asks for it, on a server.
        inside: only what has this path in the folder that the version is; "" for all of it.

    Raises:
        ProblemError: `vanished`, it is not in the trash; `unknown`, it has nothing `inside`;
            `occupied`, a folder stands where a file
            shall be; `not_a_folder`, a file stands where a folder above it shall be; or why it
            cannot be moved.
    """
    if not paths.check(path):
        raise ProblemError(Problem(Code.BAD_PATH, "a version needs a path", retry=False))
    found = _in_trash(root, place, path)
    done = Restoration(paths.check(paths.join(path, inside)) if inside else path)
    if inside:
        found = _inside(root, place, path, inside)
    part = paths.join(place, inside) if inside else place
    _restore(root, part, done.path, found, run, user, done)
    done.touched.add(paths.parent(part))
    trash.remove_empty(root, paths.parent(part))
    done.rest = bool(inside) and root.entry(place) is not None
    return done


def _inside(root: Root, place: str, path: str, inside: str) -> Entry:
    """What has the path `inside` in the version at `place`, whose own path is `path`."""
    found = _entry(root, paths.join(place, inside))
    if found is not None:
        return found
    above = paths.parent(inside)
    while above and _entry(root, paths.join(place, above)) is None:
        above = paths.parent(above)
    message = f"the version of {path!r} in the trash has no {inside!r}"
    problem = Problem(Code.UNKNOWN, message, path, _contents(root, place, above), retry=False)
    raise ProblemError(problem)


def _contents(root: Root, place: str, folder: str) -> str:
    """What is in a folder of a version, in words."""
    there = paths.join(place, folder) if folder else place
    entry = _entry(root, there)
    if entry is None or entry.kind != FOLDER:
        return "it is no folder"
    names = root.names(there)
    some = [repr(paths.join(folder, name)) for name in names.between(0, SHOWN)]
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"it has {', '.join(some)}{more}" if some else "it is empty"


def _entry(root: Root, path: str) -> Entry | None:
    try:
        return root.entry(path)
    except ProblemError as error:
        if error.problem.code not in ABSENT:
            raise
        return None


def _in_trash(root: Root, place: str, path: str) -> Entry:
    found = _entry(root, place)
    if found is None:
        message = f"{path!r} is not in the trash any more: somebody has removed it there"
        raise ProblemError(Problem(Code.VANISHED, message, path, retry=False))
    return found


def _restore(
    root: Root, place: str, path: str, found: Entry, run: str, user: str, done: Restoration
) -> None:
    above = paths.parent(path)
    if above:
        made = root.make_folder(above)
        done.touched.update((*made, *parents(made)))
    done.touched.add(above)
    with root.folder(paths.parent(place)) as source, root.folder(above) as target:
        old, new = paths.name(place), paths.name(path)
        try:
            root.system.rename_noreplace(source.fd, old, target.fd, new)
        except FileExistsError:
            there = root.look(target, new)
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        else:
            return
        if there is None or there.kind != FOLDER:
            with trash.spare(root, path, run) as (aside, names, touched):
                taken = next(name for name in names if root.look(aside, name) is None)
                try:
                    root.system.swap_in(source.fd, old, target.fd, new, aside.fd, taken)
                except OSError as error:
                    raise ProblemError(from_os_error(error, path)) from error
                stood = root.look(aside, taken)
                done.touched.update(touched)
            if stood is not None:
                at = paths.join(aside.path, taken)
                cause = TrashCause.RESTORED
                done.displaced.append(DisplacedVersion.of(stood, path, at, cause, user))
            return
    if found.kind != FOLDER:
        message = f"a folder stands at {path!r}: it is not replaced by a file"
        hint = "restore it to another folder, or move that one away first"
        raise ProblemError(Problem(Code.OCCUPIED, message, path, hint, retry=False))
    done.merged = True
    _merge(root, place, path, run, user, done)


def _merge(root: Root, place: str, path: str, run: str, user: str, done: Restoration) -> None:
    """Moves what is in a folder of the trash into the folder at `path`."""
    names = root.names(place)
    for name in names.between(0, len(names)):
        one, to = paths.join(place, name), paths.join(path, name)
        entry = root.entry(one)
        if entry is not None:
            _restore(root, one, to, entry, run, user, done)
    trash.remove_empty(root, place)
