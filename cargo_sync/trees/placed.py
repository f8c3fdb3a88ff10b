"""Sources and sinks with other paths: a file's path here may differ from the other end's path.

Paths from the other end are checked by the code that opens or stages the file, not here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from cargo_sync.lanes.ports import Exchange, Reader, Sink, Source, Wake
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Finished, Offer, Unread, Want, rows

_TOGETHER: Final = 1_000
PlacePath = Callable[[str], str]
"""The other end's path -> the path here."""


def below(folder: str) -> PlacePath:
    """Puts all paths below `folder`; "" is the root itself."""
    # An absolute or empty path stays bad when it is joined: "f//etc", "f/".
    return (lambda path: f"{folder}/{path}") if folder else (lambda path: path)


class PlacedSource:
    """Reads each file at its place."""

    def __init__(self, source: Source, place: PlacePath) -> None:
        self._source = source
        self._place = place

    def wakes(self, wake: Wake) -> None:
        self._source.wakes(wake)

    def coming(self, offers: Iterable[Offer]) -> None:
        self._source.coming(_placing(self._place, offers))

    def open(self, offer: Offer) -> Reader:
        return self._source.open(_placed(self._place, offer))

    def holes(self, offer: Offer) -> int:
        return self._source.holes(_placed(self._place, offer))

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        return self._source.read(_all_placed(self._place, offers), views)

    def close(self) -> None:
        self._source.close()


class PlacedSink:
    """Stages and commits each file at its place."""

    def __init__(self, sink: Sink, place: PlacePath) -> None:
        self._sink = sink
        self._place = place

    def wakes(self, wake: Wake) -> None:
        self._sink.wakes(wake)

    def exchanges(self, exchange: Exchange) -> None:
        self._sink.exchanges(exchange)

    def is_ready(self, offers: Sequence[Offer]) -> bool:
        return self._sink.is_ready(_all_placed(self._place, offers))

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        return self._sink.begin(batch, _all_placed(self._place, offers))

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        self._sink.whole(batch, index, content)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        self._sink.part(batch, index, offset, content)

    def hole(self, batch: int, index: int, offset: int, count: int) -> None:
        self._sink.hole(batch, index, offset, count)

    def settle(self) -> None:
        self._sink.settle()

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        self._sink.failed(batch, index, problem)

    def checkpoint(self) -> None:
        self._sink.checkpoint()

    def submit(self, batch: int) -> None:
        self._sink.submit(batch)

    def finished(self) -> list[Finished]:
        return self._sink.finished()

    def full(self) -> bool:
        return self._sink.full()

    def close(self) -> None:
        self._sink.close()


def _placed(place: PlacePath, offer: Offer) -> Offer:
    path = place(offer.path)
    return offer if path == offer.path else Offer(path, *offer[1:])  # `_replace` costs twice this


def _placing(place: PlacePath, offers: Iterable[Offer]) -> Iterator[Offer]:
    """As `_placed`, while they are looked at."""
    left = iter(offers)
    while some := list(islice(left, _TOGETHER)):
        yield from _all_placed(place, some)


def _all_placed(place: PlacePath, offers: Sequence[Offer]) -> Sequence[Offer]:
    """As `_placed`, for many offers, column by column."""
    if not offers:
        return offers
    there, *rest = zip(*offers, strict=True)
    here = tuple(map(place, there))
    return offers if here == there else rows(Offer, (here, *rest))
