"""The rows of one workspace: what both builds have of it in the state, and whom they tell of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from cargo_sync.catalogue.contract import (
    Catalogue,
    Catalogued,
    Change,
    PutColumns,
    Recorded,
    changed_paths,
)
from cargo_sync.catalogue.quota_ledger import QuotaLedger
from cargo_sync.local.ledger import TrashLedger
from cargo_sync.machines.own_changes import VersionRange
from cargo_sync.model.history import ToldBatch
from cargo_sync.process.fair_lock import FairLock

FINISHED: Final = 100
"""Moved folders whose numbers are kept for those who moved them."""
ROWS: Final = 1_000
"""Rows of a large folder that are written at a time, while nobody else can write to the state."""

Changed = Callable[[int, Sequence[str]], None]
"""Called with the workspace and the paths when a change is recorded, in the thread that made it. It
must not block."""
Tell = Callable[[Sequence[ToldBatch]], None]
"""Called with what the history tells of a change, in the thread that made it. It must not block."""


class CataloguedTree(ABC):
    """One workspace in the state.

    path       its name in the catalogue
    id, epoch  of the workspace in the catalogue
    known      what the catalogue knew of it when it was opened
    lineage    of the changes from now on
    lock       held from a look until what came of it is recorded
    ledger     of its trash
    quotas     how much may be in it
    closing    set when it is about to be closed: then long work ends soon
    """

    def __init__(
        self,
        path: str,
        catalogue: Catalogue,
        ledger: Callable[[int], TrashLedger],
        token: Callable[[], str],
        changed: Changed,
        tell: Tell,
    ) -> None:
        """Opens the catalogue of a workspace, and begins a lineage.

        Args:
            path: its name in the catalogue.
            catalogue: of the server.
            ledger: gives the ledger of a workspace, in the state that has the catalogue.
            token: makes 32 hex digits, for a new epoch and for the lineage.
            changed: called after each recorded change.
            tell: called with what the history tells of it.
        """
        self.known = catalogue.workspace(path, token)
        self.path = path
        self.id = self.known.id
        self.epoch = self.known.epoch
        self.lineage = catalogue.begin(self.id, token())
        self.catalogue = catalogue
        self.ledger = ledger(self.id)
        self.quotas = QuotaLedger(partial(catalogue.use, self.id))
        self.lock = FairLock()
        self.closing = False
        self._changed = changed
        self._tell = tell
        self._finished: dict[str, list[VersionRange]] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    @abstractmethod
    def look(self, path: str) -> Catalogued | None:
        """What is really at `path` now, recorded in the catalogue. Raises ProblemError."""

    def announce(self, changes: Sequence[Change | PutColumns], recorded: Recorded) -> None:
        """Wakes those who wait for changes that are recorded durably. The lock is held."""
        self.quotas.count(recorded.use)
        self._changed(self.id, changed_paths(changes))
        if recorded.told:
            self._tell(recorded.told)

    def finish(self, path: str = "") -> list[VersionRange]:
        """Writes the rows of large folders that are gone or moved. The lock need not be held.

        Until then nobody sees these rows. After a stop, the next start goes on.

        Returns:
            The numbers in the feed of the rows of the folder that moved to `path`, as far as they
            are known.

        Raises:
            ProblemError: the state cannot be written.
        """
        written = False
        while not self.closing and (part := self.catalogue.finish(self.id, ROWS)):
            written = True
            if part.told:
                self._tell(part.told)
            if part.path is not None:
                if len(self._finished) >= FINISHED:
                    self._finished.clear()
                # Several threads may write parts of one folder: who moved it wants to know all.
                self._finished.setdefault(part.path, []).append(part.numbers)
        if written:
            self.quotas.look()
            self._changed(self.id, [""])
        return self._finished.pop(path, [])

    def heard(self) -> None:
        """Another server has recorded something here. Raises ProblemError."""
        self.quotas.look()

    def wake(self, id: int, some: Sequence[str]) -> None:
        """Wakes those who wait for changes of these paths in the workspace `id`."""
        self._changed(id, some)
