"""The end of a lane over which pieces come from a node: they stay in memory, whole ones alone.

What is asked for is a list of runs. Each is an offer whose `ident` is a number of ours; the node
does not look at it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.transfers import Finished, Offer, Receipt, Want
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.reading.pieces import Exchange, PieceRun, Take, length_of

_GONE = Want("none")


class AskedRun(NamedTuple):
    """A run that was asked for; `place` is its number among those of `take`."""

    run: PieceRun
    place: int
    take: Take


class PieceAsks:
    """The runs that somebody waits for. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._asked: dict[int, AskedRun] = {}

    @contextmanager
    def open(self, runs: Sequence[PieceRun], take: Take) -> Iterator[list[Offer]]:
        """The offers to ask with; what comes for them after this is dropped."""
        with self._lock:
            numbers = [next(self._numbers) for _ in runs]
            for place, (number, run) in enumerate(zip(numbers, runs, strict=True)):
                self._asked[number] = AskedRun(run, place, take)
        try:
            yield [
                Offer(run.content.hash, run.content.size, 0, 0, 1, number, "")
                for number, run in zip(numbers, runs, strict=True)
            ]
        finally:
            with self._lock:
                for number in numbers:
                    del self._asked[number]

    def find(self, number: int) -> AskedRun | None:
        """The run with this number, if somebody still waits for it."""
        with self._lock:
            return self._asked.get(number)


class _ComingRun:
    """A run of which some has come.

    asked    None: nobody waits for it any more
    at       the offset of the next byte
    problem  why no more of it is taken
    """

    __slots__ = ("_buffer", "_number", "asked", "at", "problem")

    def __init__(self, number: int, asked: AskedRun | None) -> None:
        self._number = number
        self._buffer: memoryview | None = None
        """For pieces of which only some has come."""
        self.asked = asked
        self.at = asked.run.start if asked is not None else 0
        self.problem: Problem | None = None

    def take(
        self,
        asks: PieceAsks,
        offset: int,
        length: int,
        content: memoryview | None,
        exchange: Exchange | None = None,
    ) -> None:
        """Some bytes have come; `content` None: zeros."""
        asked = self.asked
        if asked is None or self.problem is not None:
            return
        if offset != self.at or asks.find(self._number) is None:
            self._refuse(Code.BAD_ANSWER, "sent pieces that were not asked for, or out of order")
            return
        while length and self.problem is None:
            number, inside = divmod(self.at, PIECE)
            size = length_of(asked.run.content, number)
            count = min(length, size - inside)
            part = None if content is None else content[:count]
            self._put(asked, number, inside, count, part, size, exchange)
            self.at += count
            length -= count
            content = None if content is None else content[count:]

    def _put(
        self,
        asked: AskedRun,
        number: int,
        inside: int,
        count: int,
        part: memoryview | None,
        size: int,
        exchange: Exchange | None,
    ) -> None:
        if count != size:
            exchange = None
            if self._buffer is None:
                self._buffer = memoryview(bytearray(PIECE))
            self._buffer[inside : inside + count] = bytes(count) if part is None else part
            if inside + count < size:
                return
            part = self._buffer[:size]
        if not asked.take(asked.place, number, part, exchange):
            self._refuse(Code.CORRUPT, "sent a piece that is not what was stored")

    def _refuse(self, code: Code, words: str) -> None:
        self.problem = Problem(code, f"a storage node {words}", hint="another copy is used")
        self._buffer = None


class PieceSink:
    """See the module, and `lanes.ports.Sink`. Memory is bounded by what is asked for."""

    def __init__(self, asks: PieceAsks) -> None:
        self._asks = asks
        self._exchange: Exchange | None = None
        self._batches: dict[int, list[_ComingRun]] = {}
        self._finished: list[Finished] = []

    def wakes(self, wake: Callable[[], None]) -> None:
        """A batch is finished when it is submitted."""

    def exchanges(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def is_ready(self, offers: Sequence[Offer]) -> bool:
        return True

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        runs = [_ComingRun(one.ident, self._asks.find(one.ident)) for one in offers]
        self._batches[batch] = runs
        return [_wanted(one.asked.run) if one.asked is not None else _GONE for one in runs]

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        run = self._batches[batch][index]
        run.take(self._asks, 0, len(content), content, self._exchange)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        run = self._batches[batch][index]
        run.take(self._asks, offset, len(content), content, self._exchange)

    def hole(self, batch: int, index: int, offset: int, count: int) -> None:
        self._batches[batch][index].take(self._asks, offset, count, None)

    def settle(self) -> None:
        """What came was copied."""

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        self._batches[batch][index].problem = problem

    def checkpoint(self) -> None:
        """Nothing is kept."""

    def submit(self, batch: int) -> None:
        runs = self._batches.pop(batch)
        self._finished.append((batch, [_receipt(one.problem) for one in runs]))

    def finished(self) -> list[Finished]:
        found, self._finished = self._finished, []
        return found

    def full(self) -> bool:
        return False  # no more is asked for than there is room for

    def close(self) -> None:
        self._batches.clear()


def _wanted(run: PieceRun) -> Want:
    if run.end - run.start == run.content.size:
        return Want("all")
    return Want("ranges", ((run.start, run.end),))


def _receipt(problem: Problem | None) -> Receipt:
    if problem is None:
        return Receipt("done")
    return Receipt(problem.code_text, message=str(problem), retry=problem.retry)
