"""The workspace that is a folder: what the rest of the server may do with it.

Everything here blocks and is called from threads; paths that come from outside are checked here
once more.
"""

import logging
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.local.read import FileReader, FolderSource, hash_reader, open_file
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.trash_freeing import Remove
from cargo_sync.local.trash_upkeep import remover
from cargo_sync.local.xattrs import are_kept, read_all
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model import paths
from cargo_sync.model.displaced import (
    Restored,
)
from cargo_sync.model.entries import BY_UMASK, DAMAGED, FILE
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
from cargo_sync.server.workspace.operations import Operation, OperationResult
from cargo_sync.server.workspace.refusals import changed, not_a_file, vanished
from cargo_sync.server.workspace.rows.answers import CataloguedWorkspace

_log = logging.getLogger(__name__)


class FolderWorkspace(CataloguedWorkspace):
    """One served folder.

    While it is not there, calls that need it raise `root_gone`; the catalogue still answers. While
    another program holds it, nothing answers (`must_not_be_held`).

    id, epoch  of the workspace in the catalogue
    lineage    of the changes from now on
    names      what it holds that no client could use
    """

    def __init__(self, folder: CataloguedFolder, token: Callable[[], str]) -> None:
        super().__init__(folder)
        self._folder = folder
        self._token = token
        self.names = Unoffered()

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

    def watched_by(self, arrivals: Arrivals | None) -> None:
        """Tells `arrivals` of new folders that are published with their files, from now on."""
        self._folder.arrivals = arrivals

    def close(self, patience: float = -1) -> bool:
        """Closes the folder; lanes must not use it any more.

        Returns:
            False if another call did not end within `patience` seconds: then it can be used on.
        """
        closed = self._folder.close(patience)
        self._folder.closing &= closed
        return closed

    # -- from the catalogue ------------------------------------------------------------------------

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

    # -- content -----------------------------------------------------------------------------------

    def open(self, path: str) -> tuple[Catalogued | None, FileReader | None]:
        """The entry at `path`, and for a file a reader of exactly this version.

        Raises:
            ProblemError: as for `look`; it cannot be read.
        """
        with self._folder.looking(path):
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
            with self._folder.looking(path):
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

    def remover(self) -> Remove:
        """Removes versions of its trash for good. Raises ProblemError: `root_gone`."""
        return remover(self._folder.store.root, self._folder.ledger)

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

    # -- flows -------------------------------------------------------------------------------------

    def token(self) -> str:
        """32 hex digits that nobody can guess."""
        return self._token()

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
