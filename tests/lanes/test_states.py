"""The table of a lane's states, as transcripts: events in, states out."""

import pytest

from cargo_sync.lanes.states import ACCEPTED, CLIENT, SERVER, LaneEvent, LaneState
from cargo_sync.wire import records

WAYS = {"client": CLIENT, "server": SERVER}
CASES = [
    ("client", "finish, all offered, bye received", "finishing draining closing"),
    ("client", "cancel, bye received", "cancelled closing"),
    ("client", "finish, cancel, bye received", "finishing cancelled closing"),
    ("client", "finish, all offered, cancel, bye received", "finishing draining cancelled closing"),
    ("client", "bye received", "closing"),
    ("client", "finish, bye received", "finishing closing"),
    ("client", "cancel, finish", "cancelled -"),
    ("client", "cancel, cancel", "cancelled -"),
    ("client", "all offered", "-"),
    ("client", "bye received, bye received", "closing -"),
    ("client", "bye received, cancel", "closing -"),
    ("client", "done received", "-"),
    ("server", "done received, all committed, bye received", "draining leaving closing"),
    ("server", "cancel, bye received", "leaving closing"),
    ("server", "done received, cancel, bye received", "draining leaving closing"),
    ("server", "done received, done received", "draining draining"),
    ("server", "all committed", "-"),
    ("server", "bye received", "-"),
    ("server", "done received, bye received", "draining -"),
    ("server", "cancel, cancel", "leaving -"),
    ("server", "cancel, done received", "leaving -"),
    ("server", "finish", "-"),
]  # fmt: skip


@pytest.mark.parametrize(("side", "events", "expected"), CASES)
def test_transcripts(side: str, events: str, expected: str) -> None:
    state, told = LaneState.OPEN, []
    for event in map(LaneEvent, events.split(", ")):
        following = WAYS[side].get((state, event))
        told.append("-" if following is None else following.value)
        state = following or state
    assert told == expected.split()


@pytest.mark.parametrize("side", WAYS)
def test_from_every_state_that_an_end_reaches_it_can_close(side: str) -> None:
    ways = WAYS[side]
    reached = {LaneState.OPEN} | set(ways.values())
    closing = {LaneState.CLOSING}
    for _ in reached:
        closing |= {state for (state, _), following in ways.items() if following in closing}
    assert reached == closing


def test_what_is_accepted_shrinks_towards_the_end() -> None:
    assert set(ACCEPTED) == set(LaneState)
    assert {state for state, kinds in ACCEPTED.items() if kinds is None} == {
        LaneState.OPEN, LaneState.FINISHING, LaneState.DRAINING, LaneState.CANCELLED,
    }  # fmt: skip
    assert ACCEPTED[LaneState.LEAVING] == frozenset({records.REPORT, records.BYE})
    assert ACCEPTED[LaneState.CLOSING] == ACCEPTED[LaneState.OVER] == frozenset()
