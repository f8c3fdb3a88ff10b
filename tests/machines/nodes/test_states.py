"""What a node is doing, as tables."""

import pytest

from cargo_sync.machines.nodes.room import AGAIN, CLEARLY, RESERVE, NoRoom, has_room
from cargo_sync.machines.nodes.states import Member, NodeFacts, NodeState, Patience, state_of


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (NodeFacts(0.0), NodeState.UP),
        (NodeFacts(9.9), NodeState.UP),
        (NodeFacts(10.0), NodeState.SUSPECT),
        (NodeFacts(60.0), NodeState.DOWN),
        (NodeFacts(3_599.9), NodeState.DOWN),
        (NodeFacts(3_600.0), NodeState.GONE),
        (NodeFacts(0.0, heard=False), NodeState.SUSPECT),
        (NodeFacts(60.0, heard=False), NodeState.DOWN),
        (NodeFacts(0.0, compared=False), NodeState.JOINING),
        (NodeFacts(10.0, compared=False), NodeState.SUSPECT),
        (NodeFacts(0.0, full=True), NodeState.FULL),
        (NodeFacts(0.0, full=True, draining=True), NodeState.DRAINING),
        (NodeFacts(0.0, compared=False, draining=True), NodeState.JOINING),
        (NodeFacts(9_999.0, draining=True), NodeState.GONE),
        (NodeFacts(0.0, removed=True), NodeState.REMOVED),
    ],
)
def test_what_was_heard_says_the_state(facts: NodeFacts, state: NodeState) -> None:
    assert state_of(facts, Patience()) is state


@pytest.mark.parametrize(
    ("state", "takes", "gives", "counts"),
    [
        (NodeState.JOINING, False, False, True),
        (NodeState.UP, True, True, True),
        (NodeState.FULL, False, True, True),
        (NodeState.DRAINING, False, True, False),
        (NodeState.SUSPECT, False, False, True),
        (NodeState.DOWN, False, False, True),
        (NodeState.GONE, False, False, False),
        (NodeState.REMOVED, False, False, False),
    ],
)
def test_what_may_be_done_with_a_node(
    state: NodeState, takes: bool, gives: bool, counts: bool
) -> None:
    node = Member(1, "a", state)
    assert (node.takes, node.gives, node.counts) == (takes, gives, counts)


def test_copies_on_a_silent_node_that_is_drained_do_not_count() -> None:
    assert not Member(1, "a", NodeState.DOWN, draining=True).counts


@pytest.mark.parametrize(
    ("free", "refusal", "now", "room"),
    [
        (RESERVE, None, 0.0, False),
        (RESERVE + 1, None, 0.0, True),
        (5 * CLEARLY, NoRoom(0.0, 5 * CLEARLY, 1), 1.0, False),
        (5 * CLEARLY, NoRoom(0.0, 5 * CLEARLY, 1), AGAIN, True),
        (6 * CLEARLY, NoRoom(0.0, 5 * CLEARLY, 1), 1.0, True),
        (RESERVE, NoRoom(0.0, 0, 1), 9 * AGAIN, False),
        # A node with little room: twice as much is clearly more.
        (5 * RESERVE, NoRoom(0.0, 3 * RESERVE, 1), 1.0, False),
        (6 * RESERVE, NoRoom(0.0, 3 * RESERVE, 1), 1.0, True),
        (2 * RESERVE + 1, NoRoom(0.0, RESERVE + 1, 1), 1.0, False),
        (2 * RESERVE + 2, NoRoom(0.0, RESERVE + 1, 1), 1.0, True),
        # It had said too late that there is no room for this content: a smaller one may fit.
        (3 * RESERVE, NoRoom(0.0, 5 * RESERVE, 2 * RESERVE), 1.0, False),
        (3 * RESERVE, NoRoom(0.0, 5 * RESERVE, 2 * RESERVE + 1), 1.0, True),
    ],
)
def test_a_refusal_is_believed_for_a_while(
    free: int, refusal: NoRoom | None, now: float, room: bool
) -> None:
    assert has_room(free, refusal, now) is room
