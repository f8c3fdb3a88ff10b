"""Offers of a flow, checked and recorded: the catalogue's side of a sink.

An offer names the version that its sender saw at the path, 0 for none. It is compared with the
catalogue twice: before anything is sent, and when the file is recorded. A batch is recorded once
its contents are secured.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import repeat
from typing import Final

from cargo_sync.catalogue.contract import Catalogued, Put, PutColumns
from cargo_sync.local.space import Shortage
from cargo_sync.model import paths
from cargo_sync.model.displaced import TrashCause
from cargo_sync.model.entries import BY_UMASK, FILE, LINK, PERMISSIONS, Entry, EntryColumns
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.slices import path_cost, slices
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.server.workspace.content.displacing import Displacing
from cargo_sync.server.workspace.content.flows.joining import Recordable
from cargo_sync.server.workspace.content.tree import (
    FILE_MODE,
    ContentTree,
    StoredContent,
    in_the_way,
)
from cargo_sync.server.workspace.promises import Promises
from cargo_sync.server.workspace.refusals import changed, no_room
from cargo_sync.server.workspace.rows.offers import growth_of, is_offered, version_of

TOGETHER: Final = 2_000
"""Files that are recorded while the workspace is locked; fewer of those deep down."""
LINK_MODE: Final = 0o777


class ContentCommit:
    """The decisions about one flow of a user. One lane's thread uses it.

    `permitted` is called before files are recorded; it raises ProblemError when the flow's user may
    not write any more.

    user   who sends
    joins  batches that wait together may be recorded together
    """

    joins = True

    def __init__(
        self, tree: ContentTree, run: str, permitted: Callable[[], None], cause: ChangeCause
    ) -> None:
        self._tree = tree
        self._run = run
        self._permitted = permitted
        self._cause = cause
        self._recorded_at = tree.steady()
        self._follows = False
        """Whether rows of large folders are to be written after what was recorded last."""
        self.user = cause.user
        self._promises = Promises(tree.quotas, cause.user, tree.lock)

    # -- before anything is sent -------------------------------------------------------------------

    def judge(self, batch: int, offers: Sequence[Offer]) -> list[Want | None]:
        """For each offer: a refusal, "none" (this content is already here), or None: needed."""
        tree = self._tree
        held = tree.catalogue.entries(tree.id, [offer.path for offer in offers])
        wants = [
            None if one is None and not offer.expected else self._judged(offer, one)
            for offer, one in zip(offers, held, strict=True)
        ]
        self._fit(offers, wants)
        self._promises.make(batch, offers, wants, held)
        return wants

    def _judged(self, offer: Offer, held: Catalogued | None) -> Want | None:
        if held is not None and is_offered(held.entry, offer):
            return Want("none")
        if version_of(held) != offer.expected:
            return Want("changed", message=str(changed(offer.path)))
        return None

    def _fit(self, offers: Sequence[Offer], wants: list[Want | None]) -> None:
        """Refuses what the store has no room for, in the order of the offers."""
        left = self._tree.store.room(self._tree.id)
        if left is None:
            return
        for index, offer in enumerate(offers):
            if wants[index] is None and not offer.target:
                if offer.size > left:
                    problem = no_room(offer)
                    wants[index] = Want(problem.code_text, message=str(problem))
                else:
                    left -= offer.size

    def no_room(self, offer: Offer, shortage: Shortage) -> Problem:
        """The problem of a file for which the spool has no room."""
        return no_room(offer)

    def ended(self, batch: int) -> None:
        """A batch has ended: what is not recorded of it never will be."""
        self._promises.end(batch)

    # -- once the contents are secured -------------------------------------------------------------

    def record(self, batch: Recordable, placed: Mapping[int, StoredContent]) -> dict[int, Receipt]:
        """Records the files of a batch; those with content are in `placed`.

        Returns:
            Receipts by index for what is there now; failures are in the batch's problems.

        Raises:
            ProblemError: nothing of it can be recorded.
        """
        receipts: dict[int, Receipt] = {}
        order = sorted({*batch.staged, *batch.there} - batch.problems.keys())
        self._follows = False
        for some in slices(order, lambda index: path_cost(batch.offers[index].path), TOGETHER):
            try:
                with self._turn():
                    there = [index for index in some if index in batch.there]
                    told = {index: self._there(batch.offers[index]) for index in there}
                    new = [index for index in some if index not in batch.there]
                    told |= self._record(batch, new, placed)
            except ProblemError as error:
                if not receipts:
                    raise
                batch.problems.update(dict.fromkeys(order[order.index(some[0]) :], error.problem))
                break
            receipts |= told
        if self._follows:
            self._tree.finish()
        return receipts

    def _record(
        self, batch: Recordable, order: Sequence[int], placed: Mapping[int, StoredContent]
    ) -> dict[int, Receipt]:
        """Records some, in a turn."""
        tree = self._tree
        try:
            self._permitted()
        except ProblemError as error:
            batch.problems.update(dict.fromkeys(order, error.problem))
            return {}
        if not order:
            return {}
        displacing = Displacing(tree, self._run, self._cause.user)
        found = tree.catalogue.entries(tree.id, [batch.offers[index].path for index in order])
        stands = {index: held for index, held in zip(order, found, strict=True) if held is not None}
        fine, above = self._ready(batch, order, stands)
        if not fine:
            return {}
        offers = [batch.offers[index] for index in fine]
        some = [offer.path for offer in offers]
        self._coming(offers)
        places: dict[int, str] = {}
        for index, held in stands.items():
            if index not in batch.problems:
                path = batch.offers[index].path
                places[index] = displacing.add(path, held, TrashCause.OVERWRITTEN)
        entries = _entries(offers, [batch.staged[index].hash for index in fine])
        zeros = [0] * len(fine)
        puts = PutColumns(some, entries, zeros, zeros, [False] * len(fine))
        before, self._recorded_at = self._recorded_at, tree.steady()
        cause = self._cause._replace(seconds=self._recorded_at - before)
        refers = [placed[index] for index in fine if index in placed]
        recorded = tree.record([*above, puts], displacing.taken(), cause, refers)
        self._promises.came(batch.numbers, recorded.grown)
        self._follows = self._follows or recorded.follows
        versions = recorded.versions[len(above) :]
        kinds, _, times, modes, _, _, hashes, _ = entries.columns()[1:]
        told = map(Receipt, repeat("done"), versions, versions, times, modes, hashes)
        receipts = dict(zip(fine, told, strict=True))
        for index, kind in zip(fine, kinds, strict=True) if stands else ():
            if (before_it := stands.get(index)) is not None:
                receipt = receipts[index]._replace(displaced=places[index])
                if before_it.entry.kind == kind:
                    receipt = receipt._replace(ident=before_it.entry.ident)
                receipts[index] = receipt
        return self._arrived(offers, entries, receipts)

    def _ready(
        self, batch: Recordable, order: Sequence[int], stands: Mapping[int, Catalogued]
    ) -> tuple[Sequence[int], Sequence[Put]]:
        """Those that may be recorded, and the folders that are missing above them.

        Adds the problems of the others.
        """
        offers = [batch.offers[index] for index in order]
        above = None if stands else self._above_new(offers, [offer.path for offer in offers])
        fine = order if above is not None else self._still_true(batch, order, stands)
        fine = self._within_quota(batch, fine, stands)
        if above is None or len(fine) < len(order):
            above = self._tree.folders_above([batch.offers[index].path for index in fine])
        return fine, above

    def _above_new(self, offers: Sequence[Offer], some: Sequence[str]) -> list[Put] | None:
        """The folders that are missing above files, if nothing is in the way of any of them.

        All of them are looked at together: they are many. Nothing is at their paths. None: each is
        to be looked at alone.
        """
        taken = set(some)
        if len(taken) < len(some) or any(offer.expected for offer in offers):
            return None
        folders = {path.rpartition("/")[0] for path in some}
        if any(above in taken for folder in folders for above in paths.upwards(folder)):
            return None
        try:
            return self._tree.folders_above(some)
        except ProblemError:
            return None

    def _still_true(
        self,
        batch: Recordable,
        order: Sequence[int],
        stands: Mapping[int, Catalogued],
    ) -> list[int]:
        """Those of which the place is as expected; adds the problems of the others."""
        fine: list[int] = []
        places = _Places(self._tree)
        for index in order:
            offer = batch.offers[index]
            problem = places.problem(offer.path)
            if problem is None and version_of(stands.get(index)) != offer.expected:
                problem = changed(offer.path).problem
            if problem is None:
                places.take(offer.path)
                fine.append(index)
            else:
                batch.problems[index] = problem
        return fine

    def _within_quota(
        self, batch: Recordable, order: Sequence[int], stands: Mapping[int, Catalogued]
    ) -> Sequence[int]:
        """Those that fit beside what is there by now; adds the problems of the others."""
        quotas = self._tree.quotas
        if not quotas.of(self.user):
            return order
        offers = [batch.offers[index] for index in order]
        sizes = [0 if offer.target else offer.size for offer in offers]
        growth = growth_of(sizes, [stands.get(index) for index in order])
        exceeding = quotas.exceeding(self.user, growth)
        for at, excess in exceeding.items():
            problem = quotas.refusal(offers[at].path, self.user, excess)
            batch.problems[order[at]] = problem
        return [index for at, index in enumerate(order) if at not in exceeding]

    def _turn(self) -> AbstractContextManager[None]:
        """Holds what files are recorded in."""
        return self._tree.turn(whole=True)

    def _coming(self, offers: Sequence[Offer]) -> None:
        """These are about to be recorded."""

    def _arrived(
        self, offers: Sequence[Offer], there: EntryColumns, receipts: dict[int, Receipt]
    ) -> dict[int, Receipt]:
        """These are recorded; returns their receipts."""
        return receipts

    def _there(self, offer: Offer) -> Receipt:
        """The receipt of content that did not have to be sent, if it is still there."""
        held = self._tree.look(offer.path)
        if held is None or not is_offered(held.entry, offer):
            problem = changed(offer.path).problem
            return Receipt(problem.code_text, message=str(problem), retry=problem.retry)
        entry = held.entry
        return Receipt("done", entry.version, entry.ident, entry.mtime_ns, entry.mode, entry.hash)


class _Places:
    """The places of files that are recorded together: none is in the way of another one."""

    def __init__(self, tree: ContentTree) -> None:
        self._tree = tree
        self._taken: set[str] = set()
        self._above: dict[str, Problem | None] = {"": None}
        """Folders that must be there, and why one cannot be."""

    def problem(self, path: str) -> Problem | None:
        """Why no file can be at a path, beside those that took theirs."""
        if path in self._taken or path in self._above:
            return changed(path).problem
        above = path.rpartition("/")[0]
        if above not in self._above:
            self._above[above] = self._asked(above)
        return self._above[above]

    def take(self, path: str) -> None:
        """A file is to be at this path."""
        self._taken.add(path)

    def _asked(self, above: str) -> Problem | None:
        for folder in paths.upwards(above):
            if folder in self._taken:
                return in_the_way(folder, FILE).problem
        try:
            self._tree.folders_above([paths.join(above, "_")])
        except ProblemError as error:
            return error.problem
        for folder in paths.upwards(paths.parent(above)):
            self._above.setdefault(folder, None)
        return None


def _entries(offers: Sequence[Offer], hashes: Sequence[str]) -> EntryColumns:
    """What the catalogue has of offers that came."""
    some, sizes, times, modes, *_, targets, _ = map(list, zip(*offers, strict=True))
    if any(targets):
        return EntryColumns.of(list(map(_entry, offers, hashes)))
    names = [path.rpartition("/")[2] for path in some]
    modes = [FILE_MODE if mode == BY_UMASK else mode & PERMISSIONS for mode in modes]
    kinds, zeros = [FILE] * len(names), [0] * len(names)
    return EntryColumns(names, kinds, sizes, times, modes, zeros, zeros, list(hashes), targets)


def _entry(offer: Offer, hash: str) -> Entry:
    """What the catalogue has of an offer that came."""
    name = paths.name(offer.path)
    if offer.target:
        return Entry(name, LINK, 0, offer.mtime_ns, LINK_MODE, target=offer.target)
    mode = FILE_MODE if offer.mode == BY_UMASK else offer.mode & PERMISSIONS
    return Entry(name, FILE, offer.size, offer.mtime_ns, mode, hash=hash)
