"""A flow sees its own folder of a workspace as the root: what it offers or asks for is named from there.

A stranger's path is checked by whoever opens or stages it; here it only gets its place.
"""

from collections.abc import Sequence

from cargo_sync.lanes.ports import Reader, Sink, Source
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Receipt, Want


class ScopedSource:
    """Reads below `folder`."""

    def __init__(self, source: Source, folder: str) -> None:
        self._source = source
        self._folder = folder

    def open(self, offer: Offer) -> Reader:
        return self._source.open(_below(self._folder, offer))


class ScopedSink:
    """Stages and commits below `folder`."""

    def __init__(self, sink: Sink, folder: str) -> None:
        self._sink = sink
        self._folder = folder

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        return self._sink.begin(batch, [_below(self._folder, offer) for offer in offers])

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        self._sink.whole(batch, index, content)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        self._sink.part(batch, index, offset, content)

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        self._sink.failed(batch, index, problem)

    def checkpoint(self) -> None:
        self._sink.checkpoint()

    def commit(self, batch: int) -> list[Receipt]:
        return self._sink.commit(batch)

    def close(self) -> None:
        self._sink.close()


def _below(folder: str, offer: Offer) -> Offer:
    # An absolute or empty path stays bad when it is joined: "f//etc", "f/".
    return offer._replace(path=f"{folder}/{offer.path}") if folder else offer
