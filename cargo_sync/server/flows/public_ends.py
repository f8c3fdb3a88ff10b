"""A flow's sink and source whose problems a user may read: no absolute path of the server."""

from collections.abc import Sequence

from cargo_sync.lanes.ports import Reader
from cargo_sync.model.transfers import Offer, Receipt, Unread, Want
from cargo_sync.server.refusals import made_public, public, public_message
from cargo_sync.trees.placed import PlacedSink, PlacedSource


class PublicSource(PlacedSource):
    """Reads each file at its place."""

    def open(self, offer: Offer) -> Reader:
        with made_public():
            return super().open(offer)

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        unread = super().read(offers, views)
        return unread and unread._replace(problem=public(unread.problem))


class PublicSink(PlacedSink):
    """Stages and commits each file at its place."""

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        with made_public():
            wants = super().begin(batch, offers)
        return [
            want._replace(message=public_message(want.code, want.message)) if want.message else want
            for want in wants
        ]

    def commit(self, batch: int) -> list[Receipt]:
        with made_public():
            receipts = super().commit(batch)
        return [
            one._replace(message=public_message(one.code, one.message)) if one.message else one
            for one in receipts
        ]

    def checkpoint(self) -> None:
        with made_public():
            super().checkpoint()
