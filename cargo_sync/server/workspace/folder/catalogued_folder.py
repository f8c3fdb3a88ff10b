"""A folder and its catalogue, kept in agreement.

The folder is the truth. An operation that depends on what is at a path looks at the folder first;
a difference from the catalogue is recorded as a new version, so an operation on an older version is
refused. One lock per workspace is held from this look until the result is recorded; work on many
paths is done in slices, and threads that wait come next.

Everything here blocks and is called from threads; paths that come from outside are checked here
once more.
"""

import logging
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Final, NamedTuple, Protocol

from cargo_sync.catalogue.contract import (
    Catalogue,
    Catalogued,
    Change,
    Gone,
    Put,
    PutColumns,
    Recorded,
)
from cargo_sync.local.ledger import TrashLedger
from cargo_sync.local.read import Going
from cargo_sync.local.root import Root
from cargo_sync.model import paths
from cargo_sync.model.displaced import DisplacedVersion
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, Entry, EntryColumns
from cargo_sync.model.history import OTHERS, ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError, damaged_there
from cargo_sync.server.workspace.folder.comparison import (
    PART,
    Compared,
    FolderComparison,
    Still,
    agree,
    are_same,
    put,
)
from cargo_sync.server.workspace.folder.recorded import ArrivingPaths, RecordedFiles
from cargo_sync.server.workspace.folder.suspects import SuspectFiles, seen_now
from cargo_sync.server.workspace.refusals import away
from cargo_sync.server.workspace.rows.tree import CataloguedTree, Changed, Tell
from cargo_sync.stores.folder import FolderStore

TRIES: Final = 10
"""After so many files that came to a path one after the other, a look is taken at any moment."""
FRESH: Final = 10_000
"""New folders that are noted, until they are compared."""

_log = logging.getLogger(__name__)


class OpenStore(Protocol):
    """Opens the folder with a marker ("" if it was never served); raises ProblemError."""

    def __call__(self, known: str, /, *, holds_the_same: Callable[[Root], bool]) -> FolderStore: ...


class PathLook(NamedTuple):
    """What is at a path: the catalogue's row, and the folder's own entry (ctime and inode)."""

    held: Catalogued | None
    seen: Entry | None


class FolderClaim(Protocol):
    """What this server has of the folder, if others share its state (cluster.holds)."""

    def take(self) -> bool:
        """Takes it; whether it was not this server's before. Raises ProblemError `elsewhere`."""

    def give_back(self) -> None:
        """Others may have it."""

    def check(self) -> None:
        """Raises ProblemError `elsewhere` if it may be another server's now."""


class Arrivals(Protocol):
    """Who watches the folder. Any thread may call it; it must not block."""

    def comes(self, folder: str, place: str) -> None:
        """A folder that nobody else knows, at the absolute path `place`, is about to be there.

        Its arrival is no reason to look at it: what it holds is about to be recorded.
        """

    def look_at(self, folder: str) -> None:
        """It did not come, or was not recorded: what is there must be looked at."""


NOTHING: Final = PathLook(None, None)
"""Nothing is known at a path, and it was not looked at."""


class CataloguedFolder(CataloguedTree):
    """One served folder. Call `attach` first.

    While the folder is not there, calls that need it raise `root_gone`; while another program holds
    it, `root_held`; while another server has it, `elsewhere`.

    problem  why it could not be used at the last attempt, or None
    steady   monotonic seconds
    recorded the files that were recorded last
    arrivals who watches it, or None
    arriving files that come, and folders that come with files, which are not recorded yet
    """

    def __init__(
        self,
        path: str,
        catalogue: Catalogue,
        ledger: Callable[[int], TrashLedger],
        open_store: OpenStore,
        token: Callable[[], str],
        changed: Changed,
        tell: Tell,
        steady: Callable[[], float],
        hold: FolderClaim | None = None,
    ) -> None:
        """Opens the catalogue of a folder, and begins a lineage.

        Args:
            path: the folder's real path, which is also its name in the catalogue.
            catalogue: of the server.
            ledger: gives the ledger of a workspace, in the state that has the catalogue.
            open_store: opens the folder.
            token: makes 32 hex digits, for a new epoch and for the lineage.
            changed: called after each recorded change.
            tell: called with what the history tells of it.
            steady: monotonic seconds, to measure how long files take to come.
            hold: what this server has of it; None if it shares its state with nobody.
        """
        self._token = token
        self._hold = hold
        super().__init__(path, catalogue, ledger, token, changed, tell)
        self._suspects = SuspectFiles(catalogue, self.id, self.known.sequence)
        self.recorded = RecordedFiles()
        self._marker = self.known.marker
        self._open_store = open_store
        self.steady = steady
        self._fresh: set[str] = set()
        """New folders, which nobody has compared yet: in them, nothing can be as recorded."""
        self._store: FolderStore | None = None
        self.problem: Problem | None = None
        self.arrivals: Arrivals | None = None
        self.arriving = ArrivingPaths()

    # -- its folder --------------------------------------------------------------------------------

    def attach(self) -> bool:
        """Opens the folder if it is not open, or if another one is at the path now.

        It is also opened anew if it can be written to now and could not before, or the other way.

        Returns:
            Whether it was opened.

        Raises:
            ProblemError: it is not there, is another folder, or belongs to another server.
        """
        with self.lock:
            before = self._store
            if self._store is not None:
                if self._is_ours() and self._store.still_there() and self._store.is_as_opened():
                    return False
                self._store.let_go()
                self._store = None
            try:
                store = self._taken_store()
            except ProblemError as error:
                self.problem = error.problem
                raise
            if store.marker != self._marker:
                self.catalogue.set_marker(self.id, store.marker)
                self._marker = store.marker
            self._store, self.problem = store, None
            self._say_if_read_only(before)
            return True

    def _is_ours(self) -> bool:
        """Whether no other server has the folder."""
        try:
            if self._hold is not None:
                self._hold.check()
        except ProblemError:
            return False
        return True

    def _taken_store(self) -> FolderStore:
        """The folder, open, if no other server has it. Raises ProblemError."""
        if self._hold is not None and self._hold.take():
            self._read_again()
        try:
            return self._open_store(self._marker, holds_the_same=self._holds_the_same)
        except BaseException:
            if self._hold is not None:
                self._hold.give_back()
            raise

    def _read_again(self) -> None:
        """Another server may have had the folder since the catalogue was opened here."""
        self.known = self.catalogue.workspace(self.path, self._token)
        self._marker = self.known.marker
        self._suspects = SuspectFiles(self.catalogue, self.id, self.known.sequence)
        self.recorded = RecordedFiles()
        self._fresh.clear()
        self.quotas.look()

    def _holds_the_same(self, root: Root) -> bool:
        """Whether a folder has at its top what the catalogue has, and at least one file of it."""
        there, _ = root.listing("")
        held = [one.entry for one in self.catalogue.listing(self.id, "")]
        found = {(one.name, one.kind, one.size, one.mtime_ns) for one in there}
        known = {(one.name, one.kind, one.size, one.mtime_ns) for one in held}
        return found == known and any(one.kind == FILE for one in there)

    def _say_if_read_only(self, before: FolderStore | None) -> None:
        store = self.store
        if store.read_only:
            level = logging.INFO if before is None else logging.WARNING
            _log.log(level, "%s is on a read-only file system: it can only be read", self.path)
        elif before is not None and before.read_only:
            _log.info("%s can be written to again", self.path)

    @property
    def attached(self) -> bool:
        """Whether the folder was there at the last attempt to use it."""
        return self._store is not None

    @property
    def read_only(self) -> bool:
        """Whether its file system could not be written to at the last attempt to use it."""
        return self._store is not None and self._store.read_only

    def must_not_be_held(self) -> None:
        """Raises ProblemError `root_held` or `elsewhere` while somebody else has the folder.

        Then the catalogue says nothing about it either: they change it.
        """
        elsewhere = self.problem is not None and self.problem.code is Code.ELSEWHERE
        if self._hold is not None and (elsewhere or self._store is not None):
            self._hold.check()
        if self.problem is not None and self.problem.code is Code.ROOT_IN_USE:
            message = "another program on the server uses the folder of this workspace"
            hint = "the person who runs the server can stop it, then this goes on by itself"
            raise ProblemError(Problem(Code.ROOT_HELD, message, hint=hint))

    def must_be_there(self) -> None:
        """Looks at the folder itself: without it, a missing file means nothing.

        Raises:
            ProblemError: `root_gone`, `root_held`.
        """
        if not self.store.still_there():
            raise away()

    @property
    def store(self) -> FolderStore:
        """The open folder.

        Raises:
            ProblemError: `root_gone` while it is not there, `root_held` while another program holds
                it. Clients read the message: it has no path.
        """
        self.must_not_be_held()
        if self._store is None:
            raise away()
        return self._store

    def close(self, patience: float = -1) -> bool:
        """Closes the folder.

        Returns:
            False if another call did not end within `patience` seconds, because the disk hangs.
        """
        if not self.lock.acquire(timeout=patience):
            return False
        try:
            if self._store is not None:
                self._store.close()
                self._store = None
            if self._hold is not None:
                self._hold.give_back()
            return True
        finally:
            self.lock.release()

    # -- reading and recording ---------------------------------------------------------------------

    @contextmanager
    def looking(self, *some: str) -> Iterator[None]:
        """Holds the lock, at a moment when nothing that comes to these paths is unrecorded.

        The thread does not hold it yet, and brings nothing itself.
        """
        for _ in range(TRIES):
            with self.lock:
                if not any(path in self.arriving for path in some):
                    yield
                    return
            self.arriving.wait(some)
        with self.lock:
            yield

    def look(self, path: str) -> Catalogued | None:
        """What is at `path` in the folder now, recorded in the catalogue.

        Raises:
            ProblemError: `bad_path`; it cannot be read, or a parent is a link.
        """
        with self.lock:
            return self.look_closely(path)[0]

    def look_closely(self, path: str) -> tuple[Catalogued | None, Entry | None]:
        """Like `look`, with the folder's own entry (ctime and inode). The lock is held."""
        paths.check(path)
        self.must_be_there()
        seen = self.store.root.entry(path)
        held = self.catalogue.entry(self.id, path)
        if agree(held, seen):
            return held, seen
        self.take_in(path, seen)
        return self.catalogue.entry(self.id, path), seen

    def look_at_all(
        self, some: Sequence[str], unlooked: AbstractSet[str] = frozenset()
    ) -> list[PathLook | Problem]:
        """Like `look_closely`, for many paths; each can fail alone. The lock is held.

        Where the catalogue has nothing at a path of `unlooked`, it is believed. What is published
        there replaces nothing: if something is there after all, the rename says so.
        """
        self.must_be_there()
        looks: list[PathLook | Problem] = []
        catalogued = self.catalogue.entries(self.id, some)
        looked = [
            path
            for path, held in zip(some, catalogued, strict=True)
            if held is not None or path not in unlooked
        ]
        if not looked:
            return [NOTHING] * len(some)
        there = iter(self.store.root.entries(looked))
        for path, held in zip(some, catalogued, strict=True):
            seen = None if held is None and path in unlooked else next(there)
            if isinstance(seen, Problem) or agree(held, seen):
                looks.append(seen if isinstance(seen, Problem) else PathLook(held, seen))
                continue
            try:
                looks.append(PathLook(*self.look_closely(path)))
            except ProblemError as error:
                looks.append(error.problem)
        return looks

    def take_in(self, path: str, seen: Entry | None) -> None:
        """Records that `seen`, not the catalogue's row, is at `path`. The lock is held."""
        if seen is None:
            self.must_be_there()  # again: the whole folder may have gone since
            self.record([Gone(path)])
        else:
            held = self.catalogue.entry(self.id, path)
            self.record([*self.folders_above([path]), self._put(path, held, seen)])

    def folders_above(
        self, some: Iterable[str], recorded: Collection[str] = frozenset()
    ) -> list[Put]:
        """The folders above these paths that the catalogue lacks: they must be recorded first.

        It has all folders above one that it has. Those in `recorded` will be recorded anyway.
        """
        missing: list[str] = []
        asked = {"", *recorded}
        level = {path.rpartition("/")[0] for path in some}
        while level := level - asked:
            asked |= level
            folders = list(level)
            held = self.catalogue.entries(self.id, folders)
            lacking = [
                folder
                for folder, one in zip(folders, held, strict=True)
                if one is None or one.entry.kind != FOLDER
            ]
            missing += lacking
            level = {paths.parent(folder) for folder in lacking}
        missing.sort()  # a folder comes before those in it
        found: list[Put] = []
        for folder, seen in zip(missing, self.store.root.entries(missing), strict=True):
            if isinstance(seen, Problem):
                raise ProblemError(seen)
            if seen is not None:
                found.append(put(folder, seen))
        return found

    def record(
        self,
        changes: Sequence[Change | PutColumns],
        displaced: Sequence[DisplacedVersion] = (),
        cause: ChangeCause = OTHERS,
    ) -> Recorded:
        """Records changes, and what they displaced, in one transaction, and wakes their readers.

        The lock is held.
        """
        if displaced:
            with self.ledger.together():
                recorded = self.catalogue.record(self.id, changes, cause)
                self.ledger.add(displaced)
        else:
            recorded = self.catalogue.record(self.id, changes, cause)
        self.announce(changes, recorded)
        return recorded

    def announce(self, changes: Sequence[Change | PutColumns], recorded: Recorded) -> None:
        """Also notes the files, which will be found to be as they were recorded."""
        self.recorded.note(changes)
        super().announce(changes, recorded)

    def compare(self, folder: str, still: Still, cause: ChangeCause = OTHERS) -> Compared:
        """Compares one folder with the catalogue and records what other programs changed.

        A file that is not `still` keeps its row. A folder that cannot be read, or is not there,
        changes nothing. A large one is compared in parts; between them, others can use the
        workspace. What is as recorded costs no lock, up to the first difference.

        Raises:
            ProblemError: `root_gone`; the folder cannot be read completely.
        """
        fresh = folder in self._fresh
        self._fresh.discard(folder)
        if not fresh and (found := self._as_recorded(folder, still)) is not None:
            return found
        with self.lock:
            self.must_be_there()
            if folder and not self._is_folder(folder):
                return Compared([], [], False)
        names = self.store.root.names(folder)
        comparison = FolderComparison(folder, still, cause)
        start, after, as_recorded = 0, "", not fresh and len(names) > PART
        while True:
            part = names.between(start, start + PART)
            upto = part[-1] if start + PART < len(names) else ""
            if as_recorded := as_recorded and self._same_part(comparison, part, after, upto):
                compared, after = len(part), upto
            else:
                with self.lock:
                    compared, after = self._compare_part(comparison, part, after, upto)
            start += compared
            if not after:
                return self._ended(comparison)

    def _as_recorded(self, folder: str, still: Still) -> Compared | None:
        """The result for a folder that is exactly as recorded, and not large; else None.

        It is read first, then the catalogue. So what others record meanwhile is in both, or makes a
        difference, which is looked at again.
        """
        self.must_be_there()
        if (below := self.recorded.folders_in(self.store.root, folder)) is not None:
            return Compared(below, [], False)
        try:
            found = self.store.root.small_listing(folder, PART)
        except ProblemError:
            return None
        if found is None:
            return None
        held = self.catalogue.stats(self.id, folder, limit=len(found[0]) + 1)
        if not are_same(held, found[0]):
            return None
        if folder and not held and not self._is_recorded(folder):
            return None
        comparison = FolderComparison(folder, still)
        comparison.same(*found)
        return comparison.found()

    def _same_part(
        self, comparison: FolderComparison, names: Sequence[str], after: str, upto: str
    ) -> bool:
        """Whether a part is as recorded; without the lock, as in `_as_recorded`."""
        listing, problems = self.store.root.listed(comparison.folder, names)
        held = self.catalogue.stats(self.id, comparison.folder, after, upto, len(listing) + 1)
        if same := are_same(held, listing):
            comparison.same(listing, problems)
        return same

    def compare_names(self, folder: str, names: Iterable[str], still: Still) -> Compared:
        """As `compare`, for some names of a folder, which need not be there.

        What is as it was recorded just now costs no lock.
        """
        comparison = FolderComparison(folder, still)
        unlike = self.recorded.unlike(self.store.root, folder, sorted(names))
        for start in range(0, len(unlike), PART):
            with self.lock:
                self.must_be_there()
                if folder and not self._is_folder(folder):
                    break
                self._compare_some(comparison, unlike[start : start + PART])
        return self._ended(comparison)

    def _ended(self, comparison: FolderComparison) -> Compared:
        found = comparison.found()
        self._fresh.update(found.fresh[: FRESH - len(self._fresh)])
        return found

    def _compare_some(self, comparison: FolderComparison, names: Sequence[str]) -> None:
        folder = comparison.folder
        listing, problems = self.store.root.listed(folder, names)
        valid = [path for name in names if not paths.refusal(path := paths.join(folder, name))]
        held = zip(valid, self.catalogue.entries(self.id, valid), strict=True)
        rows = {paths.name(path): one for path, one in held if one is not None}
        self._record_compared(comparison, listing, problems, rows)

    def _compare_part(
        self, comparison: FolderComparison, names: Sequence[str], after: str, upto: str
    ) -> tuple[int, str]:
        """Compares what is in a folder between two names; `names` were seen there just now.

        If the catalogue has more there, because others came in between, only the first of it.

        Returns:
            How many of the names were compared, and up to which one; "" for all there is.
        """
        folder, root = comparison.folder, self.store.root
        held = self.catalogue.listing(self.id, folder, after, upto, PART)
        rows = {one.entry.name: one for one in held}
        if len(held) == PART:
            upto = held[-1].entry.name
            names = names[: bisect_right(names, upto)]
        listing, problems = root.listed(folder, names)
        if missing := sorted(rows.keys() - names):
            # The names were read without the lock: what is recorded by now may be there.
            late, more = root.listed(folder, missing)
            listing, problems = EntryColumns.joined([listing, late]), (*problems, *more)
        self._record_compared(comparison, listing, problems, rows)
        return len(names), upto

    def _record_compared(
        self,
        comparison: FolderComparison,
        listing: EntryColumns,
        problems: Sequence[Problem],
        rows: dict[str, Catalogued],
    ) -> None:
        changes = comparison.changes(listing, problems, rows, self._put, self._suspects)
        if changes:
            if isinstance(changes[-1], Gone):
                self.must_be_there()
            self.record(changes, cause=comparison.cause)

    # -- after an unclean stop ---------------------------------------------------------------------

    def verify(self, going: Going) -> None:
        """Reads suspect files that look as they did; call it after everything was compared.

        Args:
            going: when it gives False, this ends and begins again at the next start.

        Raises:
            ProblemError: `stopped`; `root_gone`; `no_descriptors`; the state cannot be written.
        """
        for path, held in self._suspects.unread():
            if not going():
                raise ProblemError(Problem(Code.STOPPED, "checking files was stopped", path))
            root = self.store.root
            seen = seen_now(root, path)
            # It is read without the lock, so others can work meanwhile.
            if seen is None or not self._suspects.is_damaged(root, path, held, seen, going):
                continue
            with self.lock:
                if root.entry(path) == seen and self.catalogue.entry(self.id, path) == held:
                    self.record([self._marked(path, seen)])
        self._suspects.checked()

    def _put(self, path: str, held: Catalogued | None, seen: Entry) -> Put:
        """The change that records `seen` in place of `held`; what a stop has damaged is marked."""
        if held is None or not self._suspects.is_damaged(self.store.root, path, held, seen):
            return put(path, seen)
        return self._marked(path, seen)

    def _marked(self, path: str, seen: Entry) -> Put:
        _log.warning("%s in %r", damaged_there(path).message, self.path)
        return put(path, seen._replace(hash=DAMAGED))

    def _is_folder(self, path: str) -> bool:
        """Whether a folder is there, and records it. Comparing its parent finds anything else."""
        seen = self.store.root.entry(path)
        if seen is None or seen.kind != FOLDER:
            return False
        if not self._is_recorded(path):
            self.take_in(path, seen)
        return True

    def _is_recorded(self, folder: str) -> bool:
        held = self.catalogue.entry(self.id, folder)
        return held is not None and held.entry.kind == FOLDER
