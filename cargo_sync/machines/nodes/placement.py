"""Which nodes get copies, and how many make a content safe.

Copies go to different zones, as far as there are enough; among these by chance, so that a node with
twice the free room gets twice as much. If there are too few zones the copies are made all the same,
on different nodes: that is better than fewer copies, but counted as missing (copies.py).
"""

from collections.abc import Callable, Collection

from cargo_sync.machines.nodes.room import RESERVE
from cargo_sync.machines.nodes.states import Member, Members

Chance = Callable[[], float]
"""A number of [0, 1)."""


def quorum(copies: int) -> int:
    """Copies on nodes that are up, without which no client is told that its file is safe."""
    return min(copies, 2)


def choose(
    members: Members, taken: Collection[int], count: int, size: int, chance: Chance
) -> list[int]:
    """Chooses nodes for copies.

    Args:
        members: all nodes.
        taken: those that have a copy, or must not get one. Zones of the former are avoided.
        count: how many copies.
        size: bytes of what is placed together.
        chance: decides.

    Returns:
        Up to `count` ids; fewer if there are not enough nodes with room.
    """
    used = {members[id].zone for id in taken if id in members and members[id].counts}
    able = [
        member
        for member in members.values()
        if member.takes and member.id not in taken and member.free - size >= RESERVE
    ]
    chosen = list[int]()
    while able and len(chosen) < count:
        fresh = [member for member in able if member.zone not in used]
        member = _by_room(fresh or able, chance)
        able.remove(member)
        used.add(member.zone)
        chosen.append(member.id)
    return chosen


def _by_room(some: list[Member], chance: Chance) -> Member:
    point = chance() * sum(member.free for member in some)
    for member in some:
        point -= member.free
        if point < 0:
            return member
    return some[-1]
