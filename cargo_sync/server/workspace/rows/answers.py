"""What both builds of a workspace answer alike, from its rows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from cargo_sync.catalogue.contract import Catalogue, Catalogued, ChangesPage
from cargo_sync.catalogue.feed import ChangeFeed, Position
from cargo_sync.catalogue.quota_ledger import QuotaLedger
from cargo_sync.local.trash_freeing import Remove, free_all, free_some
from cargo_sync.model import paths
from cargo_sync.model.displaced import FreedVersions, TrashFilter, TrashPage, TrashTotals
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.history import OTHERS, ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.contract import Permitted, always
from cargo_sync.server.workspace.operations import Mkdir, Operation, OperationResult
from cargo_sync.server.workspace.refusals import away
from cargo_sync.server.workspace.rows.tree import CataloguedTree

MADE: Final = "made"
"""The run of folders that the server makes itself; it displaces nothing."""
_NOT_THERE: Final = frozenset({Code.VANISHED, Code.SYMLINK, Code.NOT_A_FOLDER})
"""Codes of a folder that cannot be entered, because something else is at it or above it."""


class CataloguedWorkspace(ABC):
    """A part of `contract.Workspace`, which says what each call does."""

    def __init__(self, rows: CataloguedTree) -> None:
        self._rows = rows
        self._feed = ChangeFeed(rows.catalogue, rows.id, rows.epoch)
        self.id = rows.id
        self.epoch = rows.epoch
        self.lineage = rows.lineage

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    @property
    def path(self) -> str:
        return self._rows.path

    @property
    def quotas(self) -> QuotaLedger:
        return self._rows.quotas

    @property
    def catalogue(self) -> Catalogue:
        return self._rows.catalogue

    def stop(self) -> None:
        """Makes long work end soon; once closed, it is not opened again."""
        self._rows.closing = True

    def heard(self) -> None:
        """Another server has recorded something here. Raises ProblemError."""
        self._rows.heard()

    def wake(self, id: int, some: Sequence[str]) -> None:
        """Wakes those who wait for changes of these paths in the workspace `id`."""
        self._rows.wake(id, some)

    # -- names and changes -------------------------------------------------------------------------

    def position(self, since: int) -> Position:
        """The current position, for a client that knows the workspace up to the change `since`."""
        return self._feed.position(since)

    def changes(self, since: int, under: str, limit: int) -> ChangesPage:
        """Changes below `under` after `since`; see the catalogue's contract."""
        return self._rows.catalogue.changes(self.id, since, under, limit)

    def listing(self, folder: str, after: str = "", limit: int = -1) -> list[Entry] | None:
        """The entries directly in a folder, by name; None when there is no such folder."""
        if folder:
            above = self._rows.catalogue.entry(self.id, folder)
            if above is None or above.entry.kind != FOLDER:
                return None
        rows = self._rows.catalogue.listing(self.id, folder, after, limit=limit)
        return [held.entry for held in rows]

    def entries(self, some: Sequence[str]) -> list[Catalogued | None]:
        """The entries at these paths, in their order."""
        return self._rows.catalogue.entries(self.id, some)

    def entry(self, path: str) -> Entry | None:
        """The entry that is really at `path` now. Raises ProblemError."""
        held = self._rows.look(path)
        return held and held.entry

    def lacks(self, folder: str, *, makes: bool = False) -> Problem | None:
        """Why there is no folder of this path now, or None. With `makes` it may be made."""
        try:
            with self._rows.lock:
                held = self._rows.look(folder)
                if held is None and makes and not self._rows.catalogue.was(self.id, folder):
                    [made] = self.change([Mkdir(folder, None, 0)], MADE)
                    return made if isinstance(made, Problem) else None
        except ProblemError as error:
            return away().problem if error.problem.code in _NOT_THERE else error.problem
        return None if held is not None and held.entry.kind == FOLDER else away().problem

    def finish(self) -> None:
        """Writes rows of large folders that are gone or moved, also of an earlier process.

        Raises:
            ProblemError: the state cannot be written.
        """
        self._rows.finish()

    def _finish(self) -> bool:
        """Writes the rows of large folders; False when the server stops."""
        if not self._rows.closing:
            self._rows.finish()
        return not self._rows.closing

    # -- changes -----------------------------------------------------------------------------------

    @abstractmethod
    def change(
        self,
        operations: Sequence[Operation],
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
    ) -> list[OperationResult]:
        """Makes folders, deletes and moves; one result per operation, in order, each on its own."""

    # -- its trash ---------------------------------------------------------------------------------

    @abstractmethod
    def remover(self) -> Remove:
        """Removes versions of its trash for good."""

    def trash(self, wanted: TrashFilter, before: int | None, limit: int) -> TrashPage:
        """Displaced versions, the newest first; see the ledger's contract."""
        return self._rows.ledger.page(wanted, before, limit)

    def trash_totals(self, within: str = "") -> TrashTotals:
        """How much is in the trash, of what was in the folder `within`."""
        return self._rows.ledger.totals(within)

    def free(
        self, ids: Sequence[int], permitted: Permitted = always, within: str = ""
    ) -> FreedVersions:
        """Removes versions from the trash for good, if they were `within`. Raises ProblemError."""
        permitted()
        ledger = self._rows.ledger
        if within:
            ids = [id for id, one in ledger.kept(ids) if paths.is_inside(one.path, within)]
        return free_some(ledger, ids, self.remover())

    def free_all(self, wanted: TrashFilter, permitted: Permitted = always) -> FreedVersions:
        """As `free`, for all that the filter wants; see `trash_freeing.free_all`."""
        return free_all(self._rows.ledger, wanted, self.remover(), permitted)
