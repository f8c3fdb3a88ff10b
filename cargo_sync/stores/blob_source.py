"""Blobs as the source of a lane: a content is asked for by its hash, a packet by what is in it."""

from collections.abc import Iterable, Sequence
from contextlib import closing

from cargo_sync.lanes.ports import Reader, Wake
from cargo_sync.model.problems import ProblemError, changed_while_read
from cargo_sync.model.transfers import Offer, Unread
from cargo_sync.stores.blob_pieces import BytesReader
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.contract import Content
from cargo_sync.stores.packets import contents_of, is_packet
from cargo_sync.stores.spool import BlobSpool


class BlobSource:
    """Reads one folder of blobs. The path of an offer is a hash. See `lanes.ports.Source`."""

    def __init__(self, blobs: BlobFolder) -> None:
        self._blobs = blobs

    def wakes(self, wake: Wake) -> None:
        """All of it is here."""

    def coming(self, offers: Iterable[Offer]) -> None:
        """All of it is here."""

    def open(self, offer: Offer) -> Reader:
        """Opens a content, or a packet.

        Raises:
            ProblemError: `vanished`, `damaged`, `bad_request`.
        """
        if not is_packet(offer.path):
            return self._blobs.open_blob(Content(offer.path, offer.size))
        some = contents_of(offer.path, offer.size)
        memory = memoryview(bytearray(offer.size))
        self._blobs.read_small(some, memory)
        return BytesReader(memory)

    def holes(self, offer: Offer) -> int:
        """How many bytes of a content are holes; 0 if it is not there."""
        return self._blobs.holes_of(offer.path)

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        """Reads whole contents and packets, each into its view."""
        for number, (offer, view) in enumerate(zip(offers, views, strict=True)):
            try:
                if is_packet(offer.path):
                    self._blobs.read_small(contents_of(offer.path, offer.size), view)
                    continue
                with closing(self.open(offer)) as reader:
                    if reader.read_into(view, 0) != len(view):
                        raise ProblemError(changed_while_read(offer.path))
            except ProblemError as error:
                return Unread(number, error.problem)
        return None

    def close(self) -> None:
        """Nothing is kept for a lane."""


class SpoolSource(BlobSource):
    """Reads contents of the spool, to be placed on a node: there the hash of each is checked."""

    def __init__(self, spool: BlobSpool) -> None:
        super().__init__(spool.blobs)
        self._spool = spool

    def open(self, offer: Offer) -> Reader:
        if not is_packet(offer.path):
            return self._spool.open_as_is(Content(offer.path, offer.size))
        memory = memoryview(bytearray(offer.size))
        self._spool.read_small(contents_of(offer.path, offer.size), memory)
        return BytesReader(memory)

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        for number, (offer, view) in enumerate(zip(offers, views, strict=True)):
            if is_packet(offer.path):
                try:
                    self._spool.read_small(contents_of(offer.path, offer.size), view)
                except ProblemError as error:
                    return Unread(number, error.problem)
                continue
            small = self._spool.in_memory(Content(offer.path, offer.size))
            if small is not None:
                view[:] = small
            elif unread := super().read(offers[number : number + 1], views[number : number + 1]):
                return unread._replace(number=number)
        return None
