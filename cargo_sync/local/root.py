"""A root: a folder held by its descriptor. All paths are relative to it; links are not followed."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from cargo_sync.local.folders import Folder, open_below, open_folder
from cargo_sync.local.listing import (
    Excluded,
    FolderPart,
    NameList,
    entry_of,
    inode,
    listed_in,
    names_in,
    nothing_excluded,
)
from cargo_sync.local.system import System
from cargo_sync.model import paths
from cargo_sync.model.entries import PERMISSIONS, Entry, EntryColumns, Listing
from cargo_sync.model.large_folders import MOST, cuts
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError, changed, from_os_error
from cargo_sync.process import descriptors

FEW: Final = 4
"""So many folders are synced one by one, even if the whole file system can be synced at once."""

ABSENT: Final = frozenset({Code.VANISHED, Code.NOT_A_FOLDER})
"""Problems with a parent which mean that there is nothing at a path."""

_FOREIGN: Final = Problem(
    Code.FOREIGN_FOLDER,
    f"{RESERVED!r} in the folder belongs to another user, who could change what is kept there",
    hint="remove it, or, if you trust what is in it, give it to the folder's owner (chown -R)",
)


class Root:
    """One open root; several threads may use it.

    device  the number of its file system
    """

    def __init__(self, path: str, fd: int, system: System) -> None:
        self.path = path
        self.fd = fd
        self.system = system
        found = os.fstat(fd)
        self.device, self._inode, self._owner = found.st_dev, found.st_ino, found.st_uid

    @classmethod
    def open(cls, path: str, system: System | None = None) -> "Root":
        """Opens the folder at `path`. Links in `path` itself are followed: a person chose it.

        Raises:
            ProblemError: it cannot be opened; `unsupported` on this platform.
        """
        system = system or System.choose()
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            descriptors.below(descriptors.kept_line(system.line), fd)
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        return cls(os.path.abspath(path), fd, system)

    def __repr__(self) -> str:
        return f"Root({self.path!r})"

    @property
    def identity(self) -> str:
        """Device and inode as "device:inode"; a folder mounted or made again has another one."""
        return f"{self.device}:{self._inode}"

    @property
    def lasting_identity(self) -> str:
        """As `identity`, but with the number that most file systems keep across restarts."""
        return f"{os.fstatvfs(self.fd).f_fsid or self.device:x}:{self._inode}"

    @property
    def read_only(self) -> bool:
        """Whether the file system cannot be written to now: it can be mounted anew at any time."""
        return self.system.read_only(self.fd)

    def folds_names(self) -> bool:
        """Whether its file system takes names that differ in case for one.

        The answer is no as long as our own folder is not there.
        """
        try:
            ours, other = (os.lstat(name, dir_fd=self.fd) for name in (RESERVED, RESERVED.upper()))
        except OSError:
            return False
        return os.path.samestat(ours, other)

    def still_there(self) -> bool:
        """True when the path still leads to the folder that was opened."""
        try:
            found = os.stat(self.path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (self.device, self._inode)

    def close(self) -> None:
        """Closes it. What still uses it then reaches nothing, and no other folder either."""
        fd, self.fd = self.fd, -1
        os.close(fd)

    # -- reading -----------------------------------------------------------------------------------

    def folder(self, path: str) -> Folder:
        """A folder below the root, for a `with`; see `open_folder`. Raises ProblemError."""
        if paths.is_below(path, RESERVED):
            return self._own_folder(path)
        return open_folder(self.system, self.fd, self.device, path)

    def _own_folder(self, path: str) -> Folder:
        """`.cargo_sync` or a folder below it, unless another user has prepared it."""
        with open_folder(self.system, self.fd, self.device, RESERVED) as own:
            if not may_keep_ours(os.fstat(own.fd).st_uid, self._owner):
                raise ProblemError(_FOREIGN)
            rest = path[len(RESERVED) + 1 :]
            return open_folder(self.system, own.fd, self.device, rest, RESERVED)

    def open_file(self, path: str) -> int:
        """Opens a file below the root for reading; its descriptor. Raises ProblemError."""
        return open_below(self.system, self.fd, path, os.O_RDONLY | os.O_NONBLOCK)

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, by lstat; None if there is none.

        Raises:
            ProblemError: it cannot be read, a parent is a link, or it is neither a file nor a
                folder nor a link.
        """
        try:
            with self.folder(paths.parent(path)) as above:
                found = self.look(above, paths.name(path) or ".")
                return found and found._replace(name=paths.name(path))
        except ProblemError as error:
            if error.problem.code in ABSENT:
                return None
            raise

    def entries(self, some: Sequence[str]) -> list[Entry | Problem | None]:
        """As `entry`, for many paths; each can fail alone. Neighbours open their folder once."""
        found: list[Entry | Problem | None] = []
        for parent, group in groupby(some, paths.parent):
            together = list(group)
            try:
                with self.folder(parent) as folder:
                    found += [self._look_alone(folder, path) for path in together]
            except ProblemError as error:
                missing = error.problem.code in ABSENT
                found += [None if missing else error.problem] * len(together)
        return found

    def _look_alone(self, folder: Folder, path: str) -> Entry | Problem | None:
        try:
            return self.look(folder, paths.name(path))
        except ProblemError as error:
            return error.problem

    def look(self, folder: Folder, name: str) -> Entry | None:
        """As `entry`, for a name in an open folder."""
        path = paths.join(folder.path, name)
        try:
            found = os.lstat(name, dir_fd=folder.fd)
            target = os.readlink(name, dir_fd=folder.fd) if stat.S_ISLNK(found.st_mode) else ""
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        entry = entry_of(name, found, target)
        if isinstance(entry, str):
            raise ProblemError(Problem(Code.SPECIAL, f"{path!r} {entry}", path=path))
        return entry

    def leads_to(self, path: str, folder: int) -> bool:
        """Whether `path` leads to the folder with this inode; one look, which follows links."""
        try:
            found = os.lstat(path, dir_fd=self.fd)
        except OSError:
            return False
        return stat.S_ISDIR(found.st_mode) and inode(found) == folder

    def listing(
        self, path: str, excluded: Excluded = nothing_excluded
    ) -> tuple[Listing, tuple[Problem, ...]]:
        """The entries of a folder, and one problem per name that had to be left out.

        Raises:
            ProblemError: the folder could not be read completely, so its content is unknown.
        """
        with self.folder(path) as folder:
            found, problems = listed_in(folder, names_in(folder), excluded)
            return found.listing(), problems

    def small_listing(
        self, path: str, most: int
    ) -> tuple[EntryColumns, tuple[Problem, ...]] | None:
        """As `listing`; None if the folder has more than `most` names."""
        with self.folder(path) as folder:
            names = names_in(folder)
            return listed_in(folder, names, nothing_excluded) if len(names) <= most else None

    def names(self, path: str) -> NameList:
        """All names in a folder. Raises ProblemError, as `listing`."""
        with self.folder(path) as folder:
            return NameList(names_in(folder))

    def is_empty(self, path: str) -> bool:
        """Whether there is no name in a folder. Raises ProblemError."""
        with self.folder(path) as folder:
            try:
                with os.scandir(folder.fd) as names:
                    return next(names, None) is None
            except OSError as error:
                raise ProblemError(from_os_error(error, path)) from error

    def listed(
        self, path: str, names: Sequence[str], excluded: Excluded = nothing_excluded
    ) -> tuple[EntryColumns, tuple[Problem, ...]]:
        """As `listing`, for some of the folder's names (sorted). Those that are gone are left out.

        Raises:
            ProblemError: as for `listing`.
        """
        with self.folder(path) as folder:
            return listed_in(folder, list(names), excluded)

    def parts(self, path: str, excluded: Excluded = nothing_excluded) -> Iterator[FolderPart]:
        """As `listing`, a large folder in parts: of the rest only the names are in memory.

        It is not open between two parts.

        Raises:
            ProblemError: as for `listing`; `changed`, if another folder took its place. The parts
                before were true.
        """
        with self.folder(path) as folder:
            found = names_in(folder)
            if is_small := len(found) <= MOST:
                part = listed_in(folder, found, excluded)
            else:
                starts = [*cuts(found), len(found)]
                names = NameList(found)
                del found  # one that stays keeps the memory of thousands
                opened = os.fstat(folder.fd)
                part = listed_in(folder, names.between(0, starts[1]), excluded)
        if is_small:
            yield FolderPart(*part, "", "")
            return
        end = names.at(starts[1])
        yield FolderPart(*part, "", end)
        for at in range(1, len(starts) - 1):
            with self.folder(path) as folder:
                part = listed_in(folder, names.between(starts[at], starts[at + 1]), excluded)
                if not os.path.samestat(os.fstat(folder.fd), opened):
                    raise ProblemError(changed(path))
            first, end = end, names.at(starts[at + 1])
            yield FolderPart(*part, first, end)

    # -- folders -----------------------------------------------------------------------------------

    def make_folder(self, path: str, mode: int | None = None) -> tuple[str, ...]:
        """Makes a folder and the missing folders above it; returns those it made, outermost first.

        `mode` is for the last one (see PERMISSIONS); None means what the umask allows. The owner's
        rwx is always set, otherwise nothing could be put there. Not durable before `sync` of
        `above(…)`.

        Raises:
            ProblemError: a folder cannot be made.
        """
        private = paths.is_below(path, RESERVED)
        made: list[str] = []
        above, missing = self._missing(path)
        try:
            for reached in missing:
                wanted = 0o700 if private else mode if reached == path else None
                new = self.make_in(above, reached, wanted)
                if new is not None:
                    made.append(reached)
                elif reached != path:
                    new = self.folder(reached)  # another thread was faster
                if new is not None:
                    above.close()
                    above = new
        finally:
            above.close()
        return tuple(made)

    def make_in(self, above: Folder, path: str, mode: int | None) -> Folder | None:
        """Makes the folder at `path` in the open folder above it; None if something is there.

        Returns:
            The new folder, open.

        Raises:
            ProblemError: as for `make_folder`.
        """
        wanted = PERMISSIONS if mode is None else (mode | 0o700) & PERMISSIONS
        try:
            self.system.mkdir(above.fd, paths.name(path), wanted)
        except FileExistsError:
            return None
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        made = self.folder(path)
        try:
            if mode is not None and os.fstat(made.fd).st_mode & 0o7777 != wanted:
                self.set_mode(made.fd, wanted, path)  # the umask took some of it
        except BaseException:
            made.close()
            raise
        return made

    def _missing(self, path: str) -> tuple[Folder, list[str]]:
        """The nearest folder at or above `path`, open, and those that are missing, outermost first.

        They are looked for from below, because mostly only the last one is missing.
        """
        missing: list[str] = []
        problem: ProblemError | None = None
        while True:
            try:
                there = self.folder(path)
                break
            except ProblemError as error:
                if not path:
                    raise
                problem = error  # the last one is that of the outermost folder: the reason
            missing.append(path)
            path = paths.parent(path)
        if problem is not None and problem.problem.code != Code.VANISHED:
            there.close()
            raise problem
        return there, missing[::-1]

    def set_mode(self, fd: int, mode: int, path: str) -> None:
        """Sets permission bits, where there are any."""
        try:
            self.system.chmod(fd, mode)
        except PermissionError:
            return  # a file system without permission bits (FAT) keeps its own
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error

    def sync(
        self, folders: Iterable[str], *, files: Iterable[str] = (), whole: bool = False
    ) -> None:
        """Makes the names in these folders durable, and what these files are.

        For many, it syncs the whole file system. So it does, where it can, if one of them is not at
        its path any more: somebody moved it.

        Raises:
            ProblemError: disk_error or similar; then it is not known what is durable.
        """
        wanted, changed_files = sorted(set(folders)), sorted(set(files))
        if not (wanted or changed_files):
            return
        able = self.system.whole_sync
        if not (able and (whole or len(wanted) + len(changed_files) > FEW)):
            moved = [path for path in wanted if not self._synced(path)]
            moved += [path for path in changed_files if not self._file_synced(path)]
            if not (able and moved):
                return
        try:
            self.system.syncfs(self.fd)
        except OSError as error:
            raise ProblemError(from_os_error(error, self.path)) from error

    def _synced(self, path: str) -> bool:
        """Syncs one folder; False if it is not there any more. Raises ProblemError."""
        try:
            with self.folder(path) as folder:
                self.system.fsync(folder.fd)
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        except ProblemError as error:
            if error.problem.code not in ABSENT:
                raise
            return False
        return True

    def _file_synced(self, path: str) -> bool:
        """Syncs one file; False if it cannot be opened any more. Raises ProblemError."""
        try:
            fd = self.open_file(path)
        except ProblemError:
            return False
        try:
            self.system.fsync(fd)
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        finally:
            os.close(fd)
        return True


def may_keep_ours(owner: int, above: int) -> bool:
    """Whether `.cargo_sync` may belong to the user `owner` in a folder of the user `above`.

    Another user's could be read and changed by them while we use it.
    """
    return owner in (os.geteuid(), 0, above)


def above(made: Iterable[str]) -> list[str]:
    """The parents of the folders in `made`: they must be synced, because they have new names."""
    return [paths.parent(path) for path in made]
