"""Publishing: staged files to their places, a batch at a time, durably, each failing alone.

The order is what promise 3 rests on: contents synced (`secure`), renamed into place, names synced,
looked at (`place`), and only then reported. What stands at a place is looked at first and must be
what the caller expects; it is exchanged against the new content and ends in trash, so that a reader
finds the old or the new.
"""

import os
from collections.abc import Sequence
from typing import Final, NamedTuple

from cargo_sync.local import trash
from cargo_sync.local.folders import Folder
from cargo_sync.local.parts import Staged
from cargo_sync.local.root import above
from cargo_sync.local.staging import PLACE, Staging
from cargo_sync.model import paths
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

MANY: Final = 16
"""From so many files on one sync of the whole file system is cheaper than one each."""


class Placement(NamedTuple):
    """A staged file, and what must stand at its place; None for an unoccupied path."""

    staged: Staged
    expected: Entry | None = None


class Published(NamedTuple):
    """What became of a placement.

    entry      as it stands at its place, with its BLAKE3; None when it does not
    displaced  where in the trash what stood there lies, or ""
    drifted    what was displaced had changed since it was looked at, a moment before
    problem    why it failed; the staged file is gone then, but for one that has a checkpoint
    """

    entry: Entry | None = None
    displaced: str = ""
    drifted: bool = False
    problem: Problem | None = None


def publish(staging: Staging, placements: Sequence[Placement], run: str) -> list[Published]:
    """`secure`, then `place`, for a caller who holds no lock in between; one result a placement, in
    order."""
    problems = secure(staging, [placement.staged for placement in placements])
    good = [one for one, problem in zip(placements, problems, strict=True) if problem is None]
    placed = iter(place(staging, good, run))
    return [next(placed) if problem is None else Published(problem=problem) for problem in problems]


def secure(staging: Staging, batch: Sequence[Staged]) -> list[Problem | None]:
    """Makes the contents of staged files durable; a problem for each that is not, which is
    discarded.

    A failed sync of the whole file system cannot say whose content was lost, and a second one would
    claim success: all files that hang on it are discarded.
    """
    root = staging.root
    loose = [one for one in batch if not one.durable]
    if root.system.whole_sync and len(loose) >= MANY:
        try:
            root.system.syncfs(root.fd)
        except OSError as error:
            for one in loose:
                staging.discard(one)
            return [None if one.durable else from_os_error(error, one.path) for one in batch]
        return [None] * len(batch)
    return [None if one.durable else _secure_one(staging, one) for one in batch]


def place(staging: Staging, placements: Sequence[Placement], run: str) -> list[Published]:
    """Renames secured files into place, makes that durable, looks at each; one result a
    placement."""
    root = staging.root
    batch = _Batch(staging, run)
    try:
        results = [batch.rename(placement) for placement in placements]
        batch.close()
        unsure = None
        try:
            root.sync(batch.touched, whole=len(placements) >= MANY)
        except ProblemError as error:
            unsure = error.problem  # in place, but nobody knows for how long: the next look tells
        return [
            result if result.problem else batch.confirm(placement, result, unsure)
            for placement, result in zip(placements, results, strict=True)
        ]
    finally:
        batch.close()


class _Batch:
    """One batch on its way into place. Consecutive files of one folder share its lease."""

    def __init__(self, staging: Staging, run: str) -> None:
        self._staging = staging
        self._root = staging.root
        self._run = run
        self._folder: Folder | None = None
        self.touched: set[str] = set()

    def rename(self, placement: Placement) -> Published:
        staged, expected = placement
        path = staged.path
        try:
            folder = self._in(paths.parent(path))
            if expected is None:
                self._onto_nothing(folder, path, staged)
                result = Published()
            else:
                result = self._onto(folder, path, staged, expected)
        except ProblemError as error:
            self._staging.discard(staged, keep=error.problem.retry)
            return Published(problem=error.problem)
        if result.problem is not None:
            self._staging.discard(staged, keep=result.problem.retry)
        return result

    def confirm(self, placement: Placement, result: Published, unsure: Problem | None) -> Published:
        """After the last sync: what stands there must be what was staged."""
        staged = placement.staged
        path = staged.path
        self._staging.published(staged)
        if unsure is not None:
            return result._replace(problem=unsure)
        try:
            found = self._root.look(self._in(paths.parent(path), make=False), paths.name(path))
        except ProblemError as error:
            return result._replace(problem=error.problem)
        if found is None or not _is(found, staged):
            return result._replace(problem=_changed(path, "changed as soon as it was published"))
        return Published(found._replace(hash=staged.hash), result.displaced, result.drifted)

    def close(self) -> None:
        if self._folder is not None:
            self._folder.__exit__(None, None, None)
            self._folder = None

    def _in(self, path: str, *, make: bool = True) -> Folder:
        if self._folder is not None and self._folder.path == path:
            return self._folder
        self.close()
        try:
            self._folder = self._root.folder(path)
        except ProblemError as error:
            if error.problem.code != Code.VANISHED or not make:
                raise
            self.touched.update(above(self._root.make_folder(path)))
            self._folder = self._root.folder(path)
        return self._folder

    def _onto_nothing(self, folder: Folder, path: str, staged: Staged) -> None:
        system = self._root.system
        try:
            system.rename_noreplace(self._staging.fd, staged.name, folder.fd, paths.name(path))
        except FileExistsError as error:
            raise ProblemError(
                Problem(
                    Code.OCCUPIED, f"something appeared at {path!r}; it is left alone", path=path
                )
            ) from error
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        self.touched.update((folder.path, PLACE))

    def _onto(self, folder: Folder, path: str, staged: Staged, expected: Entry) -> Published:
        root, name = self._root, paths.name(path)
        found = root.look(folder, name)
        if found is None or not found.same_state(expected):
            return Published(
                problem=_changed(path, "is not what was planned to be replaced; it is left alone")
            )
        with trash.spare(root, path, self._run) as (aside, names):
            taken = next(one for one in names if root.look(aside, one) is None)
            there = paths.join(aside.path, taken)
            self.touched.update((PLACE, *trash.touched(path, there)))
            problem = None
            try:
                root.system.swap_in(self._staging.fd, staged.name, folder.fd, name, aside.fd, taken)
            except OSError as error:
                problem = from_os_error(error, path)
            displaced = root.look(aside, taken)
        if displaced is None:
            return Published(problem=problem)
        return Published(displaced=there, drifted=not _same(displaced, found), problem=problem)


def _secure_one(staging: Staging, one: Staged) -> Problem | None:
    try:
        fd = os.open(one.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=staging.fd)
        try:
            staging.root.system.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        staging.discard(one)
        return from_os_error(error, one.path)
    return None


def _same(displaced: Entry, looked_at: Entry) -> bool:
    """Whether it is what was looked at; the rename itself gave it a new ctime, so that cannot
    tell."""
    return displaced._replace(name="", version=0) == looked_at._replace(name="", version=0)


def _is(found: Entry, staged: Staged) -> bool:
    return (found.ident, found.size, found.mtime_ns, found.target) == (
        staged.ident,
        staged.size,
        staged.mtime_ns,
        staged.target,
    )


def _changed(path: str, words: str) -> Problem:
    return Problem(Code.CHANGED, f"{path!r} {words}", path=path)
