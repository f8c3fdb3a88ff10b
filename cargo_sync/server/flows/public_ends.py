"""A flow's sink and source whose problems a user may read.

They have no absolute path of the server, and nothing above the user's own folder of a workspace.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cargo_sync.lanes.ports import Reader, Sink, Source
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.transfers import Finished, Offer, Receipt, Unread, Want
from cargo_sync.server.grants.wording import SubfolderWording
from cargo_sync.server.refusals import public, public_message
from cargo_sync.trees.placed import PlacedSink, PlacedSource, PlacePath


class PublicSource(PlacedSource):
    """Reads each file at its place. `words`: of the user's own folder; None: they have all."""

    def __init__(
        self, source: Source, place: PlacePath, words: SubfolderWording | None = None
    ) -> None:
        super().__init__(source, place)
        self._words = words

    def open(self, offer: Offer) -> Reader:
        with _told(self._words):
            return super().open(offer)

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        unread = super().read(offers, views)
        if unread is None or unread.problem is None:
            return unread
        return unread._replace(problem=_public(unread.problem, self._words))


class PublicSink(PlacedSink):
    """Stages and commits each file at its place. `words` as for a source."""

    def __init__(self, sink: Sink, place: PlacePath, words: SubfolderWording | None = None) -> None:
        super().__init__(sink, place)
        self._words = words

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        with _told(self._words):
            wants = super().begin(batch, offers)
        return [
            want._replace(message=_message(want.code, want.message, self._words))
            if want.message
            else want
            for want in wants
        ]

    def finished(self) -> list[Finished]:
        return [(batch, self._as_told(result)) for batch, result in super().finished()]

    def checkpoint(self) -> None:
        with _told(self._words):
            super().checkpoint()

    def _as_told(self, result: list[Receipt] | Problem) -> list[Receipt] | Problem:
        if isinstance(result, Problem):
            return _public(result, self._words)
        receipts = [
            one._replace(message=_message(one.code, one.message, self._words))
            if one.message
            else one
            for one in result
        ]
        if (words := self._words) is None:
            return receipts
        return [
            one._replace(displaced=words.place(one.displaced)) if one.displaced else one
            for one in receipts
        ]


@contextmanager
def _told(words: SubfolderWording | None) -> Iterator[None]:
    """Raises the problems of its block as the user may read them."""
    try:
        yield
    except ProblemError as error:
        raise ProblemError(_public(error.problem, words)) from error


def _public(problem: Problem, words: SubfolderWording | None) -> Problem:
    told = public(problem)
    return words.problem(told) if words else told


def _message(code: str, message: str, words: SubfolderWording | None) -> str:
    told = public_message(code, message)
    return words.text(told) if words else told
