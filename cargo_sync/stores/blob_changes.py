"""How blobs come into their folder, and leave it: durably, in batches, counted.

Contents and lists are synced, renamed into place, and the names are synced; each once for a batch,
never for each small file. Before that a kill or a power cut leaves only staged files. Small ones
that come to a node together have their names from the start (`small_batch`).
"""

import errno
import logging
import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Final

from cargo_sync.local.folders import Folder
from cargo_sync.local.parts import Staged
from cargo_sync.local.publish import MANY, secure
from cargo_sync.local.root import ABSENT
from cargo_sync.local.staging import PLACE, Staging
from cargo_sync.model.contents import is_hash
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.transfers import Offer
from cargo_sync.stores import blob_totals
from cargo_sync.stores.blob_pieces import PIECE, damaged, summed
from cargo_sync.stores.blob_totals import BlobAmount, BlobTotals
from cargo_sync.stores.contract import Content

MODE: Final = 0o600
"""Of each blob: the files of all users lie beside each other."""
DAMAGED: Final = f"{RESERVED}/damaged"
LIST: Final = ".pieces"
_log = logging.getLogger(__name__)


def blob_path(hash: str) -> str:
    """Where a blob lies."""
    return f"{hash[:2]}/{hash}"


def not_a_hash(text: str) -> Problem:
    """Somebody asked for a content by something else."""
    return Problem(Code.BAD_REQUEST, f"{text[:80]!r} is not the hash of a content", retry=False)


class BlobChanges:
    """All changes of one folder of blobs. Any thread may use it.

    durable  whether what was placed survives a power cut
    lock     held while names of blobs change, and what is counted of them
    coming   contents under whose names somebody still writes, by hash, and who that is: they are
             not there yet. It changes only while `lock` is held
    totals   what the folder holds
    damaged  hashes of what was moved aside
    rotten   how many were moved aside since the folder was opened
    """

    def __init__(self, staging: Staging, damaged: Sequence[str], *, durable: bool) -> None:
        """Without `durable` a power cut may take what was placed, and bring back what was removed.

        Raises:
            ProblemError: the folder cannot be used.
        """
        self.durable = durable
        self.lock = threading.Lock()
        self.coming: dict[str, object] = {}
        self.totals = BlobTotals(staging.root)
        self.damaged = set(damaged)
        self.rotten = 0
        self._root = staging.root
        self._staging = staging

    def place(self, staged: Sequence[Staged]) -> list[Problem | None]:
        """See `BlobFolder.place`."""
        problems: dict[str, Problem] = {}
        lists = self._make_lists([one for one in staged if one.size > PIECE], problems)
        files = [one for one in staged if one.size or self._is_stored(one)]
        if problems:
            files = [one for one in files if one.name not in problems]
        extra = [lists[one.name] for one in files if one.name in lists] if lists else []
        if self.durable:
            new = [*files, *extra]
            whys = secure(self._staging, new)
            if any(whys):
                pairs = zip(new, whys, strict=True)
                problems |= {one.name: why for one, why in pairs if why is not None}
        touched = {PLACE}
        parts = defaultdict[str, list[Staged]](list)
        for one in files:
            parts[one.hash[:2]].append(one)
        for part in sorted(parts):
            self._place_part(part, parts[part], lists, problems, touched)
        self._sync(len(files), touched, files, problems)
        for one in files:
            if one.transfer and one.name not in problems:
                self._staging.published(one)
        if not problems:
            return [None] * len(staged)
        return [problems.get(one.name) for one in staged]

    def came(self, who: object, contents: Mapping[str, int]) -> None:
        """What `who` has written is there, durably; by its hash, with its size."""
        with self.lock:
            if len(ours := self._let_go(who, contents)) < len(contents):
                contents = {hash: contents[hash] for hash in ours}  # the others were replaced
            self.totals.added(contents)
            for hash in self.damaged.intersection(contents):
                self._forget_damaged(hash)

    def drop(self, who: object, hashes: Iterable[str]) -> bool:
        """What `who` has written is not to be there. False if some of it cannot be removed."""
        unlink, top, are_gone = self._root.system.unlink, self._root, True
        with self.lock:
            for hash in hashes:
                if self.coming.get(hash) is not who:
                    continue
                try:
                    with top.folder(hash[:2]) as part, suppress(FileNotFoundError):
                        unlink(part.fd, hash)
                    del self.coming[hash]
                except (OSError, ProblemError):
                    are_gone = False  # it stays hidden; the next process reads it
        return are_gone

    def remove(self, hashes: Sequence[str]) -> list[Problem | None]:
        """See `BlobFolder.remove`."""
        problems: dict[str, Problem] = {}
        touched: set[str] = set()
        for hash in hashes:
            if not is_hash(hash):
                problems[hash] = not_a_hash(hash)
        good = sorted(set(hashes) - problems.keys())
        for part, some in groupby(good, lambda hash: hash[:2]):
            self._remove_part(part, list(some), problems, touched)
        if touched and (problem := self.made_durable(touched, whole=len(good) >= MANY)):
            problems |= dict.fromkeys(good, problem)
        return [problems.get(hash) for hash in hashes]

    def move_out(self, content: Content, folder: str, name: str) -> None:
        """See `BlobFolder.move_out`."""
        hash, size = content
        try:
            self._root.make_folder(folder, 0o700)
            with self.lock, self._root.folder(hash[:2]) as part:
                if hash in self.coming:
                    raise _only_coming(blob_path(hash))
                if os.lstat(hash, dir_fd=part.fd).st_size != size:
                    raise damaged(blob_path(hash), "has another size")
                with self._root.folder(folder) as target:
                    self._root.system.rename(part.fd, hash, target.fd, name)
                self._changed(part, BlobAmount(-1, -size))
                self._unlink(part, hash + LIST)
        except OSError as error:
            raise ProblemError(from_os_error(error, blob_path(hash))) from error
        above = folder.rpartition("/")[0]
        if problem := self.made_durable({hash[:2], folder, above}, whole=False):
            raise ProblemError(problem)

    def read_again(self, content: Content, fd: int) -> None:
        """See `BlobFolder.read_again`."""
        path = blob_path(content.hash)
        if content.hash in self.coming:  # it may become right, and stay
            raise _only_coming(path)
        try:
            found = os.fstat(fd)
            whole, pieces = summed(fd, content.size) if found.st_size == content.size else ("", b"")
        except OSError as error:
            self._set_aside(content.hash, fd)
            raise damaged(path, f"cannot be read: {error.strerror or error}") from error
        if whole != content.hash:
            self._set_aside(content.hash, fd)
            raise damaged(path, "is not what was stored there")
        if not pieces:
            return
        made = self._write_list(content.hash, pieces)
        [problem] = secure(self._staging, [made])
        if problem is None:
            problem = self._place_list(made, content.hash)
        if problem is not None:
            self._staging.discard(made)
            raise ProblemError(problem)

    def remove_list(self, hash: str) -> None:
        """See `BlobFolder.remove_list`."""
        with suppress(ProblemError), self.lock, self._root.folder(hash[:2]) as part:
            try:
                os.lstat(hash, dir_fd=part.fd)
            except FileNotFoundError:
                self._unlink(part, hash + LIST)

    def made_durable(self, touched: set[str], *, whole: bool) -> Problem | None:
        """Makes the names in these folders durable, with a new sequence; or why it is not known."""
        try:
            with self.lock:
                self.totals.sequence += 1
                if not self.durable:
                    return None
                self.totals.write()
            self._root.sync(touched, files=[blob_totals.PLACE], whole=whole)
        except OSError as error:
            return from_os_error(error, blob_totals.PLACE)
        except ProblemError as error:
            return error.problem
        return None

    # -- within ------------------------------------------------------------------------------------

    def _set_aside(self, hash: str, fd: int) -> None:
        """The blob that is open as `fd` is rotten: it is moved aside, if it still has its name.

        A failing disk may not even let that happen; then it is found again.
        """
        system = self._root.system
        try:
            with self.lock, self._root.folder(hash[:2]) as part:
                found = os.lstat(hash, dir_fd=part.fd)
                if not os.path.samestat(found, os.fstat(fd)):
                    return  # a good one has taken its place
                self._root.make_folder(DAMAGED)
                with self._root.folder(DAMAGED) as aside:
                    system.rename(part.fd, hash, aside.fd, hash)
                self.damaged.add(hash)
                self.rotten += 1
                self._changed(part, BlobAmount(-1, -found.st_size))
                self._unlink(part, hash + LIST)
            place = self._root.path, DAMAGED
            _log.warning("the content %s is damaged: it was moved to %s/%s", hash, *place)
            self.made_durable({hash[:2], DAMAGED}, whole=False)
        except (OSError, ProblemError):
            return

    def _place_list(self, made: Staged, hash: str) -> Problem | None:
        try:
            with self.lock, self._root.folder(hash[:2]) as part:
                self._root.system.rename(self._staging.fd, made.name, part.fd, hash + LIST)
        except OSError as error:
            return from_os_error(error, blob_path(hash))
        except ProblemError as error:
            return error.problem
        return self.made_durable({hash[:2]}, whole=False)

    def _is_stored(self, one: Staged) -> bool:
        """False for the content of no bytes, whose staged file is removed."""
        if one.size:
            return True
        self._staging.discard(one)
        return False

    def _make_lists(
        self, staged: Sequence[Staged], problems: dict[str, Problem]
    ) -> dict[str, Staged]:
        """The lists of large ones, staged, by the name of their content. Adds problems."""
        lists: dict[str, Staged] = {}
        for one in staged:
            try:
                lists[one.name] = self._write_list(one.hash, one.pieces or self._read_list(one))
            except OSError as error:
                problems[one.name] = from_os_error(error, one.path)
            except ProblemError as error:
                problems[one.name] = error.problem
            if one.name in problems:
                self._staging.discard(one)
        return lists

    def _read_list(self, one: Staged) -> bytes:
        """The list of a content that was staged without one. Raises OSError, ProblemError."""
        fd = self._root.system.open_in(self._staging.fd, one.name)
        try:
            whole, pieces = summed(fd, one.size)
        finally:
            os.close(fd)
        if whole != one.hash:
            words = f"{one.path!r} is on the disk not as it was written"
            raise ProblemError(Problem(Code.CORRUPT, words, one.path))
        return pieces

    def _write_list(self, hash: str, pieces: bytes) -> Staged:
        """Stages a list. Raises ProblemError."""
        offer = Offer(hash + LIST, len(pieces), 0, MODE, 0, 0, "")
        return self._staging.write(offer, memoryview(pieces))

    def _place_part(
        self,
        part: str,
        files: Sequence[Staged],
        lists: dict[str, Staged],
        problems: dict[str, Problem],
        touched: set[str],
    ) -> None:
        """Renames secured contents of one part into place. Adds problems, and touched folders."""
        try:
            with self._part(part, touched) as folder, self.lock:
                touched.add(part)
                if not (lists or problems):
                    files = self._rename_all(folder, files)
                for one in files:
                    beside = lists.get(one.name)
                    failed = problems.get(one.name) or problems.get(beside.name if beside else "")
                    if failed is None:
                        failed = self._rename(folder, one, beside)
                    if failed is not None:
                        problems[one.name] = failed
                        self._discard(one, beside)
        except ProblemError as error:
            for one in files:
                problems.setdefault(one.name, error.problem)
                self._discard(one, lists.get(one.name))

    def _part(self, part: str, touched: set[str]) -> Folder:
        """A part of the folder, open; it is made if it is missing. Raises ProblemError."""
        try:
            return self._root.folder(part)
        except ProblemError as error:
            if error.problem.code is not Code.VANISHED:
                raise
        if self._root.make_folder(part, 0o700):
            touched.add("")
        return self._root.folder(part)

    def _discard(self, one: Staged, beside: Staged | None) -> None:
        self._staging.discard(one, keep=True)
        if beside is not None:
            self._staging.discard(beside)

    def _rename_all(self, folder: Folder, files: Sequence[Staged]) -> Sequence[Staged]:
        """Renames secured contents without lists to where nothing is; returns the others."""
        rename, source, target = self._root.system.rename_noreplace, self._staging.fd, folder.fd
        damaged, others = self.damaged, []
        blobs = size = 0
        for one in files:
            hash = one.hash
            try:
                rename(source, one.name, target, hash)
            except OSError:
                others.append(one)  # it is tried again, alone
                continue
            blobs, size = blobs + 1, size + one.size
            if hash in damaged:
                self._forget_damaged(hash)
        self._changed(folder, BlobAmount(blobs, size))
        return others

    def _rename(self, folder: Folder, one: Staged, beside: Staged | None) -> Problem | None:
        """The list first: a large blob is never there without it."""
        system, source, hash = self._root.system, self._staging.fd, one.hash
        try:
            if beside is not None:
                system.rename(source, beside.name, folder.fd, hash + LIST)
            try:
                system.rename_noreplace(source, one.name, folder.fd, hash)
                grown = BlobAmount(1, one.size)
            except FileExistsError:
                grown = BlobAmount(0, one.size - os.lstat(hash, dir_fd=folder.fd).st_size)
                system.rename(source, one.name, folder.fd, hash)
                if self.coming.pop(hash, None) is not None:
                    grown = BlobAmount(1, one.size)  # it had not been counted yet
        except OSError as error:
            return from_os_error(error, one.path)
        self._changed(folder, grown)
        if hash in self.damaged:
            self._forget_damaged(hash)
        return None

    def _sync(
        self,
        count: int,
        touched: set[str],
        files: Sequence[Staged],
        problems: dict[str, Problem],
    ) -> None:
        if len(touched) > 1 and (problem := self.made_durable(touched, whole=count >= MANY)):
            for one in files:
                problems.setdefault(one.name, problem)

    def _remove_part(
        self, part: str, hashes: Sequence[str], problems: dict[str, Problem], touched: set[str]
    ) -> None:
        """Removes blobs of one part. Adds problems, and touched folders."""
        try:
            with self.lock, self._root.folder(part) as folder:
                touched.add(part)
                for hash in hashes:
                    if hash in self.coming:
                        continue
                    try:
                        size = os.lstat(hash, dir_fd=folder.fd).st_size
                        self._root.system.unlink(folder.fd, hash)
                        self._changed(folder, BlobAmount(-1, -size))
                    except FileNotFoundError:
                        pass
                    except OSError as error:
                        problems[hash] = from_os_error(error, blob_path(hash))
                        continue
                    self._unlink(folder, hash + LIST)
        except ProblemError as error:
            if error.problem.code not in ABSENT:
                problems |= dict.fromkeys(hashes, error.problem)
        for hash in self.damaged.intersection(hashes):
            with self.lock:
                self._forget_damaged(hash)
            touched.add(DAMAGED)

    def _let_go(self, who: object, hashes: Iterable[str]) -> list[str]:
        """Those that `who` still writes; now nobody does."""
        get = self.coming.get
        ours = [hash for hash in hashes if get(hash) is who]
        for hash in ours:
            del self.coming[hash]
        return ours

    def _changed(self, folder: Folder, by: BlobAmount) -> None:
        self.totals.change(folder.path, by)

    def _forget_damaged(self, hash: str) -> None:
        """What was moved aside is not needed any more."""
        try:
            with self._root.folder(DAMAGED) as aside:
                self._unlink(aside, hash)
        except ProblemError:
            return  # it stays, and is told
        self.damaged.discard(hash)

    def _unlink(self, folder: Folder, name: str) -> None:
        """Removes a file that may not be there; one that stays is removed by a scrub."""
        try:
            self._root.system.unlink(folder.fd, name)
        except OSError:
            return


def _only_coming(path: str) -> ProblemError:
    """A content has its name, but is not there yet."""
    return ProblemError(from_os_error(FileNotFoundError(errno.ENOENT, ""), path))
