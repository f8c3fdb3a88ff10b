"""Small contents go to a node in packets; what does not arrive so goes one by one.

A packet is an optimistic try: its receipt says that all of it is there, or why not. So what one
content of it lacks, or what an older node does not know, costs a second try and nothing else.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.ports import Results, latest
from cargo_sync.stores.packets import SMALL, as_content, offer_of, packed


class PackedLane(Protocol):
    """A lane that brings contents to a node: see `NodeLane`."""

    async def takes_packets(self) -> bool: ...
    async def move(
        self, contents: Sequence[Content], offers: Sequence[Offer] | None = None
    ) -> Results: ...


async def place_packed(lane: PackedLane, contents: Sequence[Content]) -> Results:
    """Makes copies of contents on a node; one fails alone.

    Raises:
        ProblemError: it is not known what has moved.
    """
    small = [one for one in contents if 0 < one.size <= SMALL]
    if len(small) < 2 or not await lane.takes_packets():
        return await lane.move(contents)
    packets = list(packed(small))
    names = list(map(as_content, packets))
    results = await lane.move(names, list(map(offer_of, names)))
    there = set(_all_of(packets, results.problems))
    rest = [one for one in contents if one not in there]
    if not rest:
        return Results([None] * len(contents), results.life)
    others = await lane.move(rest)
    why = dict(zip(rest, others.problems, strict=True))
    return Results([why.get(one) for one in contents], latest([results.life, others.life]))


def _all_of(
    packets: Sequence[Sequence[Content]], problems: Sequence[Problem | None]
) -> Iterable[Content]:
    """The contents of the packets that are there."""
    for packet, problem in zip(packets, problems, strict=True):
        if problem is None:
            yield from packet
