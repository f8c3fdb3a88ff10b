"""A batch as it arrives: which files are still to come, and whether what comes was wanted."""

from collections.abc import Sequence

from cargo_sync.machines.cover import Cover
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Want
from cargo_sync.wire.refusal import breach


class Arriving:
    """One batch at its receiver.

    left     files that have neither come completely nor been given up
    refused  why nothing of the batch can be taken, or None
    """

    __slots__ = ("_covers", "_sizes", "left", "offers", "refused", "wants")

    def __init__(
        self, offers: Sequence[Offer], wants: Sequence[Want], refused: Problem | None
    ) -> None:
        self.offers = offers
        self.wants = wants
        self.refused = refused
        # A file of which nothing has come: its size. Another: -1, and while it is under way its
        # cover.
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
        """A file came in one record.

        Raises:
            ProblemError: it is not wanted whole, or its size is another ("protocol").
        """
        if index >= len(self._sizes) or length != self._sizes[index]:
            raise breach("a file came that was not wanted so, or not in its size")
        self._sizes[index] = -1
        self.left -= 1

    def take_piece(self, index: int, offset: int, length: int, final: bool) -> int:
        """A piece of a file came; an empty one only says that the file is `final`. What is missing,
        bytes.

        Raises:
            ProblemError: it is not wanted, came before, or is said to be final too early
                ("protocol").
        """
        cover = self._covers.get(index)
        if cover is None:
            if index >= len(self._sizes) or self._sizes[index] < 0:
                raise breach("a piece came of a file that is not wanted")
            size = self._sizes[index]
            cover = self._covers[index] = Cover([(0, size)] if size else ())
            self._sizes[index] = -1
        if length or not final:
            cover.add(offset, length)
        if final:
            if not cover.complete:
                raise breach("a file was said to be complete and is not")
            del self._covers[index]
            self.left -= 1
        return cover.missing

    def give_up(self, index: int) -> None:
        """The sender gives a file up.

        Raises:
            ProblemError: it was not to come, or has come ("protocol").
        """
        if self._covers.pop(index, None) is None:
            if index >= len(self._sizes) or self._sizes[index] < 0:
                raise breach("a file was given up that was not to come")
            self._sizes[index] = -1
        self.left -= 1

    def under_way(self) -> bool:
        """True when a file of which pieces came is not complete."""
        return bool(self._covers)
