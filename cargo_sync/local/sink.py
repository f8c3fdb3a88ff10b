"""The receiving end of a lane: offers are judged, staged, published and recorded, in batches.

The owner of the folder (`judge.Judge`) decides what is wanted, which entry should be at a target,
and how a commit is recorded. All fields of an offer are checked, because the other end may be
hostile.
"""

from collections import OrderedDict
from collections.abc import Container, Iterable, Sequence
from typing import Final

from cargo_sync.local.judge import Judge
from cargo_sync.local.offered import refused
from cargo_sync.local.parts import PartFile, Staged
from cargo_sync.local.publish import Placement, Placing, Published, secure
from cargo_sync.local.space import Reservation
from cargo_sync.local.staging import Staging
from cargo_sync.local.writer import BEHIND, WriteBehind
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.slices import path_cost, slices
from cargo_sync.model.transfers import Offer, Receipt, Want

BATCHES: Final = 16
"""How many batches may be begun and not committed."""
OPEN: Final = 64
"""How many larger files may be open at once; a sender sends them one after the other. When few
descriptors are left, it is only one."""
LOOKED_AT: Final = 1 << 20
"""Bytes from which a place is looked at before a file is sent to it, although nothing is expected
there. For a smaller one the rename alone finds out: two looks cost more than sending it in vain."""

RENAMES: Final = 500
RECORDED: Final = 1_000
"""Files that are moved into place, and recorded, while the owner's lock is held; fewer of those
deep down."""
FOUND: Final = 5
"""A file that was already here costs so much more: it is looked at alone."""

_ALL: Final = Want("all")


class _Batch:
    """One batch that is not committed yet.

    room      space on the disk for what is still to come
    there     indices of offers whose content was already here
    parts     larger files that are arriving, per index
    staged    files that are complete in staging, per index
    problems  why a file failed, per index
    """

    __slots__ = ("offers", "parts", "problems", "room", "staged", "there")

    def __init__(self, offers: Sequence[Offer], room: Reservation) -> None:
        self.offers = offers
        self.room = room
        self.there: set[int] = set()
        self.parts: dict[int, PartFile] = {}
        self.staged: dict[int, Staged] = {}
        self.problems: dict[int, Problem] = {}


class FolderSink:
    """The sink of one flow; one thread uses it at a time.

    `run` is the name of the trash folder for displaced entries.
    """

    def __init__(self, staging: Staging, judge: Judge, run: str) -> None:
        self._staging = staging
        self._judge = judge
        self._run = run
        self._batches: dict[int, _Batch] = {}
        self._open: OrderedDict[tuple[int, int], PartFile] = OrderedDict()
        self._behind = WriteBehind()
        self._writing: tuple[int, int] | None = None
        """The larger file of which a piece is being written."""

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        """Returns what is needed of each offer. Raises ProblemError if the batch cannot begin."""
        if batch in self._batches or len(self._batches) >= BATCHES:
            raise _protocol(f"batch {batch} cannot begin now")
        begun = _Batch(offers, self._staging.reservation())
        begun.problems = refused(offers)
        proper = [index for index in range(len(offers)) if index not in begun.problems]
        judged = self._judge.judge([offers[index] for index in proper])
        if None in judged:
            self._staging.check()
        answers = {
            index: Want(problem.code_text, message=problem.message)
            for index, problem in begun.problems.items()
        }
        for index, want in zip(proper, judged, strict=True):
            if want is None:
                offer = offers[index]
                kept = not offer.target and resumable(offer.size)
                answers[index] = self._rest(batch, begun, index) if kept else _ALL
                continue
            answers[index] = want
            if want.code == "none":
                begun.there.add(index)
            else:
                begun.problems[index] = Problem.received(
                    want.code, want.message, offers[index].path
                )
        self._reserve(batch, begun, answers)
        self._batches[batch] = begun
        return [answers[index] for index in range(len(offers))]

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        """Stages one file that arrived in one piece."""
        self.settle()
        begun, offer = self._wanted(batch, index)
        if index in begun.problems:
            return
        if len(content) != offer.size or index in begun.staged or offer.target:
            self._fail(
                batch, begun, index, _protocol(f"{offer.path!r} is not what was offered").problem
            )
            return
        if index in begun.parts:
            self._release(begun, index)
        try:
            behind = self._behind if len(content) >= BEHIND else None
            begun.staged[index] = self._staging.write(offer, content, behind)
        except ProblemError as error:
            begun.problems[index] = error.problem
        begun.room.end(index)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        """Stages a piece of a larger file."""
        self.settle()
        begun, offer = self._wanted(batch, index)
        if index in begun.problems:
            return
        if index in begun.staged or offer.target:
            self._fail(
                batch, begun, index, _protocol(f"{offer.path!r} is already complete").problem
            )
            return
        try:
            part = begun.parts.get(index)
            if part is None:
                part = begun.parts[index] = self._staging.part(offer)
            if len(content) < BEHIND:
                part.write(offset, content)
            else:
                part.write(offset, content, self._behind.begin)
                self._writing = (batch, index)
            begun.room.wrote(index, len(content))
            if not part.complete:
                self._limit_open((batch, index), part)
                return
            self.settle()
            if index not in begun.problems:
                self._finish(batch, begun, index)
        except ProblemError as error:
            self._fail(batch, begun, index, error.problem)

    def settle(self) -> None:
        """Waits until the piece that came last is written. If it cannot be, its file fails."""
        writing, self._writing = self._writing, None
        if writing is None:
            return
        batch, index = writing
        begun = self._batches[batch]
        try:
            self._behind.end()
        except OSError as error:
            problem = from_os_error(error, begun.offers[index].path)
            self._fail(batch, begun, index, problem)

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        """The sender gave this file up."""
        self.settle()
        begun, _ = self._wanted(batch, index)
        if problem.code == Code.CANCELLED:
            self._release(begun, index)
        self._fail(batch, begun, index, problem)

    def checkpoint(self) -> None:
        """Makes what has arrived of the larger files durable and records it."""
        self.settle()
        for number, begun in self._batches.items():
            for index, part in list(begun.parts.items()):
                try:
                    part.checkpoint()
                except ProblemError as error:
                    self._fail(number, begun, index, error.problem)

    def commit(self, batch: int) -> list[Receipt]:
        """Publishes the complete files, durably; returns one receipt per offer.

        Raises:
            ProblemError: there is no such batch, or the owner could not record it.
        """
        self.settle()
        begun = self._batches.get(batch)
        if begun is None:
            raise _protocol(f"there is no batch {batch}")
        self._complete(batch, begun)
        del self._batches[batch]
        begun.room.close()
        try:
            recorded = self._commit(begun)
        except BaseException:
            for staged in begun.staged.values():
                self._staging.discard(staged, keep=True)
            raise
        return [recorded.get(index) or _failed(begun, index) for index in range(len(begun.offers))]

    def close(self) -> None:
        """Checkpoints incomplete larger files and drops all other staging."""
        self.checkpoint()
        for number, begun in self._batches.items():
            for index in list(begun.parts):
                self._leave(number, begun, index)
            for staged in begun.staged.values():
                self._staging.discard(staged, keep=True)
            begun.room.close()
        self._batches.clear()
        self._behind.close()

    # -- within ------------------------------------------------------------------------------------

    def _rest(self, batch: int, begun: _Batch, index: int) -> Want:
        """What is missing of a resumable file: all, or the ranges since an earlier cut."""
        offer = begun.offers[index]
        try:
            part = begun.parts[index] = self._staging.part(offer)
            if part.complete:  # it was complete before the cut
                self._finish(batch, begun, index)
                return Want("none")
        except ProblemError as error:
            self._fail(batch, begun, index, error.problem)
            return Want(error.problem.code_text, message=error.problem.message)
        missing = part.missing
        return _ALL if missing == ((0, offer.size),) else Want("ranges", missing)

    def _reserve(self, batch: int, begun: _Batch, answers: dict[int, Want]) -> None:
        """Reserves space for what is wanted. A file for which there is no room fails alone."""
        sizes = {
            index: _missing(want) if want.ranges else offer.size
            for index, offer in enumerate(begun.offers)
            if ((want := answers[index]) is _ALL or want.code == "ranges") and not offer.target
        }
        try:
            short = begun.room.take(sizes) if sizes else {}
        except ProblemError as error:
            refused = dict.fromkeys(sizes, error.problem)
        else:
            refused = {
                index: self._judge.no_room(begun.offers[index], shortage)
                for index, shortage in short.items()
            }
        for index, problem in refused.items():
            self._fail(batch, begun, index, problem)
            answers[index] = Want(problem.code_text, message=str(problem))

    def _wanted(self, batch: int, index: int) -> tuple[_Batch, Offer]:
        begun = self._batches.get(batch)
        if begun is None or not 0 <= index < len(begun.offers) or index in begun.there:
            raise _protocol(f"file {index} of batch {batch} was not asked for")
        return begun, begun.offers[index]

    def _finish(self, batch: int, begun: _Batch, index: int) -> None:
        begun.staged[index] = begun.parts[index].finish()
        del begun.parts[index]
        self._open.pop((batch, index), None)
        begun.room.end(index)

    def _limit_open(self, key: tuple[int, int], part: PartFile) -> None:
        self._open[key] = part
        self._open.move_to_end(key)
        if len(self._open) > (1 if part.crowds else OPEN):
            self._open.popitem(last=False)[1].pause()

    def _release(self, begun: _Batch, index: int) -> None:
        """Drops the pieces of a larger file: it arrived whole, or it is not wanted any more."""
        part = begun.parts.pop(index, None)
        if part is not None:
            part.drop()
            self._staging.release(begun.offers[index].transfer)

    def _fail(self, batch: int, begun: _Batch, index: int, problem: Problem) -> None:
        begun.problems.setdefault(index, problem)
        begun.room.end(index)
        self._leave(batch, begun, index)
        staged = begun.staged.pop(index, None)
        if staged is not None:
            self._staging.discard(staged, keep=True)

    def _leave(self, batch: int, begun: _Batch, index: int) -> None:
        part = begun.parts.pop(index, None)
        self._open.pop((batch, index), None)
        if part is not None:
            part.leave()
            self._staging.release(begun.offers[index].transfer)

    def _complete(self, batch: int, begun: _Batch) -> None:
        """Stages links; files that are incomplete or have a wrong hash fail."""
        staged = begun.staged
        for index, offer in enumerate(begun.offers):
            if index in staged and not offer.hash:
                continue
            if index in begun.problems or index in begun.there:
                continue
            if offer.target:
                try:
                    staged[index] = self._staging.link(offer)
                except ProblemError as error:
                    begun.problems[index] = error.problem
            elif index not in staged:
                words = f"{offer.path!r} did not arrive completely"
                self._fail(batch, begun, index, Problem(Code.INCOMPLETE, words, offer.path))
            elif offer.hash and staged[index].hash != offer.hash:
                words = f"{offer.path!r} arrived with another hash than the sender announced"
                self._staging.discard(staged.pop(index))
                begun.problems[index] = Problem(Code.CORRUPT, words, offer.path)

    def _commit(self, begun: _Batch) -> dict[int, Receipt]:
        """Receipts by index for what is here now; failures are in the batch's problems."""
        order = sorted(begun.staged)
        for index, problem in zip(
            order, secure(self._staging, [begun.staged[index] for index in order]), strict=True
        ):
            if problem is not None:
                begun.problems[index] = problem
        order = [index for index in order if index not in begun.problems]
        cost = [path_cost(offer.path) for offer in begun.offers]
        for index in begun.there:
            cost[index] *= FOUND
        placing, placed = Placing(self._staging, self._run), set[int]()
        for some in slices(order, cost.__getitem__, RENAMES):
            with self._judge.lock():
                placed.update(self._place(begun, some, placing))
        placing.sync()
        receipts: dict[int, Receipt] = {}
        for some in slices(sorted(placed | begun.there), cost.__getitem__, RECORDED):
            with self._judge.lock():
                receipts |= self._record(begun, some, placing, placed)
        return receipts

    def _record(
        self,
        begun: _Batch,
        order: Sequence[int],
        placing: Placing,
        placed: Container[int],
    ) -> dict[int, Receipt]:
        """Confirms and records what is here now; failures are in the batch's problems."""
        offers, staged = begun.offers, begun.staged
        renamed = [index for index in order if index in placed]
        results: dict[int, Published | None] = dict.fromkeys(order)
        confirmed = placing.confirm([staged[index] for index in renamed])
        results.update(zip(renamed, confirmed, strict=True))
        done = []
        for index, result in results.items():
            if result is None or result.problem is None:
                done.append(index)
            else:
                begun.problems[index] = result.problem
        receipts = self._judge.record(
            [offers[index] for index in done], [results[index] for index in done]
        )
        return dict(zip(done, receipts, strict=True))

    def _place(self, begun: _Batch, order: Sequence[int], placing: Placing) -> Iterable[int]:
        """Moves files into place, and returns those that were expected there."""
        offers, staged = begun.offers, begun.staged
        placements: dict[int, Placement] = {}
        expected = self._judge.expected([offers[index] for index in order])
        for index, entry in zip(order, expected, strict=True):
            if isinstance(entry, Problem):
                begun.problems[index] = entry
                self._staging.discard(staged[index], keep=entry.retry)
            else:
                placements[index] = Placement._make((staged[index], entry))
        renamed = placing.rename(list(placements.values()))
        failed = {
            index: problem
            for index, problem in zip(placements, renamed, strict=True)
            if problem is not None
        }
        if not failed:
            return placements
        occupied = [index for index, one in failed.items() if one.code is Code.OCCUPIED]
        problems = self._judge.occupied([offers[index] for index in occupied])
        failed.update(zip(occupied, problems, strict=True))
        begun.problems.update(failed)
        return placements.keys() - failed.keys()


def _missing(want: Want) -> int:
    """Bytes in the ranges of a want."""
    return sum(end - start for start, end in want.ranges)


def _failed(begun: _Batch, index: int) -> Receipt:
    problem = begun.problems[index]
    return Receipt(problem.code_text, message=problem.message, retry=problem.retry)


def _protocol(words: str) -> ProblemError:
    return ProblemError(Problem(Code.PROTOCOL, words, retry=False))
