"""A drop box: the view of a user who may only add files (`wo`).

They see the names of what they have added (`receipts`), and nothing else: not what others put
there, nor what became of their own files. A file or folder is added only where nothing is; what is
there instead is told by no other word than `occupied`, and no content is compared with what is
sent. That somebody has a name in the folder can be found out by trying it; give each user a folder
of their own if that matters.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, NoReturn

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.catalogue.feed import Position
from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges
from cargo_sync.model import paths
from cargo_sync.model.displaced import (
    FreedVersions,
    Restored,
    TrashFilter,
    TrashPage,
    TrashTotals,
)
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.history import OTHERS, ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Finished, Offer, Receipt, Want
from cargo_sync.model.xattrs import Xattrs
from cargo_sync.server.grants.receipts import Receipts
from cargo_sync.server.grants.view import Telling, ViewUpload, WorkspaceView
from cargo_sync.server.refusals import occupied, write_only
from cargo_sync.server.workspace.contract import News, OpenFile, Permitted, Workspace, always
from cargo_sync.server.workspace.incoming import Admit
from cargo_sync.server.workspace.operations import Done, Mkdir, Operation, OperationResult
from cargo_sync.state.drop_boxes import DropIntent
from cargo_sync.trees.placed import PlacedSink

_TAKEN: Final = frozenset(
    {
        Code.CHANGED,
        Code.OCCUPIED,
        Code.IS_A_FOLDER,
        Code.NOT_A_FOLDER,
        Code.NOT_A_FILE,
        Code.NOT_EMPTY,
        Code.SYMLINK,
        Code.DAMAGED,
    }
)
"""Problems that would tell what is there."""


class DropBox(WorkspaceView):
    """What `user` may do in the folder `path` of a workspace by the name `name`."""

    def __init__(self, workspace: Workspace, path: str, name: str, receipts: Receipts) -> None:
        super().__init__(workspace, path, makes=True)
        self.id = receipts.id
        self.epoch = receipts.epoch
        self._receipts = receipts
        self._name = name

    @property
    def lineage(self) -> Lineage:
        return self._receipts.lineage

    def waits_at(self, path: str) -> str:
        return paths.check(path)

    # -- what they added ---------------------------------------------------------------------------

    def position(self, since: int) -> Position:
        return self._receipts.feed.position(since)

    def news(
        self,
        since: int,
        under: str,
        limit: int,
        own: OwnChanges = NO_CHANGES,
        newest: int | None = None,
    ) -> News:
        found = self._receipts.feed.look(since, paths.check(under), limit, own, newest)
        return News(*found, self.away(), folds=False, xattrs=False)

    def listing(self, folder: str, after: str = "", limit: int = -1) -> list[Entry] | None:
        return self._receipts.listing(paths.check(folder), after, limit)

    def entries(self, some: Sequence[str]) -> list[Catalogued | None]:
        held = iter(self._receipts.entries([path for path in some if path]))
        return [next(held) if path else None for path in some]

    def entry(self, path: str) -> Entry | None:
        [held] = self._receipts.entries([path])
        return held and held.entry

    def holes(self, path: str) -> int:
        return 0

    # -- adding ------------------------------------------------------------------------------------

    def change(
        self,
        operations: Sequence[Operation],
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
    ) -> list[OperationResult]:
        """Makes folders; everything else is refused."""
        wanted = [one for one in operations if isinstance(one, Mkdir)]
        made = super().change([one._replace(expected=0) for one in wanted], run, permitted, cause)
        there = [
            (one.path, Entry(paths.name(one.path), FOLDER, mode=one.mode or 0))
            for one, result in zip(wanted, made, strict=True)
            if isinstance(result, Done)
        ]
        noted = iter(self._receipts.add(there))
        results = iter(zip(wanted, made, strict=True))

        def told(operation: Operation) -> OperationResult:
            if not isinstance(operation, Mkdir):
                return write_only(self._name).problem
            one, result = next(results)
            if isinstance(result, Problem):
                return hidden(result, one.path)
            entry = next(noted).entry
            return Done(entry.version, entry.ident)

        return list(map(told, operations))

    def stage(
        self,
        path: str,
        size: int,
        mtime_ns: int,
        admit: Admit,
        run: str,
        cause: ChangeCause = OTHERS,
        transfer: str = "",
    ) -> ViewUpload:
        """As of a view; what the request expects is compared with what the user sees there."""

        def admitted(held: Catalogued | None) -> None:
            if held is not None:
                raise ProblemError(occupied(path))
            admit(*self._receipts.entries([path]))

        adding = partial(_adding, path)
        with adding():
            upload = super().stage(path, size, mtime_ns, admitted, run, cause, transfer)
        return _AddedUpload(upload, adding, path, self._receipts)

    def sink(self, run: str, permitted: Permitted = always, cause: ChangeCause = OTHERS) -> Sink:
        self._there()
        additions = BoxAdditions(self, self._receipts)
        return _AddingSink(self._workspace.sink(run, self._still(permitted), cause, additions))

    # -- what the table of rights refuses already --------------------------------------------------

    def open(self, path: str) -> tuple[Catalogued | None, OpenFile | None]:
        self._refuse()

    def hash(self, path: str, version: int, reread: bool = False) -> str:
        self._refuse()

    def xattrs(self, files: Sequence[tuple[str, int]]) -> list[Xattrs | Problem]:
        self._refuse()

    def source(self) -> Source:
        self._refuse()

    def trash(self, wanted: TrashFilter, before: int | None, limit: int) -> TrashPage:
        self._refuse()

    def trash_totals(self) -> TrashTotals:
        self._refuse()

    def restore(
        self,
        ids: Sequence[int],
        to: str,
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
        under: str = "",
        inside: str = "",
    ) -> list[Restored | Problem]:
        self._refuse()

    def free(self, ids: Sequence[int], permitted: Permitted = always) -> FreedVersions:
        self._refuse()

    def free_all(self, wanted: TrashFilter, permitted: Permitted = always) -> FreedVersions:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise write_only(self._name)


class BoxAdditions:
    """The additions of one flow to a drop box, with their receipts."""

    def __init__(self, view: WorkspaceView, receipts: Receipts) -> None:
        self._start = len(view.path) + 1 if view.path else 0
        self._receipts = receipts
        self._coming: set[str] = set()
        """Paths in the box of files of this batch without a receipt."""
        self._failed = False
        """It is not known which files of this batch have come."""

    def has_come(self, offer: Offer, there: Entry) -> bool:
        noted = self._receipts.intended(self._path(offer))
        if noted is None or noted[1:] != (offer.size, offer.mtime_ns):
            return False
        if offer.target:
            return there.kind == LINK and there.target == offer.target
        return there.kind == FILE and noted[1:] == (there.size, there.mtime_ns)

    def intend(self, offers: Sequence[Offer]) -> None:
        noted = [DropIntent(self._path(one), one.size, one.mtime_ns) for one in offers]
        self._receipts.intend(noted)
        self._coming.update(one.path for one in noted)

    def coming(self) -> None:
        self._failed = True

    def arrived(self, offers: Sequence[Offer], there: Sequence[Entry]) -> list[Catalogued]:
        some = list(map(self._path, offers))
        noted = self._receipts.add(list(zip(some, there, strict=True)))
        self._failed = False
        self._coming.difference_update(some)
        return noted

    def ended(self) -> None:
        if self._coming and not self._failed:
            self._receipts.gave_up(self._coming)
        self._coming.clear()
        self._failed = False

    def occupied(self, path: str) -> Problem:
        return occupied(path)

    def _path(self, offer: Offer) -> str:
        """The path in the box."""
        return offer.path[self._start :]


class _AddingSink(PlacedSink):
    """Takes every offer as one for a free place, whatever its sender expects there."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink, lambda path: path)
        self._paths: dict[int, list[str]] = {}
        """Of the batches that are begun."""

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        free = [offer._replace(expected=0, occupant=0) for offer in offers]
        wants = super().begin(batch, free)
        some = self._paths[batch] = [offer.path for offer in offers]
        return [
            Want(Code.OCCUPIED, message=str(occupied(path))) if want.code in _TAKEN else want
            for want, path in zip(wants, some, strict=True)
        ]

    def finished(self) -> list[Finished]:
        return [(batch, self._as_told(batch, result)) for batch, result in super().finished()]

    def _as_told(self, batch: int, result: list[Receipt] | Problem) -> list[Receipt] | Problem:
        some = self._paths.pop(batch)
        if isinstance(result, Problem):
            return result
        return [
            Receipt(Code.OCCUPIED, message=str(occupied(path))) if one.code in _TAKEN else one
            for one, path in zip(result, some, strict=True)
        ]


class _AddedUpload(ViewUpload):
    """An upload that gets a receipt."""

    def __init__(self, upload: ViewUpload, telling: Telling, path: str, receipts: Receipts) -> None:
        super().__init__(upload, telling)
        self._path = path
        self._receipts = receipts

    def publish(self) -> tuple[Catalogued, bool]:
        held, created = super().publish()
        [noted] = self._receipts.add([(self._path, held.entry)])
        return noted, created


@contextmanager
def _adding(path: str) -> Iterator[None]:
    """Raises the problems of its block without what they would tell of `path`."""
    try:
        yield
    except ProblemError as error:
        if error.problem.code not in _TAKEN:
            raise
        raise ProblemError(occupied(path)) from error


def hidden(problem: Problem, path: str) -> Problem:
    """A problem that does not tell what is at `path`."""
    return occupied(path) if problem.code in _TAKEN else problem
