"""Nodes for tables: `1a+50` is the node 1 in the zone a, up, with 50 GiB of room."""

import re
from typing import Final

from cargo_sync.machines.nodes.states import Member, Members, NodeState

GIB: Final = 1 << 30
_SIGNS: Final = {
    "+": NodeState.UP,
    "=": NodeState.FULL,
    "?": NodeState.SUSPECT,
    "-": NodeState.DOWN,
    "x": NodeState.GONE,
    ">": NodeState.DRAINING,
    "*": NodeState.JOINING,
}


def members(words: str) -> Members:
    """Nodes: id, zone, a sign for the state, GiB of room (100 if left out)."""
    found = {}
    for word in words.split():
        match = re.fullmatch(r"(\d+)([a-w])(.)(\d*)", word)
        assert match is not None, word
        id, zone, sign, free = match.groups()
        state = _SIGNS[sign]
        draining = state is NodeState.DRAINING
        found[int(id)] = Member(int(id), zone, state, int(free or 100) * GIB, draining)
    return found
