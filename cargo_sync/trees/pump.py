"""Moves content without lanes: reads from a source and stages in a sink, in one process."""

from collections.abc import Collection, Sequence
from typing import Final

from cargo_sync.lanes.ports import Reader, Sink, Source
from cargo_sync.lanes.waiting import commit, read_into
from cargo_sync.model.problems import Code, Problem, ProblemError, changed_while_read
from cargo_sync.model.transfers import Offer, Receipt, Want

PIECE: Final = 2**20


def pump(
    source: Source, sink: Sink, batch: int, offers: Sequence[Offer], cancelled: Collection[str] = ()
) -> list[Receipt]:
    """Moves one batch; returns one receipt per offer. Paths in `cancelled` are not moved."""
    buffer = memoryview(bytearray(PIECE))
    for index, (offer, want) in enumerate(zip(offers, sink.begin(batch, offers), strict=True)):
        if offer.path in cancelled:
            sink.failed(
                batch, index, Problem(Code.CANCELLED, "the transfer was cancelled", retry=False)
            )
        elif want.code in ("all", "ranges") and not offer.target:
            try:
                _file(source, sink, batch, index, offer, want, buffer)
            except ProblemError as error:
                sink.failed(batch, index, error.problem)
    return commit(sink, batch)


def _file(
    source: Source, sink: Sink, batch: int, index: int, offer: Offer, want: Want, buffer: memoryview
) -> None:
    reader = source.open(offer)
    try:
        if want.code == "all" and offer.size <= PIECE:
            sink.settle()
            got = read_into(source, reader, buffer[: offer.size], 0)
            _check(offer, got == offer.size and reader.unchanged())
            sink.whole(batch, index, buffer[:got])
            return
        for start, end in want.ranges or ((0, offer.size),):
            while start < end:
                start = _piece(source, reader, sink, batch, index, offer, (start, end), buffer)
        _check(offer, reader.unchanged())
    finally:
        reader.close()


def _piece(
    source: Source,
    reader: Reader,
    sink: Sink,
    batch: int,
    index: int,
    offer: Offer,
    span: tuple[int, int],
    buffer: memoryview,
) -> int:
    """Moves a hole or a piece from the start of a span; returns where it ends."""
    start, _ = span
    end, hole = reader.extent(*span)
    sink.settle()
    if hole:
        sink.hole(batch, index, start, end - start)
        return end
    piece = buffer[: end - start]
    _check(offer, read_into(source, reader, piece, start) == len(piece))
    sink.part(batch, index, start, piece)
    return start + len(piece)


def _check(offer: Offer, unchanged: bool) -> None:
    if not unchanged:
        raise ProblemError(changed_while_read(offer.path))
