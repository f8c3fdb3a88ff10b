"""The commit of a complete batch: its files are secured, moved into place, synced and recorded."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from cargo_sync.local.batch import SinkBatch
from cargo_sync.local.judge import Judge
from cargo_sync.local.publish import MANY, Placing, secure
from cargo_sync.local.staging import Staging
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.slices import path_cost, path_ranges, slices
from cargo_sync.model.transfers import Receipt

RENAMES: Final = 500
RECORDED: Final = 1_000
"""Files that are moved into place, and recorded, while the owner's lock is held; fewer of those
deep down."""
FOUND: Final = 5
"""A file that was already here costs so much more: it is looked at alone."""


class BatchCommit:
    """Commits batches of one sink; one thread uses it at a time.

    `run` is the name of the trash folder for displaced entries.
    """

    def __init__(self, staging: Staging, judge: Judge, run: str) -> None:
        self._staging = staging
        self._judge = judge
        self._run = run

    def __call__(self, batch: SinkBatch) -> dict[int, Receipt]:
        """Receipts by index for what is here now; failures are in the batch's problems.

        Raises:
            ProblemError: the owner could not record it.
        """
        placing = Placing(self._staging, self._run)
        moved: dict[str, Sequence[int]] = {}
        receipts: dict[int, Receipt] = {}
        try:
            order = self._secure(batch)
            self._publish(batch, order, placing, moved, receipts)
            return receipts
        finally:
            for folder, files in moved.items():
                if all(index in receipts for index in files):
                    self._judge.came(folder)
                else:
                    self._judge.stayed(folder)
            self._judge.ended(batch.number)

    def _publish(
        self,
        batch: SinkBatch,
        order: Sequence[int],
        placing: Placing,
        moved: dict[str, Sequence[int]],
        receipts: dict[int, Receipt],
    ) -> None:
        """Adds the folders that are moved, with their files, and the receipts, as they come."""
        self._place_folders(batch, order, placing, moved)
        placed = set(chain.from_iterable(moved.values()))
        rest = [index for index in order if index not in placed] if placed else order
        for some in _slices(batch, rest, RENAMES):
            with self._judge.lock():
                placed.update(self._place(batch, some, placing))
        placing.sync()
        for some in _slices(batch, sorted(placed | batch.there), RECORDED):
            with self._judge.lock():
                receipts |= self._record(batch, some, placing)

    def _secure(self, batch: SinkBatch) -> list[int]:
        """Makes the contents durable; returns the indices of these files, in order."""
        order = sorted(batch.staged)
        problems = secure(self._staging, [batch.staged[index] for index in order])
        for index, problem in zip(order, problems, strict=True):
            if problem is not None:
                batch.problems[index] = problem
        return [index for index in order if index not in batch.problems]

    def _place_folders(
        self,
        batch: SinkBatch,
        order: Sequence[int],
        placing: Placing,
        moved: dict[str, Sequence[int]],
    ) -> None:
        """Moves whole folders into place; adds them, with the files that came with them.

        Files of a folder that cannot be moved stay in it: they are renamed one by one.
        """
        if not batch.folders:
            return
        together: dict[str, list[int]] = {}
        for index in order:
            name, inside, _ = batch.staged[index].name.partition("/")
            if inside:
                together.setdefault(name, []).append(index)
        for name, some in together.items():
            if len(some) < MANY:
                continue
            with self._judge.lock():
                if any(self._judge.expected([batch.offers[index] for index in some])):
                    continue
                folder = batch.folders[name]
                moved[folder.path] = some
                found = placing.move_folder(folder, len(some), self._judge.moving)
                if found is None:
                    del moved[folder.path]
                    self._judge.stayed(folder.path)
                    continue
                self._judge.moved(folder.path, found)
            del batch.folders[name]

    def _place(self, batch: SinkBatch, order: Sequence[int], placing: Placing) -> Iterable[int]:
        """Moves files into place, and returns those that were expected there."""
        offers, staged = batch.offers, batch.staged
        expected: dict[int, Entry | None] = {}
        judged = self._judge.expected([offers[index] for index in order])
        for index, entry in zip(order, judged, strict=True):
            if isinstance(entry, Problem):
                batch.problems[index] = entry
                self._staging.discard(staged[index], keep=entry.retry)
            else:
                expected[index] = entry
        renamed = placing.rename([staged[index] for index in expected], list(expected.values()))
        if not any(renamed):
            return expected
        failed = {
            index: problem
            for index, problem in zip(expected, renamed, strict=True)
            if problem is not None
        }
        occupied = [index for index, one in failed.items() if one.code is Code.OCCUPIED]
        problems = self._judge.occupied([offers[index] for index in occupied])
        failed.update(zip(occupied, problems, strict=True))
        batch.problems.update(failed)
        return expected.keys() - failed.keys()

    def _record(
        self, batch: SinkBatch, order: Sequence[int], placing: Placing
    ) -> dict[int, Receipt]:
        """Confirms and records what is here now; failures are in the batch's problems."""
        offers, staged, there = batch.offers, batch.staged, batch.there
        renamed = [index for index in order if index not in there] if there else order
        published, problems = placing.confirm([staged[index] for index in renamed])
        if problems:
            batch.problems.update((renamed[at], problem) for at, problem in problems.items())
            renamed = [index for at, index in enumerate(renamed) if at not in problems]
        receipts: dict[int, Receipt] = {}
        if renamed:  # if others did not take all of them away, and it is known what is durable
            told = self._judge.record(batch.number, [offers[index] for index in renamed], published)
            receipts.update(zip(renamed, told, strict=True))
        if there and (found := [index for index in order if index in there]):
            told = self._judge.there([offers[index] for index in found])
            receipts.update(zip(found, told, strict=True))
        return receipts


def _slices(batch: SinkBatch, order: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    """Files that are moved, or recorded, together."""
    there, offers = batch.there, batch.offers
    if not there:
        for part in path_ranges([offers[index].path for index in order], most):
            yield order[part]
        return
    yield from slices(
        order, lambda index: path_cost(offers[index].path) * (FOUND if index in there else 1), most
    )
