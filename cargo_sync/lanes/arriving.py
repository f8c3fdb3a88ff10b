"""A batch as it arrives: which files are still missing, and whether what arrives was wanted."""

from collections.abc import Sequence

from cargo_sync.machines.cover import Cover
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Want
from cargo_sync.wire.refusal import breach


class Arriving:
    """One batch at its receiver.

    left     number of files that have neither arrived completely nor been given up
    refused  why nothing of the batch can be accepted, or None
    """

    __slots__ = ("_covers", "_sizes", "left", "offers", "refused", "wants")

    def __init__(
        self, offers: Sequence[Offer], wants: Sequence[Want], refused: Problem | None
    ) -> None:
        self.offers = offers
        self.wants = wants
        self.refused = refused
        # The size of each file that has not begun to arrive, -1 for all others. A file of which
        # some pieces have arrived has a cover.
        self._sizes = [
            offer.size if want.code == "all" and not offer.target else -1
            for offer, want in zip(offers, wants, strict=True)
        ]
        self._covers = {
            index: Cover(want.ranges)
            for index, want in enumerate(wants)
            if want.code == "ranges" and not offers[index].target
        }
        self.left = len(offers) - self._sizes.count(-1) + len(self._covers)

    def take_whole(self, index: int, length: int) -> None:
        """A file arrived in one record.

        Raises:
            ProblemError: it is not wanted whole, or its size is wrong ("protocol").
        """
        if index >= len(self._sizes) or length != self._sizes[index]:
            raise breach("a file was sent whole that was not wanted whole, or its size is wrong")
        self._sizes[index] = -1
        self.left -= 1

    def take_piece(self, index: int, offset: int, length: int, final: bool) -> int:
        """A piece of a file arrived; an empty one only says that the file is complete (`final`).

        Returns:
            How many bytes of the file are missing.

        Raises:
            ProblemError: it is not wanted, arrived before, or is marked final too early
                ("protocol").
        """
        cover = self._covers.get(index)
        if cover is None:
            if index >= len(self._sizes) or self._sizes[index] < 0:
                raise breach("a piece of a file was sent that is not wanted")
            size = self._sizes[index]
            cover = self._covers[index] = Cover([(0, size)] if size else ())
            self._sizes[index] = -1
        if length or not final:
            cover.add(offset, length)
        if final:
            if not cover.complete:
                raise breach("a file was marked as complete, but bytes are missing")
            del self._covers[index]
            self.left -= 1
        return cover.missing

    def give_up(self, index: int) -> None:
        """The sender gives a file up.

        Raises:
            ProblemError: it is not wanted, or has arrived already ("protocol").
        """
        if self._covers.pop(index, None) is None:
            if index >= len(self._sizes) or self._sizes[index] < 0:
                raise breach("a file was given up that is not missing")
            self._sizes[index] = -1
        self.left -= 1

    def under_way(self) -> bool:
        """True when some pieces of a file have arrived, but not all."""
        return bool(self._covers)
