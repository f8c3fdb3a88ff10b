"""Whose deletions a node does: those of the server that took it over last, in their order.

A deletion may come late: its connection was cut, nobody knows whether it was done, and meanwhile
the server relies on the copies again. So a server numbers its orders, and the node does none that
is not above the last one. The numbers are kept with the state of the node: a restart forgets none.

A server whose state was restored would number too low for ever. So each start of a server has a
random name, its lineage, and numbers of its own. A new lineage takes the node over, if it names the
last order that the node has shown. So it has spoken with the node since that order, and a try to
take over that comes late, when somebody else has done it, is none. A lineage that was displaced
never comes back: what it asked for may still be on its way, and a copy of the server's state that
runs somewhere else would delete what only the other one knows.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class DeletionOrder(NamedTuple):
    """The number of a deletion, and which start of a server gave it; "": there was none yet."""

    lineage: str = ""
    number: int = 0


class OrderVerdict(StrEnum):
    """What becomes of an order."""

    TAKEN = "taken"
    LATE = "late"
    DISPLACED = "displaced"


class OrderBook:
    """The last order of a node, and the lineages that were displaced."""

    def __init__(self, last: DeletionOrder | None = None, displaced: Iterable[str] = ()) -> None:
        self._last = last or DeletionOrder()
        self._displaced = set(displaced)

    def last(self) -> DeletionOrder:
        """The last one that was taken."""
        return self._last

    def take(self, asked: DeletionOrder, after: DeletionOrder | None) -> OrderVerdict:
        """Takes an order, if it is still due.

        Args:
            asked: the order.
            after: the last order of the node, as its server has seen it, to take the node over.
        """
        if asked.lineage in self._displaced:
            return OrderVerdict.DISPLACED
        if asked.lineage == self._last.lineage:
            if asked.number <= self._last.number:
                return OrderVerdict.LATE
        elif after != self._last:
            return OrderVerdict.LATE
        else:
            self._displaced.add(self._last.lineage)
        self._last = asked
        return OrderVerdict.TAKEN
