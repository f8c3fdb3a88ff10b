"""The workspace that is a folder: what the rest of the server may do with it.

Everything here blocks and is called from threads; paths that come from outside are checked here
once more.
"""

import logging
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Final

from cargo_sync.catalogue.contract import Catalogue, Catalogued, ChangesPage
from cargo_sync.catalogue.feed import ChangeFeed, Position
from cargo_sync.catalogue.quota_ledger import QuotaLedger
from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.local.read import FileReader, FolderSource, hash_reader, open_file
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.trash_freeing import free_all, free_some
from cargo_sync.local.trash_upkeep import remover
from cargo_sync.local.xattrs import are_kept, read_all
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model import paths
from cargo_sync.model.displaced import (
    FreedVersions,
    Restored,
    TrashFilter,
    TrashPage,
    TrashTotals,
)
from cargo_sync.model.entries import BY_UMASK, DAMAGED, FILE, FOLDER, Entry
from cargo_sync.model.history import OTHERS, ChangeCause, HistoryKind
from cargo_sync.model.problems import Code, Problem, ProblemError, damaged_there
from cargo_sync.model.transfers import Offer
from cargo_sync.model.xattrs import Xattrs
from cargo_sync.server.workspace.contract import News, Permitted, always
from cargo_sync.server.workspace.folder.catalogued_folder import Arrivals, CataloguedFolder
from cargo_sync.server.workspace.folder.commit import WorkspaceCommit, expect
from cargo_sync.server.workspace.folder.comparison import Compared, Still
from cargo_sync.server.workspace.folder.drop_box import DropBoxCommit
from cargo_sync.server.workspace.folder.operations import OperationBatch
from cargo_sync.server.workspace.folder.trash import TrashRestorer
from cargo_sync.server.workspace.folder.unoffered import Unoffered
from cargo_sync.server.workspace.folder.upload import FolderUpload
from cargo_sync.server.workspace.incoming import Additions, Admit
from cargo_sync.server.workspace.operations import Mkdir, Operation, OperationResult
from cargo_sync.server.workspace.refusals import away, changed, not_a_file, vanished

_log = logging.getLogger(__name__)

MADE: Final = "made"
"""The run of folders that the server makes itself; it displaces nothing."""
_NOT_THERE: Final = frozenset({Code.VANISHED, Code.SYMLINK, Code.NOT_A_FOLDER})
"""Codes of a folder that cannot be entered, because something else is at it or above it."""


class FolderWorkspace:
    """One served folder.

    While it is not there, calls that need it raise `root_gone`; the catalogue still answers. While
    another program holds it, nothing answers (`must_not_be_held`).

    id, epoch  of the workspace in the catalogue
    lineage    of the changes from now on
    names      what it holds that no client could use
    """

    def __init__(self, folder: CataloguedFolder, token: Callable[[], str]) -> None:
        self._folder = folder
        self._token = token
        self._feed = ChangeFeed(folder.catalogue, folder.id, folder.epoch)
        self.id = folder.id
        self.epoch = folder.epoch
        self.lineage = folder.lineage
        self.names = Unoffered()

    def __repr__(self) -> str:
        return f"FolderWorkspace({self.path!r})"

    @property
    def path(self) -> str:
        return self._folder.path

    @property
    def attached(self) -> bool:
        """Whether the folder was there at the last attempt to use it."""
        return self._folder.attached

    @property
    def read_only(self) -> bool:
        """Whether its file system could not be written to at the last attempt to use it."""
        return self._folder.read_only

    @property
    def problem(self) -> Problem | None:
        """Why the folder could not be used at the last attempt, or None."""
        return self._folder.problem

    @property
    def unoffered(self) -> int:
        """How many names in it no client could use."""
        return self.names.count

    def away(self) -> Problem | None:
        """Why the folder cannot be used now, for clients, or None. Looks at the folder itself."""
        try:
            self._folder.must_be_there()
        except ProblemError as error:
            return error.problem
        return None

    def must_not_be_held(self) -> None:
        """Raises ProblemError `root_held` while another program holds the folder."""
        self._folder.must_not_be_held()

    def attach(self) -> bool:
        """Opens the folder if it is not open, or came back; returns whether it did.

        Raises:
            ProblemError: as for `CataloguedFolder.attach`; `stopped`.
        """
        with self._folder.lock:
            if self._folder.closing:
                raise ProblemError(Problem(Code.STOPPED, "the folder is not served any more"))
            return self._folder.attach()

    @property
    def quotas(self) -> QuotaLedger:
        """How much may be in it."""
        return self._folder.quotas

    def watched_by(self, arrivals: Arrivals | None) -> None:
        """Tells `arrivals` of new folders that are published with their files, from now on."""
        self._folder.arrivals = arrivals

    def stop(self) -> None:
        """Makes hash computations end soon; once closed, it is not opened again."""
        self._folder.closing = True

    def close(self, patience: float = -1) -> bool:
        """Closes the folder; lanes must not use it any more.

        Returns:
            False if another call did not end within `patience` seconds: then it can be used on.
        """
        closed = self._folder.close(patience)
        self._folder.closing &= closed
        return closed

    # -- from the catalogue ------------------------------------------------------------------------

    def position(self, since: int) -> Position:
        """The current position, for a client that knows the workspace up to the change `since`."""
        return self._feed.position(since)

    def changes(self, since: int, under: str, limit: int) -> ChangesPage:
        """Changes below `under` after `since`; see the catalogue's contract."""
        return self._folder.catalogue.changes(self.id, since, under, limit)

    def news(
        self,
        since: int,
        under: str,
        limit: int,
        own: OwnChanges = NO_CHANGES,
        newest: int | None = None,
    ) -> News:
        """Changes below `under` after `since`, and what a client asks at the start of a look.

        The arguments are those of `ChangeFeed.look`.
        """
        found = self._feed.look(since, under, limit, own, newest, self._finish)
        why, folds, xattrs = self.away(), False, False
        if why is None:
            root = self._folder.store.root
            folds, xattrs = root.folds_names(), are_kept(root)
        return News(*found, why, folds, xattrs)

    def _finish(self) -> bool:
        """Writes the rows of large folders; False when the server stops."""
        if not self._folder.closing:
            self._folder.finish()
        return not self._folder.closing

    def listing(self, folder: str, after: str = "", limit: int = -1) -> list[Entry] | None:
        """The entries directly in a folder, by name; None when there is no such folder.

        Up to `limit` of those whose names come after `after`; -1 for all.
        """
        if folder:
            above = self._folder.catalogue.entry(self.id, folder)
            if above is None or above.entry.kind != FOLDER:
                return None
        rows = self._folder.catalogue.listing(self.id, folder, after, limit=limit)
        return [held.entry for held in rows]

    def entries(self, some: Sequence[str]) -> list[Catalogued | None]:
        """The entries at these paths, in their order."""
        return self._folder.catalogue.entries(self.id, some)

    def entry(self, path: str) -> Entry | None:
        """The entry at `path` in the folder itself now.

        Raises:
            ProblemError: as for `CataloguedFolder.look`.
        """
        held = self._folder.look(path)
        return held and held.entry

    def lacks(self, folder: str, *, makes: bool = False) -> Problem | None:
        """Why there is no folder of this path now, or None. Looks at the folder itself.

        With `makes` it is made, unless something was there as far as deletions are remembered: one
        that was deleted or moved stays away.
        """
        try:
            with self._folder.lock:
                held = self._folder.look(folder)
                if held is None and makes and not self._folder.catalogue.was(self.id, folder):
                    [made] = self.change([Mkdir(folder, None, 0)], MADE)
                    return made if isinstance(made, Problem) else None
        except ProblemError as error:
            return away().problem if error.problem.code in _NOT_THERE else error.problem
        return None if held is not None and held.entry.kind == FOLDER else away().problem

    # -- content -----------------------------------------------------------------------------------

    def open(self, path: str) -> tuple[Catalogued | None, FileReader | None]:
        """The entry at `path`, and for a file a reader of exactly this version.

        Raises:
            ProblemError: as for `look`; it cannot be read.
        """
        with self._folder.lock:
            held, seen = self._folder.look_closely(path)
            if held is None or seen is None or seen.kind != FILE:
                return held, None
            if held.entry.hash == DAMAGED:
                raise ProblemError(damaged_there(path))
            return held, open_file(self._folder.store.root, path, seen)

    def holes(self, path: str) -> int:
        """How many bytes of the file at `path` are holes; 0 for what is no file.

        Raises:
            ProblemError: as for `open`.
        """
        _, reader = self.open(path)
        if reader is None:
            return 0
        reader.close()
        return reader.holes

    def hash(self, path: str, version: int, reread: bool = False) -> str:
        """The BLAKE3 of a version, from the catalogue or, the first time, from a stable read.

        With `reread` the file is always read. If it has another content than the catalogue says, a
        disk has lost some of it, and that is logged; the catalogue stays as it is.

        Raises:
            ProblemError: `changed` when there is another version by now, or it changes while it is
                read; `vanished`, `not_a_file`, `stopped` with the server, or why it cannot be read.
        """
        held, reader = self.open(path)
        if held is None:
            raise vanished(path)
        if reader is None:
            raise not_a_file(path)
        known = held.entry.hash
        if held.entry.version != version or (known and not reread):
            reader.close()
            if held.entry.version != version:
                raise changed(path)
            return known
        found = hash_reader(reader, path, held.entry.size, lambda: not self._folder.closing)
        if not known:
            self._folder.catalogue.set_hash(self.id, path, version, found)
        elif found != known:
            _log.warning("%r in %r has not the content that arrived", path, self.path)
        return found

    def xattrs(self, files: Sequence[tuple[str, int]]) -> list[Xattrs | Problem]:
        """The extended attributes of files in these versions, in order.

        One that has another version by now, or too many attributes, has a problem.
        """
        return [self._xattrs(path, version) for path, version in files]

    def _xattrs(self, path: str, version: int) -> Xattrs | Problem:
        try:
            with self._folder.lock:
                held, seen = self._folder.look_closely(path)
            if held is None or seen is None or held.entry.version != version:
                return changed(path).problem
            [found] = read_all(self._folder.store.root, [(path, seen)])
        except ProblemError as error:
            return error.problem
        return found

    # -- changes -----------------------------------------------------------------------------------

    def change(
        self,
        operations: Sequence[Operation],
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
    ) -> list[OperationResult]:
        """Makes folders, deletes and moves; one result per operation, in order, each on its own.

        `permitted` raises ProblemError when the next one may not be done any more.
        """
        return OperationBatch(self._folder, run, permitted, cause._replace(puts=None))(operations)

    def stage(
        self,
        path: str,
        size: int,
        mtime_ns: int,
        admit: Admit,
        run: str,
        cause: ChangeCause = OTHERS,
        transfer: str = "",
    ) -> FolderUpload:
        """Begins the upload of a file whose bytes come in order.

        With a `transfer` that was begun before, it goes on with what was recorded of it.

        Raises:
            ProblemError: as for `FolderUpload`.
        """
        offer = Offer(path, size, mtime_ns, BY_UMASK, 0, 0, transfer or self._token())
        cause = cause._replace(puts=HistoryKind.UPLOADED)
        return FolderUpload(self._folder, offer, admit, run, cause)

    def forget_staged(self, transfer: str) -> None:
        """Deletes what is staged of a file that nobody sends any more.

        Raises:
            ProblemError: `root_gone`.
        """
        self._folder.store.staging.forget(transfer)

    def compare(self, folder: str, still: Still, names: AbstractSet[str] | None = None) -> Compared:
        """Records what other programs did in one folder, or to some names in it.

        Files that are about to be recorded as they came are late, and a folder with such files is
        not settled: what others do to them meanwhile must be seen after that.

        Raises:
            ProblemError: as for `CataloguedFolder.compare`.
        """
        arriving = self._folder.arriving
        if folder in arriving:
            return Compared([], [], unsettled=True)
        if names is None:
            return self._folder.compare(folder, still)
        if not arriving:
            return self._folder.compare_names(folder, names, still)
        late = frozenset(name for name in names if paths.join(folder, name) in arriving)
        return self._folder.compare_names(folder, names - late, still)._replace(late=late)

    def has_made(self, folder: str) -> bool:
        """Whether a folder was made here just now, and nothing is recorded in it."""
        return self._folder.recorded.has_made(folder)

    def age(self) -> None:
        """Forgets which files were recorded before the last call (`RecordedFiles`)."""
        self._folder.recorded.age()

    def finish(self) -> None:
        """Writes rows of large folders that are gone or moved, also of an earlier process.

        Raises:
            ProblemError: the state cannot be written.
        """
        self._folder.finish()

    def verify(self) -> None:
        """Checks what is suspect after an unclean stop; a scan has found what looks different.

        Raises:
            ProblemError: `stopped` with the server; `root_gone`; the state cannot be written.
        """
        self._folder.verify(lambda: not self._folder.closing)

    def tidy(self, limits: TrashLimits) -> None:
        """Frees trash that is overdue, and deletes old staging.

        Raises:
            ProblemError: they cannot be deleted.
        """
        self._folder.store.tidy(self._folder.ledger, limits)

    # -- its trash ---------------------------------------------------------------------------------

    def trash(self, wanted: TrashFilter, before: int | None, limit: int) -> TrashPage:
        """Displaced versions, the newest first; see the ledger's contract."""
        return self._folder.ledger.page(wanted, before, limit)

    def trash_totals(self, within: str = "") -> TrashTotals:
        """How much is in the trash, of what was in the folder `within`."""
        return self._folder.ledger.totals(within)

    def restore(
        self,
        ids: Sequence[int],
        to: str,
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
        under: str = "",
        inside: str = "",
        within: str = "",
    ) -> list[Restored | Problem]:
        """Restores versions of the trash below the folder `to`; one result per id, in order.

        With `inside` only what has this path in the folders that the versions are; with `within`
        only versions of what was in this folder.

        Raises:
            ProblemError: as for `TrashRestorer`.
        """
        cause = cause._replace(puts=HistoryKind.RESTORED)
        restorer = TrashRestorer(self._folder, run, permitted, cause, within)
        return restorer(ids, to, under, inside)

    def free(
        self, ids: Sequence[int], permitted: Permitted = always, within: str = ""
    ) -> FreedVersions:
        """Removes versions from the trash for good, if they were `within`. Raises ProblemError."""
        permitted()
        ledger = self._folder.ledger
        if within:
            ids = [id for id, one in ledger.kept(ids) if paths.is_inside(one.path, within)]
        return free_some(ledger, ids, remover(self._folder.store.root, ledger))

    def free_all(self, wanted: TrashFilter, permitted: Permitted = always) -> FreedVersions:
        """As `free`, for all that the filter wants; see `trash_freeing.free_all`."""
        ledger = self._folder.ledger
        return free_all(ledger, wanted, remover(self._folder.store.root, ledger), permitted)

    # -- flows -------------------------------------------------------------------------------------

    @property
    def catalogue(self) -> Catalogue:
        """Where it is recorded."""
        return self._folder.catalogue

    def token(self) -> str:
        """32 hex digits that nobody can guess."""
        return self._token()

    def wake(self, id: int, some: Sequence[str]) -> None:
        """Wakes those who wait for changes of these paths in the workspace `id`."""
        self._folder.wake(id, some)

    def sink(
        self,
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
        additions: Additions | None = None,
    ) -> Sink:
        """Where a flow's receiver stages and commits; the trash of `run` takes what is displaced.

        `permitted` raises ProblemError when a batch may not be published any more. With
        `additions` it is a flow into a drop box.

        Raises:
            ProblemError: `root_gone`.
        """
        with self._folder.lock:
            store = self._folder.store
            cause = cause._replace(puts=HistoryKind.UPLOADED)
            if additions is None:
                owner = WorkspaceCommit(self._folder, permitted, cause)
            else:
                owner = DropBoxCommit(self._folder, permitted, cause, additions)
            return FolderSink(store.staging, owner, store.run(run))

    def source(self) -> Source:
        """Where a flow's sender reads exactly the versions that its offers name.

        Raises:
            ProblemError: `root_gone`.
        """
        return FolderSource(self._folder.store.root, partial(expect, self._folder))
