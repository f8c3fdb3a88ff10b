"""Publishing: moves staged files to their places, durably, in batches; each file can fail alone.

After a crash each path has the old file or the new one, never a mixture. That depends on the order:
contents are synced (`secure`), renamed into place, names are synced, the results checked
(`Placing`), and only then reported. An entry that is already at the place is checked first and must
be what the caller expects. It is exchanged with the new content and moved to the trash, so that a
reader finds either the old file or the new one.
"""

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from cargo_sync.local import trash
from cargo_sync.local.folders import Folder
from cargo_sync.local.fresh_folders import StagedFolder
from cargo_sync.local.listing import IDENT
from cargo_sync.local.parts import Staged
from cargo_sync.local.root import above
from cargo_sync.local.staging import PLACE, Staging
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, Entry, EntryColumns
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error

MANY: Final = 16
"""From this number of files, one sync of the whole file system is cheaper than one per file."""


class Aside(NamedTuple):
    """Where a displaced entry is.

    place    in the trash
    drifted  it had changed since it was checked, a moment before
    """

    place: str
    drifted: bool


class Published(NamedTuple):
    """The files and links that are at their places.

    entries    they, in order, with their BLAKE3
    displaced  what they have displaced, by their paths
    """

    entries: EntryColumns
    displaced: Mapping[str, Aside]


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
        self._failed: dict[str, Problem] = {}
        """By the name of the staged file."""
        self._displaced: dict[str, Aside] = {}
        """By the path of what displaced it."""
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

    def rename(
        self, files: Sequence[Staged], expected: Sequence[Entry | None]
    ) -> list[Problem | None]:
        """Renames secured files into place.

        Args:
            files: they are gone if they fail, unless they have a checkpoint.
            expected: the entry that must be at the place of each; None for an unoccupied path.

        Returns:
            None or a problem per file.
        """
        try:
            problems = list(map(self._rename, files, expected))
        finally:
            self._close()
        self._count += len(problems)
        if any(problems):
            for staged, problem in zip(files, problems, strict=True):
                if problem is not None:
                    self._failed[staged.name] = problem
        return problems

    def sync(self) -> None:
        """Makes the names durable."""
        if not self._count:
            return
        try:
            self._root.sync(self._touched, whole=self._count >= MANY)
        except ProblemError as error:
            self._unsure = error.problem  # in place, perhaps not durable: the next look will show

    def confirm(self, files: Sequence[Staged]) -> tuple[Published, dict[int, Problem]]:
        """Checks what is at the places of renamed files now.

        Returns:
            Those that are there, in order, and why the others failed, by their numbers in `files`.
        """
        parts: list[EntryColumns] = []
        problems: dict[int, Problem] = {}
        start = 0
        try:
            for above, group in groupby(files, _above) if self._moved else (("", files),):
                some = list(group)
                part = self._confirm_moved(above, some) if self._moved else None
                parts.append(part or self._confirm_each(some, start, problems))
                start += len(some)
        finally:
            self._close()
        return Published(EntryColumns.joined(parts), self._displaced), problems

    def _rename(self, staged: Staged, expected: Entry | None) -> Problem | None:
        above, _, name = staged.path.rpartition("/")
        problem: Problem | None = None
        try:
            folder = self._folder
            if folder is None or folder.path != above:
                folder = self._in(above)
            if expected is None:
                self._onto_nothing(folder, name, staged)
                return None
            problem = self._onto(folder, name, staged, expected)
        except ProblemError as error:
            problem = error.problem
        if problem is not None:
            self._staging.discard(staged, keep=problem.retry)
        return problem

    def _confirm_each(
        self, files: Sequence[Staged], start: int, problems: dict[int, Problem]
    ) -> EntryColumns:
        """Looks at each; adds the problems, numbered from `start`."""
        found: list[Entry] = []
        for number, staged in enumerate(files, start):
            try:
                found.append(self._confirm(staged))
            except ProblemError as error:
                problems[number] = error.problem
        return EntryColumns.of(found)

    def _confirm(self, staged: Staged) -> Entry:
        """Checks, after the sync, that the entry at the place is the staged one."""
        if (failed := self._failed.get(staged.name)) is not None:
            raise ProblemError(failed)
        if staged.transfer:
            self._staging.published(staged)
        if self._unsure is not None:
            raise ProblemError(self._unsure)
        above, _, name = staged.path.rpartition("/")
        folder = self._folder
        if folder is None or folder.path != above:
            folder = self._in(above, make=False)
        entry = self._published(folder, name, staged)
        if entry is None:
            raise ProblemError(_changed(staged.path, "changed right after it was published"))
        return entry

    def _confirm_moved(self, path: str, files: Sequence[Staged]) -> EntryColumns | None:
        """Files that came with their folder need no look while it has the same names.

        A file does not change when the folder above it moves, or it has another ctime afterwards,
        which the next look sees. A look at one of them shows that their file system does so too.

        Returns:
            What is there; None if each must be looked at.
        """
        begins, moved = self._moved.get(path, ("", None))
        if moved is None or self._unsure is not None:
            return None
        columns = map(list, zip(*files, strict=True))
        taken, names, idents, sizes, times, hashes, targets, _, _, modes, ctimes, _ = columns
        # All that is between two names in the order has what is common to their beginnings.
        if not (min(names).startswith(begins) and max(names).startswith(begins)):
            return None
        start = len(path) + 1
        places, kinds = [place[start:] for place in taken], [FILE] * len(files)
        entries = EntryColumns(places, kinds, sizes, times, modes, ctimes, idents, hashes, targets)
        try:
            folder = self._in(path, make=False)
            if not _has_same_names(folder, moved):
                return None
            if self._published(folder, places[0], files[0]) != entries.entry(0):
                return None
        except ProblemError:
            return None
        return entries

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

    def _onto(self, folder: Folder, name: str, staged: Staged, expected: Entry) -> Problem | None:
        root, path = self._root, staged.path
        found = root.look(folder, name)
        if found is None or not found.same_state(expected):
            return _changed(path, "changed since the plan was made; it is not replaced")
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
        if displaced is not None:
            self._displaced[path] = Aside(there, not _same(displaced, found))
        return problem


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
