"""Staging: unpublished files, below `.cargo_sync/staging` of the root, on its file system.

There is one `Staging` per root, shared by all flows. It chooses its own names, so that no other
file is in the way. Small files are written at once; larger ones are `parts.PartFile`s.
"""

import itertools
import os
import re
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from blake3 import blake3

from cargo_sync.local.ages import AgeStore
from cargo_sync.local.content_hash import ContentHash
from cargo_sync.local.folders import Folder
from cargo_sync.local.fresh_folders import FreshFolders, StagedFolder, is_recent
from cargo_sync.local.listing import IDENT, inode, names_in
from cargo_sync.local.parts import CheckpointStore, PartFile, Staged, created_mode, seal
from cargo_sync.local.root import Root
from cargo_sync.local.space import Reservation, SpaceLedger
from cargo_sync.local.writer import WriteBehind
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.transfers import Offer

PLACE: Final = f"{RESERVED}/staging"
_TRANSFER: Final = re.compile(r"[0-9a-f]{16,64}", re.ASCII)
_OPEN_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW, _PART, _FOLDER = ".new", ".part", ".folder"
GUEST: Final = "guest-"
"""Prefix of files that guests stage. The folder may have an owner, whose names must differ."""
GUESTS_KEPT: Final = 7 * 86_400.0
"""Seconds after which a file of a guest that cannot be resumed may be removed."""


class Staging:
    """The staging folder of a root, made for its first file. Several threads may use it.

    fresh  the folders that were made in the root lately, for files to come
    """

    def __init__(
        self,
        root: Root,
        checkpoints: CheckpointStore,
        space: SpaceLedger,
        guest: str = "",
        hashes: Callable[[], ContentHash] = ContentHash,
        *,
        durable: bool = True,
    ) -> None:
        """Nothing is written yet.

        Args:
            root: the folder.
            checkpoints: where the resume points of larger files are kept.
            space: the ledger of this process.
            guest: a guest's unique name (letters and digits); "" for the owner of the root.
            hashes: makes what hashes a larger file while it arrives.
            durable: False if a power cut may take a larger file that is complete: it is not synced.
        """
        self._hashes = hashes
        self._is_durable = durable
        self.root = root
        self.fresh = FreshFolders()
        self._checkpoints = checkpoints
        self._space = space
        self._guest = guest
        self._prefix = f"{GUEST}{guest}-" if guest else ""
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._held: list[Folder] = []
        """The staging folder is the last one. Earlier ones were removed or moved by somebody, but
        may still be in use."""
        self._active: set[str] = set()
        """Ids of the transfers whose parts are in use."""

    @property
    def fd(self) -> int:
        """Descriptor of the staging folder. Raises ProblemError."""
        return self._folder().fd

    def check(self) -> None:
        """Makes the staging folder if it is missing or was moved away; once per batch.

        Raises:
            ProblemError: it cannot be made, or a link is in its place.
        """
        self._existing()

    def reservation(self) -> Reservation:
        """Space for files that will be staged here, with no bytes yet."""
        return self._space.reservation(self.root)

    def folder(self, path: str) -> StagedFolder | None:
        """Makes a folder in which the files of a new one are staged together.

        None: they must be staged one by one, because the folder is not new, or has something that
        another one in its place would not have.
        """
        inode, system = self.fresh.take(path), self.root.system
        if inode is None or not system.whole_sync:
            return None
        name = f"{self._prefix}{next(self._numbers):x}{_FOLDER}"
        try:
            with self.root.folder(path) as there:
                found = os.fstat(there.fd)
                system.mkdir(self.fd, name, 0o700)
                try:
                    if found.st_ino & IDENT == inode and self._is_made_alike(name, there.fd, found):
                        return StagedFolder(path, name, found)
                except OSError:
                    pass  # what it is about is seen again by those who stage one by one
                system.rmdir(self.fd, name)
        except (OSError, ProblemError):
            return None
        return None

    def _is_made_alike(self, name: str, new: int, found: os.stat_result) -> bool:
        """Gives an empty staged folder the mode of a new one.

        Returns:
            Whether nothing else differs, and the new one is new.
        """
        system = self.root.system
        fd = os.open(name, _OPEN_FOLDER, dir_fd=self.fd)
        try:
            system.chmod(fd, stat.S_IMODE(found.st_mode))
            alike = system.attributes(fd) == system.attributes(new)
            return alike and is_recent(found, os.fstat(fd))
        finally:
            os.close(fd)

    def complete(self, folder: StagedFolder, files: int) -> os.stat_result | None:
        """A staged folder in which all files are that it is to bring.

        Returns:
            What it is now; None if it has not exactly so many files, or the new folder is not new
            any more: its files may have taken long. Raises OSError, ProblemError.
        """
        fd = os.open(folder.name, _OPEN_FOLDER, dir_fd=self.fd)
        try:
            self.root.system.chmod(fd, stat.S_IMODE(folder.found.st_mode))  # its ctime is now
            found = os.fstat(fd)
            whole = len(os.listdir(fd)) == files
            return found if whole and is_recent(folder.found, found) else None
        finally:
            os.close(fd)

    def place(self, name: str) -> str:
        """The absolute path of a staged file or folder."""
        return os.path.join(self.root.path, PLACE, name)

    def remove_folders(self, folders: Iterable[str]) -> None:
        """Removes staged folders that have no files any more."""
        for name in folders:
            try:
                self.root.system.rmdir(self.fd, name)
            except (OSError, ProblemError):
                continue  # a later sweep removes it

    def write(
        self,
        offer: Offer,
        content: memoryview,
        behind: WriteBehind | None = None,
        within: StagedFolder | None = None,
    ) -> Staged:
        """Stages a whole file; with `behind` it is hashed meanwhile.

        `within` is the staged folder that it should be in, if that is possible.

        Raises:
            ProblemError: it cannot be written.
        """
        system = self.root.system
        name, fd = self._created_within(within, offer) or self._create(
            offer.path, created_mode(offer.mode)
        )
        try:
            try:
                if behind is not None:
                    behind.begin(partial(system.write, fd, content, 0))
                    try:
                        digest = blake3(content).hexdigest()
                    finally:
                        behind.end()
                elif content:
                    system.write(fd, content, 0)
                found = seal(self.root, fd, offer)
                # If its owner may not read a file, it cannot be opened again: it is synced now.
                durable = not found.st_mode & 0o400
                if durable:
                    system.fsync(fd)
            finally:
                os.close(fd)
        except (OSError, ProblemError) as error:
            self._unlink(name)
            raise _problem(error, offer.path) from error
        if behind is None:
            digest = blake3(content).hexdigest()
        ident, size, mtime = found.st_ino & IDENT, found.st_size, found.st_mtime_ns
        mode, ctime = found.st_mode & 0o7777, found.st_ctime_ns
        return Staged._make(
            (offer.path, name, ident, size, mtime, digest, "", durable, "", mode, ctime, b"")
        )

    def write_plain(self, contents: Sequence[memoryview], mode: int, path: str) -> list[str]:
        """Stages small files of which nobody asks when they were changed; returns their names.

        `path` is for errors. Raises ProblemError: one cannot be written; then none is staged.
        """
        create, write, close = self.root.system.create, self.root.system.write, os.close
        names: list[str] = []
        numbers = itertools.islice(self._numbers, len(contents))
        unused = [f"{self._prefix}{number:x}{_NEW}" for number in numbers]
        try:
            folder = self.fd
            for content, name in zip(contents, unused, strict=True):
                try:
                    fd = create(folder, name, mode)
                except (FileExistsError, FileNotFoundError):
                    name, fd = self._create(path, mode)
                names.append(name)
                try:
                    write(fd, content, 0)
                finally:
                    close(fd)
        except (OSError, ProblemError) as error:
            for name in names:
                self._unlink(name)
            raise _problem(error, path) from error
        return names

    def link(self, offer: Offer) -> Staged:
        """Stages a symbolic link with the offered time and exactly the target.

        Raises:
            ProblemError: it cannot be made.
        """
        name = self._name()
        try:
            folder = self._existing().fd
            self.root.system.symlink(offer.target, folder, name)
            self.root.system.utime_link(folder, name, offer.mtime_ns)
            found = os.lstat(name, dir_fd=folder)
        except OSError as error:
            raise _problem(error, offer.path) from error
        ident, mtime = inode(found), found.st_mtime_ns
        return Staged(offer.path, name, ident, 0, mtime, target=offer.target, durable=True)

    def part(self, offer: Offer) -> PartFile:
        """Returns a larger file, with the pieces that arrived before a cut.

        The parts of transfers that this one succeeds are removed, unless a flow still writes them.

        Raises:
            ProblemError: `busy` while the same transfer is running; `protocol` for an invalid
                transfer id.
        """
        if not resumable(offer.size):
            return self._part(self._existing(), self._name(), offer, None)
        if not _TRANSFER.fullmatch(offer.transfer):
            raise ProblemError(
                Problem(
                    Code.PROTOCOL,
                    f"{offer.path!r} has no valid transfer id",
                    path=offer.path,
                    retry=False,
                )
            )
        if not self._take(offer.transfer):
            raise ProblemError(
                Problem(Code.BUSY, f"{offer.path!r} is already being transferred", path=offer.path)
            )
        try:
            folder, name = self._existing(), self._part_name(offer.transfer)
            self._remove_earlier(offer.transfer, offer.path)
            return self._part(folder, name, offer, self._checkpoints)
        except BaseException:
            self.release(offer.transfer)
            raise

    def fleeting(self, offer: Offer, checkpoints: CheckpointStore) -> PartFile:
        """Returns a larger file that has its resume points elsewhere: no other try finds it here.

        Raises:
            ProblemError: it cannot be staged.
        """
        own = offer._replace(transfer="")
        return self._part(self._existing(), self._name(), own, checkpoints)

    def release(self, transfer: str) -> None:
        """A transfer has ended or was paused: its part may be used again."""
        with self._lock:
            self._active.discard(transfer)

    def forget(self, transfer: str) -> None:
        """Removes the part of a transfer that nobody goes on with, if it is not in use."""
        if not _TRANSFER.fullmatch(transfer) or not self._take(transfer):
            return
        try:
            self._checkpoints.drop(transfer)
            self._unlink(self._part_name(transfer))
        finally:
            self.release(transfer)

    def published(self, staged: Staged) -> None:
        """A staged file is in its place, durably: its checkpoint is dropped."""
        if staged.transfer:
            self._checkpoints.drop(staged.transfer)
            self.release(staged.transfer)
            # One that was still being written when this transfer began may have ended by now.
            self._remove_earlier(staged.transfer, staged.path)

    def discard(self, staged: Staged, *, keep: bool = False) -> None:
        """Removes a staged file; with `keep`, a file that has a checkpoint stays for a retry."""
        if staged.transfer:
            keep = keep and self._checkpoints.get(staged.transfer) is not None
            if not keep:
                self._checkpoints.drop(staged.transfer)
            self.release(staged.transfer)
        if not (keep and staged.transfer):
            self._unlink(staged.name)

    def sweep(self, ages: AgeStore, keep: float) -> int:
        """Removes files and folders that cannot be resumed and are at least `keep` seconds old.

        When an owner starts, it keeps none, because files of an earlier process are useless without
        a checkpoint. Files of guests are kept for seven more days, because their guests may still
        be running. A guest removes only files of guests. A file begins to age when this function
        first sees it.

        Returns:
            How many of them were removed.

        Raises:
            ProblemError: the staging folder or the ages cannot be read.
        """
        try:
            with self.root.folder(PLACE) as folder:
                there, _ = self.root.listing(PLACE)
                idle = [one.name for one in there if self._idle(one.name)]
                known = ages.ages(os.path.join(self.root.path, PLACE), idle)
                old = [name for name, age in known.items() if self._is_old(name, age, keep)]
                folders = {one.name for one in there if one.kind == FOLDER}
                for name in old:
                    if name in folders:
                        self._sweep_folder(name)
                        self.root.system.rmdir(folder.fd, name)
                    else:
                        self.root.system.unlink(folder.fd, name)
                return len(old)
        except OSError as error:
            raise _problem(error, PLACE) from error
        except ProblemError as error:
            if error.problem.code == Code.VANISHED:
                return 0
            raise

    def close(self) -> None:
        with self._lock:
            held, self._held = self._held, []
        for folder in held:
            folder.__exit__(None, None, None)

    # -- within ------------------------------------------------------------------------------------

    def _part(
        self, folder: Folder, name: str, offer: Offer, checkpoints: CheckpointStore | None
    ) -> PartFile:
        return PartFile(
            self.root, folder, name, offer, checkpoints, self._hashes, durable=self._is_durable
        )

    def _take(self, transfer: str) -> bool:
        """Whether the part of this transfer was not in use; now it is."""
        with self._lock:
            free = transfer not in self._active
            self._active.add(transfer)
            return free

    def _remove_earlier(self, transfer: str, path: str) -> None:
        """Removes the parts of transfers that this one succeeds, and that are in this folder."""
        for earlier in self._checkpoints.earlier(transfer, path):
            if self._take(earlier):
                try:
                    self.root.system.unlink(self.fd, self._part_name(earlier))
                    self._checkpoints.drop(earlier)
                except (OSError, ProblemError):
                    continue  # it is in another folder, or a later sweep removes it
                finally:
                    self.release(earlier)

    def _part_name(self, transfer: str) -> str:
        return part_name(transfer, guest=bool(self._guest))

    def _sweep_folder(self, name: str) -> None:
        """Removes the files of a staged folder. Raises OSError, ProblemError."""
        with self.root.folder(f"{PLACE}/{name}") as folder:
            for file in names_in(folder):
                self.root.system.unlink(folder.fd, file)

    def _is_old(self, name: str, age: float, keep: float) -> bool:
        if name.startswith(GUEST):
            return age >= keep + GUESTS_KEPT
        return not self._guest and age >= keep

    def _idle(self, name: str) -> bool:
        transfer = name.removesuffix(_PART)
        if transfer == name:
            return True
        transfer = transfer.removeprefix(GUEST)
        return transfer not in self._active and self._checkpoints.get(transfer) is None

    def _name(self) -> str:
        return f"{self._prefix}{next(self._numbers):x}{_NEW}"

    def _created_within(self, folder: StagedFolder | None, offer: Offer) -> tuple[str, int] | None:
        """A file in a staged folder; None if it cannot be there, for example for its name."""
        if folder is None:
            return None
        name = f"{folder.name}/{offer.path.rpartition('/')[2]}"
        try:
            return name, self.root.system.create(self.fd, name, created_mode(offer.mode))
        except (OSError, ProblemError):
            return None

    def _create(self, path: str, mode: int) -> tuple[str, int]:
        folder = self.fd
        while True:
            name = self._name()
            try:
                return name, self.root.system.create(folder, name, mode)
            except FileExistsError:
                continue  # left by an earlier process
            except OSError as error:
                if not isinstance(error, FileNotFoundError) or self._existing().fd == folder:
                    raise _problem(error, path) from error
                folder = self.fd

    def _folder(self) -> Folder:
        held = self._held
        return held[-1] if held else self._make()

    def _existing(self) -> Folder:
        """The staging folder, made again if somebody removed it or moved it away."""
        try:
            with self.root.folder(PLACE) as there:
                if os.path.sameopenfile(self.fd, there.fd):
                    return self._folder()
        except ProblemError as error:
            if error.problem.code != Code.VANISHED:
                raise
        return self._make()

    def _make(self) -> Folder:
        self.root.make_folder(PLACE)
        folder = self.root.folder(PLACE)
        with self._lock:
            self._held.append(folder)
        return folder

    def _unlink(self, name: str) -> None:
        try:
            self.root.system.unlink(self.fd, name)
        except (OSError, ProblemError):
            return  # a later sweep removes it


def part_name(transfer: str, *, guest: bool) -> str:
    """The name of a larger file while it is staged; it is the same after a cut."""
    return (GUEST if guest else "") + transfer + _PART


def _problem(error: OSError | ProblemError, path: str) -> ProblemError:
    return error if isinstance(error, ProblemError) else ProblemError(from_os_error(error, path))
