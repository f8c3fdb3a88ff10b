"""The receiving end of a lane, as far as offers are judged and staged, in batches.

The owner of the files (`OfferJudge`) decides what is wanted. All fields of an offer are checked,
because the other end may be hostile. What is complete is published by somebody else.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final, Protocol

from cargo_sync.local.batch import SinkBatch
from cargo_sync.local.fresh_folders import FreshFolders, StagedFolder
from cargo_sync.local.judge import OfferJudge
from cargo_sync.local.offered import refused
from cargo_sync.local.parts import PartFile, Staged
from cargo_sync.local.publish import MANY
from cargo_sync.local.space import Reservation
from cargo_sync.local.writer import WriteBehind, behind_from
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.transfers import Offer, Receipt, Want

BATCHES: Final = 16
"""How many batches may be begun and not committed."""
OPEN: Final = 64
"""How many larger files may be open at once; a sender sends them one after the other. When few
descriptors are left, it is only one."""
LOOKED_AT: Final = 1 << 20
"""Bytes from which a place is looked at before a file is sent to it, although nothing is expected
there. For a smaller one the rename alone finds out: two looks cost more than sending it in vain."""

_ALL: Final = Want("all")


class StagingPlace(Protocol):
    """Where files are staged: see `Staging`."""

    @property
    def fresh(self) -> FreshFolders: ...
    def check(self) -> None: ...
    def reservation(self) -> Reservation: ...
    def folder(self, path: str) -> StagedFolder | None: ...
    def remove_folders(self, folders: Iterable[str]) -> None: ...
    def write(
        self,
        offer: Offer,
        content: memoryview,
        behind: WriteBehind | None = None,
        within: StagedFolder | None = None,
    ) -> Staged: ...
    def part(self, offer: Offer) -> PartFile: ...
    def link(self, offer: Offer) -> Staged: ...
    def discard(self, staged: Staged, *, keep: bool = False) -> None: ...
    def release(self, transfer: str) -> None: ...


class StagingSink:
    """What the sinks of flows have in common; one thread uses it at a time."""

    def __init__(self, staging: StagingPlace, judge: OfferJudge) -> None:
        self._staging = staging
        self._judge = judge
        self._batches: dict[int, SinkBatch] = {}
        self._open: OrderedDict[tuple[int, int], PartFile] = OrderedDict()
        self._behind = WriteBehind()
        self._behind_from = behind_from()
        self._writing: tuple[int, int] | None = None
        """The larger file of which a piece is being written."""

    def is_ready(self, offers: Sequence[Offer]) -> bool:
        return True

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        """Returns what is needed of each offer. Raises ProblemError if the batch cannot begin."""
        if batch in self._batches or len(self._batches) >= BATCHES:
            raise _protocol(f"batch {batch} cannot begin now")
        begun = SinkBatch(batch, offers, self._staging.reservation())
        try:
            answers = self._answers(batch, begun)
        except BaseException:
            begun.room.close()
            self._judge.ended(batch)
            raise
        self._batches[batch] = begun
        return answers

    def _answers(self, batch: int, begun: SinkBatch) -> list[Want]:
        offers = begun.offers
        begun.problems = refused(offers)
        answers = [_ALL] * len(offers)
        for index, problem in begun.problems.items():
            answers[index] = Want(problem.code_text, message=str(problem))
        self._judge_all(batch, begun, answers)
        self._reserve(batch, begun, answers)
        if self._staging.fresh:
            self._stage_together(begun, answers)
        return answers

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
        if begun.parts:
            self._release(begun, index)
        try:
            behind = self._behind if len(content) >= self._behind_from else None
            begun.staged[index] = self._staging.write(
                offer, content, behind, begun.within.get(index)
            )
        except ProblemError as error:
            begun.problems[index] = error.problem
        begun.room.end(index)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        """Stages a piece of a larger file."""

        def write(part: PartFile) -> None:
            if len(content) < self._behind_from:
                part.write(offset, content)
            else:
                part.write(offset, content, self._behind.begin)
                self._writing = (batch, index)

        self._stage(batch, index, len(content), write)

    def hole(self, batch: int, index: int, offset: int, count: int) -> None:
        """Stages zeros of a larger file; they take no room."""
        self._stage(batch, index, 0, lambda part: part.hole(offset, count))
        begun = self._batches[batch]
        if not begun.offers[index].holes:  # otherwise no room was reserved for them
            begun.room.wrote(index, count)

    def _stage(self, batch: int, index: int, count: int, write: Callable[[PartFile], None]) -> None:
        """Stages so many bytes of a larger file, by `write`."""
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
                part = begun.parts[index] = self._part(offer)
            write(part)
            begun.room.wrote(index, count)
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

    def forgo(self, batch: int, index: int) -> None:
        """A file that was to be sent is here already, and is not staged: `has` brings it."""
        begun = self._batches[batch]
        self._release(begun, index)
        begun.room.end(index)

    def has(self, batch: int, index: int, staged: Staged) -> None:
        """A file is complete that did not have to be sent."""
        if begun := self._batches.get(batch):
            begun.staged[index] = staged

    def taken(self, batch: int) -> SinkBatch:
        """A batch of which everything has come: who takes it publishes what is staged of it.

        Raises:
            ProblemError: there is no such batch.
        """
        self.settle()
        begun = self._batches.get(batch)
        if begun is None:
            raise _protocol(f"there is no batch {batch}")
        self._complete(batch, begun)
        del self._batches[batch]
        begun.room.close()
        return begun

    def close(self) -> None:
        """Checkpoints incomplete larger files and drops all other staging."""
        self.checkpoint()
        for number, begun in self._batches.items():
            for index in list(begun.parts):
                self._leave(number, begun, index)
            for staged in begun.staged.values():
                self._staging.discard(staged, keep=True)
            self._staging.remove_folders(begun.folders)
            begun.room.close()
            self._judge.ended(number)
        self._batches.clear()
        self._behind.close()

    # -- within ------------------------------------------------------------------------------------

    def _part(self, offer: Offer) -> PartFile:
        """Where a larger file is staged. Raises ProblemError."""
        return self._staging.part(offer)

    def _judge_all(self, batch: int, begun: SinkBatch, answers: list[Want]) -> None:
        """Asks the owner; `answers` gets what is not "all" of the offers that are valid."""
        offers, problems = begun.offers, begun.problems
        proper = [index for index in range(len(offers)) if index not in problems]
        valid = [offers[index] for index in proper] if problems else offers
        judged = self._judge.judge(batch, valid)
        if None in judged:
            self._staging.check()
        if not any(judged) and not resumable(max((offer.size for offer in offers), default=0)):
            return
        for index, want in zip(proper, judged, strict=True):
            if want is None:
                offer = offers[index]
                if not offer.target and resumable(offer.size):
                    answers[index] = self._rest(batch, begun, index)
                continue
            answers[index] = want
            if want.code == "none":
                begun.there.add(index)
            else:
                problems[index] = Problem.received(want.code, want.message, offers[index].path)

    def _rest(self, batch: int, begun: SinkBatch, index: int) -> Want:
        """What is missing of a resumable file: all, or the ranges since an earlier cut."""
        offer = begun.offers[index]
        try:
            part = begun.parts[index] = self._part(offer)
            if part.complete:  # it was complete before the cut
                self._finish(batch, begun, index)
                return Want("none")
        except ProblemError as error:
            self._fail(batch, begun, index, error.problem)
            return Want(error.problem.code_text, message=str(error.problem))
        missing = part.missing
        return _ALL if missing == ((0, offer.size),) else Want("ranges", missing)

    def _reserve(self, batch: int, begun: SinkBatch, answers: list[Want]) -> None:
        """Reserves space for what is wanted. A file for which there is no room fails alone."""
        sizes = {
            index: min(_missing(want) if want.ranges else offer.size, offer.size - offer.holes)
            for index, (offer, want) in enumerate(zip(begun.offers, answers, strict=True))
            if (want is _ALL or want.code == "ranges") and not offer.target
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

    def _stage_together(self, begun: SinkBatch, answers: Sequence[Want]) -> None:
        """Chooses the files that are staged in a folder of their own, with their neighbours."""
        offers = begun.offers
        for above, group in groupby(
            range(len(offers)), lambda at: offers[at].path.rpartition("/")[0]
        ):
            some = [at for at in group if answers[at] is _ALL and _is_small_and_new(offers[at])]
            if len(some) >= MANY and (folder := self._staging.folder(above)) is not None:
                begun.folders[folder.name] = folder
                begun.within.update(dict.fromkeys(some, folder))

    def _wanted(self, batch: int, index: int) -> tuple[SinkBatch, Offer]:
        begun = self._batches.get(batch)
        if begun is None or not 0 <= index < len(begun.offers) or index in begun.there:
            raise _protocol(f"file {index} of batch {batch} was not asked for")
        return begun, begun.offers[index]

    def _finish(self, batch: int, begun: SinkBatch, index: int) -> None:
        begun.staged[index] = begun.parts[index].finish()
        del begun.parts[index]
        self._open.pop((batch, index), None)
        begun.room.end(index)

    def _limit_open(self, key: tuple[int, int], part: PartFile) -> None:
        self._open[key] = part
        self._open.move_to_end(key)
        if len(self._open) > (1 if part.crowds else OPEN):
            self._open.popitem(last=False)[1].pause()

    def _release(self, begun: SinkBatch, index: int) -> None:
        """Drops the pieces of a larger file: it arrived whole, or it is not wanted any more."""
        part = begun.parts.pop(index, None)
        if part is not None:
            part.drop()
            self._staging.release(begun.offers[index].transfer)

    def _fail(self, batch: int, begun: SinkBatch, index: int, problem: Problem) -> None:
        begun.problems.setdefault(index, problem)
        begun.room.end(index)
        self._leave(batch, begun, index)
        staged = begun.staged.pop(index, None)
        if staged is not None:
            self._staging.discard(staged, keep=True)

    def _leave(self, batch: int, begun: SinkBatch, index: int) -> None:
        part = begun.parts.pop(index, None)
        self._open.pop((batch, index), None)
        if part is not None:
            part.leave()
            self._staging.release(begun.offers[index].transfer)

    def _complete(self, batch: int, begun: SinkBatch) -> None:
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


def _is_small_and_new(offer: Offer) -> bool:
    return offer.size < LOOKED_AT and not (offer.target or offer.expected or offer.occupant)


def _missing(want: Want) -> int:
    """Bytes in the ranges of a want."""
    return sum(end - start for start, end in want.ranges)


def failed(problem: Problem) -> Receipt:
    """The receipt of a file that was not published."""
    return Receipt(problem.code_text, message=str(problem), retry=problem.retry)


def _protocol(words: str) -> ProblemError:
    return ProblemError(Problem(Code.PROTOCOL, words, retry=False))
