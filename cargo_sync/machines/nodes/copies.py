"""How many copies a content has, which are missing, and which are too many.

Copies count by zone: two in one zone may be lost together, so they are one. A copy on a node that
is silent for a short time counts, one on a node that is gone or is being drained does not.
"""

from collections.abc import Collection
from typing import NamedTuple

from cargo_sync.machines.nodes.states import Member, Members


class Standing(NamedTuple):
    """What a set of nodes is worth.

    known     copies, wherever they are
    counted   copies that count
    zones     in how many zones they lie
    missing   zones that lack a copy
    readable  nodes from which it can be read now, those that count first
    """

    known: int
    counted: int
    zones: int
    missing: int
    readable: tuple[int, ...]


def standing(nodes: Collection[int], members: Members, wanted: int) -> Standing:
    """What a set of nodes is worth to a workspace that wants so many copies."""
    some = [members[id] for id in sorted(nodes) if id in members]
    counted = [member for member in some if member.counts]
    zones = len({member.zone for member in counted})
    readable = sorted((member for member in some if member.gives), key=lambda one: one.draining)
    reading = tuple(member.id for member in readable)
    return Standing(len(some), len(counted), zones, max(0, wanted - zones), reading)


def lacking(nodes: Collection[int], members: Members, wanted: int) -> tuple[int, bool]:
    """How many copies are to be made now, and whether each of them must be in a new zone.

    With fewer copies than wanted any node helps. With enough copies in too few zones, only another
    zone does.
    """
    found = standing(nodes, members, wanted)
    if found.counted < wanted:
        return wanted - found.counted, False
    return found.missing, True


def new_zones(nodes: Collection[int], members: Members) -> Members:
    """The nodes of zones in which no copy counts, and the nodes that have one."""
    used = {members[id].zone for id in nodes if id in members and members[id].counts}
    return {id: one for id, one in members.items() if id in nodes or one.zone not in used}


class Surplus(NamedTuple):
    """Copies that may be deleted, if those on the `keepers` are really there."""

    keepers: tuple[int, ...]
    spare: tuple[int, ...]


def surplus(nodes: Collection[int], members: Members, wanted: int) -> Surplus | None:
    """Which copies are too many; None: none are.

    Keepers are nodes that can be asked now, in as many zones as copies are wanted. A copy on a node
    that is silent, or leaves, is neither: it may be gone tomorrow.
    """
    here = [members[id] for id in nodes if id in members and _answers(members[id])]
    keepers = dict[str, Member]()
    for member in sorted(here, key=lambda one: (not one.takes, -one.free, one.id)):
        if len(keepers) < wanted:
            keepers.setdefault(member.zone, member)
    kept = {member.id for member in keepers.values()}
    spare = tuple(member.id for member in here if member.id not in kept)
    if len(kept) < wanted or not spare:
        return None
    return Surplus(tuple(sorted(kept)), tuple(sorted(spare)))


def _answers(member: Member) -> bool:
    return member.gives and member.counts
