"""The workspace whose catalogue is the truth: what the rest of the server may do with it.

Nobody else writes there, so nothing is looked for. Extended attributes and the holes of files are
not kept: a client is told that there are none.
"""

import logging
from collections.abc import Sequence

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.local.read import hash_reader
from cargo_sync.local.trash_freeing import Remove, free
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.displaced import (
    Restored,
)
from cargo_sync.model.entries import BY_UMASK, FILE, Entry
from cargo_sync.model.history import OTHERS, ChangeCause, HistoryKind
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.model.xattrs import Xattrs
from cargo_sync.server.workspace.content.flows.commit import ContentCommit
from cargo_sync.server.workspace.content.flows.drop_box import BoxCommit
from cargo_sync.server.workspace.content.flows.sink import ContentSink
from cargo_sync.server.workspace.content.flows.source import ContentFile, ContentSource
from cargo_sync.server.workspace.content.operations import RowOperations
from cargo_sync.server.workspace.content.sweep import OwnedContents, Sweep, Swept
from cargo_sync.server.workspace.content.trash import RowRestorer, remover
from cargo_sync.server.workspace.content.tree import ContentTree
from cargo_sync.server.workspace.content.upload import ContentUpload
from cargo_sync.server.workspace.contract import News, Permitted, always
from cargo_sync.server.workspace.incoming import Additions, Admit
from cargo_sync.server.workspace.operations import Operation, OperationResult
from cargo_sync.server.workspace.refusals import away, changed, not_a_file, vanished
from cargo_sync.server.workspace.rows.answers import CataloguedWorkspace
from cargo_sync.stores.contract import Content

_log = logging.getLogger(__name__)


class ContentWorkspace(CataloguedWorkspace):
    """One served workspace; see `contract.Workspace`. It is never away: its state is ours.

    id, epoch  of the workspace in the catalogue
    lineage    of the changes from now on
    """

    def __init__(self, tree: ContentTree, owned: OwnedContents) -> None:
        super().__init__(tree)
        self._tree = tree
        self._sweep = Sweep(tree, owned)
        self._attached = False

    # -- whether it is there -----------------------------------------------------------------------

    @property
    def attached(self) -> bool:
        """Whether it was opened."""
        return self._attached

    @property
    def read_only(self) -> bool:
        return False

    @property
    def problem(self) -> Problem | None:
        return None

    @property
    def unoffered(self) -> int:
        """None: what is here came from clients."""
        return 0

    def away(self) -> Problem | None:
        return None if self._attached else away().problem

    def must_not_be_held(self) -> None:
        """Nobody else can hold it."""

    def attach(self) -> bool:
        """Opens it; returns whether it was not open. Raises ProblemError: `stopped`."""
        with self._tree.lock:
            if self._tree.closing:
                message = "the workspace is not served any more"
                raise ProblemError(Problem(Code.STOPPED, message))
            opened, self._attached = not self._attached, True
            return opened

    def close(self, patience: float = -1) -> bool:
        """Closes it; lanes must not use it any more.

        Returns:
            False if another call did not end within `patience` seconds: then it can be used on.
        """
        if not self._tree.lock.acquire(timeout=patience):
            self._tree.closing = False
            return False
        try:
            self._attached = False
            self._tree.left.clear()
            return True
        finally:
            self._tree.lock.release()

    # -- names and changes -------------------------------------------------------------------------

    def news(
        self,
        since: int,
        under: str,
        limit: int,
        own: OwnChanges = NO_CHANGES,
        newest: int | None = None,
    ) -> News:
        """Changes below `under` after `since`, and what a client asks at the start of a look."""
        found = self._feed.look(since, under, limit, own, newest, self._finish)
        return News(*found, self.away(), folds=False, xattrs=False)

    # -- content -----------------------------------------------------------------------------------

    def open(self, path: str) -> tuple[Catalogued | None, ContentFile | None]:
        """The entry at `path`, and for a file a reader of exactly this version.

        Raises:
            ProblemError: `bad_path`; no copy of it can be read.
        """
        held = self._tree.look(path)
        if held is None or held.entry.kind != FILE:
            return held, None
        return held, self._opened(held.entry, path)

    def _opened(self, entry: Entry, path: str) -> ContentFile:
        reader = None
        if entry.size:
            content = Content(entry.hash, entry.size)
            reader = self._tree.store.open(self.id, content, None)
        return ContentFile(reader, path)

    def holes(self, path: str) -> int:
        """0: it is not known."""
        self._tree.look(path)
        return 0

    def hash(self, path: str, version: int, reread: bool = False) -> str:
        """The hash of a version. With `reread` all of its content is read, too.

        Raises:
            ProblemError: `changed` when there is another version by now; `vanished`, `not_a_file`,
                `stopped` with the server, or why it cannot be read.
        """
        held = self._tree.look(path)
        if held is None:
            raise vanished(path)
        if held.entry.kind != FILE:
            raise not_a_file(path)
        if held.entry.version != version:
            raise changed(path)
        known = held.entry.hash
        if reread:
            reader = self._opened(held.entry, path)
            found = hash_reader(reader, path, held.entry.size, lambda: not self._tree.closing)
            if found != known:
                _log.warning("%r in %r has not the content that arrived", path, self.path)
            return found
        return known

    def xattrs(self, files: Sequence[tuple[str, int]]) -> list[Xattrs | Problem]:
        """No attributes, for each file that has this version."""
        held = self.entries([path for path, _ in files])
        return [
            {} if one is not None and one.entry.version == version else changed(path).problem
            for (path, version), one in zip(files, held, strict=True)
        ]

    # -- changes -----------------------------------------------------------------------------------

    def change(
        self,
        operations: Sequence[Operation],
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
    ) -> list[OperationResult]:
        """Makes folders, deletes and moves; one result per operation, in order, each on its own."""
        return RowOperations(self._tree, run, permitted, cause._replace(puts=None))(operations)

    def stage(
        self,
        path: str,
        size: int,
        mtime_ns: int,
        admit: Admit,
        run: str,
        cause: ChangeCause = OTHERS,
        transfer: str = "",
    ) -> ContentUpload:
        """Begins the upload of a file whose bytes come in order; see the contract."""
        offer = Offer(path, size, mtime_ns, BY_UMASK, 0, 0, transfer or self.token())
        cause = cause._replace(puts=HistoryKind.UPLOADED)
        return ContentUpload(self._tree, offer, admit, run, cause)

    def forget_staged(self, transfer: str) -> None:
        """Deletes what is staged of a file that nobody sends any more. Raises ProblemError."""
        self._tree.store.spool.staging.forget(transfer)

    # -- its trash ---------------------------------------------------------------------------------

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
        """Restores versions of the trash below the folder `to`; see the contract."""
        cause = cause._replace(puts=HistoryKind.RESTORED)
        restorer = RowRestorer(self._tree, run, permitted, cause, within)
        return restorer(ids, to, under, inside)

    def remover(self) -> Remove:
        """Removes versions of its trash for good."""
        return remover(self._tree)

    def tidy(self, limits: TrashLimits) -> None:
        """Frees trash that is overdue. Raises ProblemError: the state cannot be written."""
        free(self._tree.ledger, limits, self.remover())

    def sweep(self) -> Swept:
        """Looks for contents that nothing refers to; see `Sweep`. It may take long.

        Raises:
            ProblemError: `stopped` with the server; the state cannot be read or written.
        """
        return self._sweep(lambda: not self._tree.closing)

    # -- flows -------------------------------------------------------------------------------------

    def sink(
        self,
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
        additions: Additions | None = None,
    ) -> Sink:
        """Where a flow's receiver stages and commits; the trash of `run` takes what is displaced.

        `permitted` raises ProblemError when a batch may not be recorded any more. With `additions`
        it is a flow into a drop box.
        """
        cause = cause._replace(puts=HistoryKind.UPLOADED)
        if additions is None:
            commit = ContentCommit(self._tree, run, permitted, cause)
        else:
            commit = BoxCommit(self._tree, run, permitted, cause, additions)
        return ContentSink(self._tree, commit)

    def source(self) -> Source:
        """Where a flow's sender reads exactly the versions that its offers name."""
        return ContentSource(self._tree)

    # -- where it is recorded ----------------------------------------------------------------------

    def token(self) -> str:
        """32 hex digits that nobody can guess."""
        return self._tree.token()
