"""What a node is doing, from what was heard of it and when.

    JOINING ──► UP ◄──► FULL
                │ silent for 10 s; back as soon as it is heard
                ▼
             SUSPECT ── 60 s ──► DOWN ── 1 h ──► GONE: its copies are made elsewhere
    DRAINING: up, but a person wants its copies elsewhere.  REMOVED: nobody asks for it any more.

A node that was silent is JOINING until it is known what its folder holds (returning.py). Before its
first word after a start of the server it is SUSPECT: nobody reads there or writes there yet.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class NodeState(StrEnum):
    """What a node is doing."""

    JOINING = "joining"
    UP = "up"
    FULL = "full"
    DRAINING = "draining"
    SUSPECT = "suspect"
    DOWN = "down"
    GONE = "gone"
    REMOVED = "removed"


class Patience(NamedTuple):
    """Seconds of silence after which a node is suspect, down, gone."""

    suspect: float = 10.0
    down: float = 60.0
    gone: float = 3_600.0


PATIENCE: Final = Patience()


class NodeFacts(NamedTuple):
    """What is known of a node.

    away      seconds since it was heard; of the time that the server did not run nothing counts
    heard     it was heard since the server started
    compared  what its folder holds is known
    full      it has no room, whatever it says
    draining  a person wants its copies elsewhere
    removed   a person has removed it
    """

    away: float
    heard: bool = True
    compared: bool = True
    full: bool = False
    draining: bool = False
    removed: bool = False


class Member(NamedTuple):
    """A node, as decisions see it.

    zone      what it may fail with
    free      bytes for copies
    draining  whatever else it is doing
    known     what its folder holds was found out
    """

    id: int
    zone: str
    state: NodeState
    free: int = 0
    draining: bool = False
    known: bool = True

    @property
    def may_have_more(self) -> bool:
        """It may have copies that nobody knows of: after its inventory they may be found."""
        return not self.known or self.state is NodeState.JOINING

    @property
    def takes(self) -> bool:
        """It may get copies."""
        return self.state is NodeState.UP and not self.draining

    @property
    def gives(self) -> bool:
        """Its copies can be read."""
        return self.state in _GIVING

    @property
    def counts(self) -> bool:
        """Its copies count among those that a workspace wants."""
        return not self.draining and self.state in _COUNTED


Members = Mapping[int, Member]
"""All nodes, by id."""

_GIVING: Final = frozenset({NodeState.UP, NodeState.FULL, NodeState.DRAINING})
_COUNTED: Final = frozenset(NodeState) - {NodeState.GONE, NodeState.REMOVED, NodeState.DRAINING}


def state_of(facts: NodeFacts, patience: Patience) -> NodeState:
    """What a node is doing now."""
    if facts.removed:
        return NodeState.REMOVED
    if facts.away >= patience.gone:
        return NodeState.GONE
    if facts.away >= patience.down:
        return NodeState.DOWN
    if facts.away >= patience.suspect or not facts.heard:
        return NodeState.SUSPECT
    if not facts.compared:
        return NodeState.JOINING
    if facts.draining:
        return NodeState.DRAINING
    return NodeState.FULL if facts.full else NodeState.UP
