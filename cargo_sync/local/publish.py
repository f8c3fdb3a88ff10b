"""Publishing: moves staged files to their places, durably, in batches; each file can fail alone.

After a crash each path has the old file or the new one, never a mixture. That depends on the order:
contents are synced (`secure`), renamed into place, names are synced, the results checked (`place`),
and only then reported. An entry that is already at the place
is checked first and must be what the caller expects. It is exchanged with the new content and moved
to the trash, so that a reader finds either the old file or the new one.
"""

import os
import stat
from collections.abc import Callable, Sequence
from itertools import groupby, repeat
from typing import Final, NamedTuple

from cargo_sync.local import trash
from cargo_sync.local.folders import Folder
from cargo_sync.local.fresh_folders import StagedFolder
from cargo_sync.local.listing import IDENT
from cargo_sync.local.parts import Staged
from cargo_sync.local.root import above
from cargo_sync.local.staging import PLACE, Staging
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

MANY: Final = 16
"""From this number of files, one sync of the whole file system is cheaper than one per file."""


class Placement(NamedTuple):
    """A staged file, and the entry that must be at its place; None for an unoccupied path."""

    staged: Staged
    expected: Entry | None = None


class Published(NamedTuple):
    """The result of a placement.

    entry      the published entry, with its BLAKE3; None when it failed
    displaced  where in the trash the displaced entry is now, or ""
    drifted    the displaced entry had changed since it was checked, a moment before
    problem    why it failed; the staged file is gone then, unless it has a checkpoint
    """

    entry: Entry | None = None
    displaced: str = ""
    drifted: bool = False
    problem: Problem | None = None


_RENAMED: Final = Published()


def publish(staging: Staging, placements: Sequence[Placement], run: str) -> list[Published]:
    """Calls `secure`, then `place`, for a caller that needs no lock; one result per placement."""
    problems = secure(staging, [placement.staged for placement in placements])
    good = [item for item, problem in zip(placements, problems, strict=True) if problem is None]
    placed = iter(place(staging, good, run))
    return [next(placed) if problem is None else Published(problem=problem) for problem in problems]


def secure(staging: Staging, batch: Sequence[Staged]) -> list[Problem | None]:
    """Makes the contents of staged files durable; returns None or a problem per file.

    A file with a problem is discarded. A failed sync of the whole file system does not say which
    content was lost, and a second one would report success: all files that depend on it are
    discarded.
    """
    root = staging.root
    unsynced = [file for file in batch if not file.durable]
    if root.system.whole_sync and len(unsynced) >= MANY:
        try:
            root.system.syncfs(root.fd)
        except OSError as error:
            for file in unsynced:
                staging.discard(file)
            return [None if file.durable else from_os_error(error, file.path) for file in batch]
        return [None] * len(batch)
    return [None if file.durable else _secure_one(staging, file) for file in batch]


def place(staging: Staging, placements: Sequence[Placement], run: str) -> list[Published]:
    """Does all steps of `Placing`; one result per placement."""
    placing = Placing(staging, run)
    placing.rename(placements)
    placing.sync()
    return placing.confirm([placement.staged for placement in placements])


Moving = Callable[[str, str], None]


class Placing:
    """One batch that is moved into place: `rename` and `confirm` in parts, and `sync` in between.

    Before a `rename` the caller must have looked at what is at the places, and nobody of this
    process may change them in between. The same holds from `confirm` until its results are
    recorded. The sync, which may take long, needs no lock: `confirm` looks again.
    """

    def __init__(self, staging: Staging, run: str) -> None:
        self._staging = staging
        self._root = staging.root
        self._move = staging.root.system.rename_noreplace
        self._run = run
        self._folder: Folder | None = None
        """Consecutive files of one folder share it."""
        self._touched: set[str] = {PLACE}
        """Folders whose names have changed, or may have."""
        self._count = 0
        self._odd: dict[str, Published] = {}
        """Results that are not just "renamed", by the name of the staged file."""
        self._unsure: Problem | None = None
        self._moved: dict[str, tuple[str, os.stat_result]] = {}
        """Folders that were moved as a whole, by path: the beginning of the names that their files
        had in staging, and what they were then."""

    def move_folder(
        self, staged: StagedFolder, files: int, moving: Moving
    ) -> os.stat_result | None:
        """Puts a folder with so many secured files in the place of the new one.

        `moving` is called just before, with its path and the absolute path of the staged one.

        Returns:
            The folder with its files, as it was in staging; None if that was not done, because
            somebody has used the new folder since, or it is not new any more.
        """
        above, _, name = staged.path.rpartition("/")
        root, source = self._root, self._staging.fd
        try:
            with root.folder(above) as folder:
                if not staged.replaces(os.lstat(name, dir_fd=folder.fd)):
                    return None
                if (found := self._staging.complete(staged, files)) is None:
                    return None
                moving(staged.path, self._staging.place(staged.name))
                # Of a folder that is not empty, the system says so and does nothing.
                root.system.rename(source, staged.name, folder.fd, name)
        except (OSError, ProblemError):
            return None
        self._touched.update((above, staged.path))
        self._count += files
        self._moved[staged.path] = f"{staged.name}/", found
        return found

    def rename(self, placements: Sequence[Placement]) -> list[Problem | None]:
        """Renames secured files into place; returns None or a problem per placement."""
        try:
            results = [self._rename(one) for one in placements]
        finally:
            self._close()
        self._count += len(results)
        for one, result in zip(placements, results, strict=True):
            if result is not _RENAMED:
                self._odd[one.staged.name] = result
        return [result.problem for result in results]

    def sync(self) -> None:
        """Makes the names durable."""
        if not self._count:
            return
        try:
            self._root.sync(self._touched, whole=self._count >= MANY)
        except ProblemError as error:
            self._unsure = error.problem  # in place, perhaps not durable: the next look will show

    def confirm(self, files: Sequence[Staged]) -> list[Published]:
        """Checks what is at the places of renamed files now; one result per file."""
        published: list[Published] = []
        try:
            for above, group in groupby(files, _above) if self._moved else (("", files),):
                some = list(group)
                published += self._confirm_moved(above, some) or map(self._confirm, some)
            return published
        finally:
            self._close()

    def _rename(self, placement: Placement) -> Published:
        staged, expected = placement
        above, _, name = staged.path.rpartition("/")
        try:
            folder = self._folder
            if folder is None or folder.path != above:
                folder = self._in(above)
            if expected is None:
                self._onto_nothing(folder, name, staged)
                return _RENAMED
            result = self._onto(folder, name, staged, expected)
        except ProblemError as error:
            self._staging.discard(staged, keep=error.problem.retry)
            return Published(problem=error.problem)
        if result.problem is not None:
            self._staging.discard(staged, keep=result.problem.retry)
        return result

    def _confirm(self, staged: Staged) -> Published:
        """Checks, after the sync, that the entry at the place is the staged one."""
        result = self._odd.get(staged.name, _RENAMED)
        if result.problem is not None:
            return result
        if staged.transfer:
            self._staging.published(staged)
        if self._unsure is not None:
            return result._replace(problem=self._unsure)
        above, _, name = staged.path.rpartition("/")
        try:
            folder = self._folder
            if folder is None or folder.path != above:
                folder = self._in(above, make=False)
            entry = self._published(folder, name, staged)
        except ProblemError as error:
            return result._replace(problem=error.problem)
        if entry is None:
            problem = _changed(staged.path, "changed right after it was published")
            return result._replace(problem=problem)
        return Published._make((entry, result.displaced, result.drifted, None))

    def _confirm_moved(self, path: str, files: Sequence[Staged]) -> list[Published] | None:
        """Files that came with their folder need no look while it has the same names.

        A file does not change when the folder above it moves, or it has another ctime afterwards,
        which the next look sees. A look at one of them shows that their file system does so too.

        Returns:
            Their results; None if each must be looked at.
        """
        begins, moved = self._moved.get(path, ("", None))
        if moved is None or self._unsure is not None:
            return None
        taken, names, idents, sizes, mtimes, hashes, *_, modes, ctimes = zip(*files, strict=True)
        # All that is between two names in the order has what is common to their beginnings.
        if not (min(names).startswith(begins) and max(names).startswith(begins)):
            return None
        start, kind, none = len(path) + 1, repeat(FILE), repeat("")
        places = [place[start:] for place in taken]
        rows = zip(places, kind, sizes, mtimes, modes, ctimes, idents, hashes, none, strict=False)
        entries = list(map(Entry._make, rows))
        try:
            folder = self._in(path, make=False)
            if not _has_same_names(folder, moved):
                return None
            if self._published(folder, places[0], files[0]) != entries[0]:
                return None
        except ProblemError:
            return None
        results = zip(entries, none, repeat(False), repeat(None), strict=False)
        return list(map(Published._make, results))

    def _published(self, folder: Folder, name: str, staged: Staged) -> Entry | None:
        """The entry at the place, if it is the staged one. The rename gave it another ctime."""
        if staged.target:
            found = self._root.look(folder, name)
            return found if found is not None and _is(found, staged) else None
        try:
            there = os.lstat(name, dir_fd=folder.fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProblemError(from_os_error(error, staged.path)) from error
        mode, size, mtime = there.st_mode, there.st_size, there.st_mtime_ns
        ident = there.st_ino & IDENT
        if (ident, size, mtime) != staged[2:5] or not stat.S_ISREG(mode):
            return None
        mode, ctime = mode & 0o7777, there.st_ctime_ns
        return Entry._make((name, FILE, size, mtime, mode, ctime, ident, staged.hash, ""))

    def _close(self) -> None:
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def _in(self, path: str, *, make: bool = True) -> Folder:
        if self._folder is not None and self._folder.path == path:
            return self._folder
        self._close()
        try:
            self._folder = self._root.folder(path)
        except ProblemError as error:
            if error.problem.code != Code.VANISHED or not make:
                raise
            self._touched.update(above(self._root.make_folder(path)))
            self._folder = self._root.folder(path)
        self._touched.add(path)
        return self._folder

    def _onto_nothing(self, folder: Folder, name: str, staged: Staged) -> None:
        source = self._staging.fd
        try:
            try:
                self._move(source, staged.name, folder.fd, name)
            except FileNotFoundError:
                self._close()  # another lane may have put a folder with files in its place
                self._move(source, staged.name, self._in(folder.path).fd, name)
        except FileExistsError as error:
            path = staged.path
            problem = Problem(
                Code.OCCUPIED, f"{path!r} appeared meanwhile; it is not replaced", path
            )
            raise ProblemError(problem) from error
        except OSError as error:
            raise ProblemError(from_os_error(error, staged.path)) from error

    def _onto(self, folder: Folder, name: str, staged: Staged, expected: Entry) -> Published:
        root, path = self._root, staged.path
        found = root.look(folder, name)
        if found is None or not found.same_state(expected):
            return Published(
                problem=_changed(path, "changed since the plan was made; it is not replaced")
            )
        with trash.spare(root, path, self._run) as (aside, names, touched):
            taken = next(unused for unused in names if root.look(aside, unused) is None)
            there = paths.join(aside.path, taken)
            self._touched.update(touched)
            problem = None
            try:
                root.system.swap_in(self._staging.fd, staged.name, folder.fd, name, aside.fd, taken)
            except OSError as error:
                problem = from_os_error(error, path)
            displaced = root.look(aside, taken)
        if displaced is None:
            return Published(problem=problem)
        return Published(displaced=there, drifted=not _same(displaced, found), problem=problem)


def _secure_one(staging: Staging, file: Staged) -> Problem | None:
    try:
        fd = os.open(file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=staging.fd)
        try:
            staging.root.system.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        staging.discard(file)
        return from_os_error(error, file.path)
    return None


def _above(staged: Staged) -> str:
    return staged.path.rpartition("/")[0]


def _has_same_names(folder: Folder, moved: os.stat_result) -> bool:
    """Whether an open folder is the one that was moved, and no name in it has changed."""
    found = os.fstat(folder.fd)
    return os.path.samestat(found, moved) and found.st_mtime_ns == moved.st_mtime_ns


def _same(displaced: Entry, checked: Entry) -> bool:
    """Whether two entries are the same file; the rename changed the ctime, so it is ignored."""
    return displaced._replace(name="", version=0) == checked._replace(name="", version=0)


def _is(found: Entry, staged: Staged) -> bool:
    return (found.ident, found.size, found.mtime_ns, found.target) == (
        staged.ident,
        staged.size,
        staged.mtime_ns,
        staged.target,
    )


def _changed(path: str, words: str) -> Problem:
    return Problem(Code.CHANGED, f"{path!r} {words}", path=path)
