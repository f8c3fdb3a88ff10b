"""What is missing in all, what of it can be made now, and what each node has that lacks copies."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cargo_sync.machines.nodes.copies import standing
from cargo_sync.machines.nodes.repair import Missing, Stock, missing, plan, targets
from cargo_sync.machines.nodes.states import Members


class MissingCopies(NamedTuple):
    """So many contents lack so many copies, of so many bytes."""

    blobs: int = 0
    copies: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Census:
    """What a look at all contents found.

    missing   in all
    possible  what of it the repair can make now: a copy can be read, and a node takes another one
    on        of the contents that a node has, by its id; a node that is not in it has none such
    """

    missing: Missing
    possible: MissingCopies
    on: Mapping[int, MissingCopies]


def census(stocks: Collection[Stock], members: Members) -> Census:
    """Looks at all contents, with the nodes as they are now."""
    on: dict[int, MissingCopies] = {}
    for stock in stocks:
        copies = standing(stock.nodes, members, stock.wanted).missing
        if copies:
            for node in stock.nodes & members.keys():
                on[node] = _more(on.get(node, MissingCopies()), stock, copies)
    possible = MissingCopies()
    for lack in plan(stocks, members):
        # In the first zone that has room: which node it will be is up to chance.
        places = len(targets(lack.stock, members, 0, (), lambda: 0.0))
        possible = _more(possible, lack.stock, places)
    return Census(missing(stocks, members), possible, on)


def _more(before: MissingCopies, stock: Stock, copies: int) -> MissingCopies:
    return MissingCopies(
        before.blobs + stock.blobs,
        before.copies + stock.blobs * copies,
        before.bytes + stock.bytes * copies,
    )
