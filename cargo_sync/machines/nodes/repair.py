"""Which contents get copies first, how fast, and when surplus may go.

All contents of a workspace with the same placement need the same, so the plan has a few rows, not
one per content.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from cargo_sync.machines.nodes.copies import Surplus, lacking, new_zones, standing, surplus
from cargo_sync.machines.nodes.placement import Chance, choose
from cargo_sync.machines.nodes.states import Members, NodeState

RATE: Final = 200_000_000
"""Bits per second of a repair, unless a server's file says otherwise."""
UNKNOWN_SECONDS: Final = 14 * 86_400.0
"""Copies that nobody knows stay for so long: the state may be older than they are."""
SURPLUS_SECONDS: Final = 86_400.0
"""So long a copy too many is kept: the node that is gone may come and go."""


class Stock(NamedTuple):
    """Contents of one workspace that have the same copies.

    nodes   that have them
    wanted  copies
    """

    placement: int
    workspace: int
    nodes: frozenset[int]
    wanted: int
    blobs: int
    bytes: int


class Lack(NamedTuple):
    """What is missing of a stock.

    readable  how many copies can be read now
    missing   copies of each content
    """

    stock: Stock
    readable: int
    missing: int


class Missing(NamedTuple):
    """What is missing in all.

    blobs   contents with too few copies; copies and bytes are what they lack
    lost    contents of which no copy is known, although all nodes have given their inventories
    waits   contents whose only copies are on nodes that do not answer, or that may be on a new one
    """

    blobs: int = 0
    copies: int = 0
    bytes: int = 0
    lost: int = 0
    waits: int = 0


def missing(stocks: Iterable[Stock], members: Members) -> Missing:
    """What is missing."""
    blobs = copies = size = lost = waits = 0
    more = any(member.may_have_more for member in members.values())
    for stock in stocks:
        found = standing(stock.nodes, members, stock.wanted)
        if found.missing:
            blobs += stock.blobs
            copies += stock.blobs * found.missing
            size += stock.bytes * found.missing
        if not found.known and not more:
            lost += stock.blobs
        elif not found.readable:
            waits += stock.blobs
    return Missing(blobs, copies, size, lost, waits)


def plan(stocks: Iterable[Stock], members: Members) -> list[Lack]:
    """What can be repaired now, the contents with the fewest copies first.

    While a node is joining nothing is: it is about to say what it has.
    """
    if any(member.state is NodeState.JOINING for member in members.values()):
        return []
    found = []
    for stock in stocks:
        count, _ = lacking(stock.nodes, members, stock.wanted)
        readable = len(standing(stock.nodes, members, stock.wanted).readable)
        if count and readable and targets(stock, members, 0, (), lambda: 0.0):
            found.append(Lack(stock, readable, count))
    return sorted(found, key=lambda one: (one.readable, -one.missing, one.stock.placement))


def targets(
    stock: Stock, members: Members, size: int, never: Collection[int], chance: Chance
) -> list[int]:
    """Nodes for the copies that a stock lacks.

    Args:
        stock: whose copies.
        members: all nodes.
        size: bytes of those that are copied together.
        never: nodes that must not get them.
        chance: decides.
    """
    count, only_new = lacking(stock.nodes, members, stock.wanted)
    some = new_zones(stock.nodes, members) if only_new else members
    return choose(some, {*stock.nodes, *never}, count, size, chance)


def is_drained(stocks: Iterable[Stock], members: Members, node: int) -> bool:
    """Whether a node that is being drained has no copy that is needed.

    Only copies on nodes that answer now take its place: one that is silent may be gone for good.
    Of a node whose folder nobody has looked through yet, it is not known.
    """
    if node in members and members[node].may_have_more:
        return False
    here = {id: one for id, one in members.items() if one.gives}
    return not any(
        node in stock.nodes and standing(stock.nodes, here, stock.wanted).missing
        for stock in stocks
    )


def pause(size: int, seconds: float, rate: int) -> float:
    """Seconds to wait after `size` bytes were copied in `seconds`, to keep to bits per second."""
    return max(0.0, size * 8 / rate - seconds)


class SurplusWatch:
    """Since when stocks have had copies too many. After a restart it begins anew."""

    def __init__(self, seconds: float = SURPLUS_SECONDS) -> None:
        self._seconds = seconds
        self._since: dict[tuple[int, int], float] = {}

    def due(self, stocks: Iterable[Stock], members: Members, now: float) -> Mapping[Stock, Surplus]:
        """Stocks that have had them for long enough, and which these are."""
        found, before = dict[Stock, Surplus](), self._since
        self._since = {}
        for stock in stocks:
            extra = surplus(stock.nodes, members, stock.wanted)
            if extra is None:
                continue
            key = stock.placement, stock.workspace
            self._since[key] = since = before.get(key, now)
            if now - since >= self._seconds:
                found[stock] = extra
        return found
