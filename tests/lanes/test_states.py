"""The table of a lane's states, as transcripts: what happens in, where the end stands then."""

import pytest

from cargo_sync.lanes.states import CLIENT, HEEDED, SERVER, LaneEvent, LaneState
from cargo_sync.wire import records

WAYS = {"client": CLIENT, "server": SERVER}
CASES = [
    ("client", "finish, all offered, bye heard", "finishing draining closing"),
    ("client", "cancel, bye heard", "cancelled closing"),
    ("client", "finish, cancel, bye heard", "finishing cancelled closing"),
    ("client", "finish, all offered, cancel, bye heard", "finishing draining cancelled closing"),
    ("client", "bye heard", "closing"),
    ("client", "finish, bye heard", "finishing closing"),
    ("client", "cancel, finish", "cancelled -"),
    ("client", "cancel, cancel", "cancelled -"),
    ("client", "all offered", "-"),
    ("client", "bye heard, bye heard", "closing -"),
    ("client", "bye heard, cancel", "closing -"),
    ("client", "done heard", "-"),
    ("server", "done heard, all committed, bye heard", "draining leaving closing"),
    ("server", "cancel, bye heard", "leaving closing"),
    ("server", "done heard, cancel, bye heard", "draining leaving closing"),
    ("server", "done heard, done heard", "draining draining"),
    ("server", "all committed", "-"),
    ("server", "bye heard", "-"),
    ("server", "done heard, bye heard", "draining -"),
    ("server", "cancel, cancel", "leaving -"),
    ("server", "cancel, done heard", "leaving -"),
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


def test_what_is_heeded_shrinks_towards_the_end() -> None:
    assert set(HEEDED) == set(LaneState)
    assert {state for state, kinds in HEEDED.items() if kinds is None} == {
        LaneState.OPEN, LaneState.FINISHING, LaneState.DRAINING, LaneState.CANCELLED,
    }  # fmt: skip
    assert HEEDED[LaneState.LEAVING] == frozenset({records.REPORT, records.BYE})
    assert HEEDED[LaneState.CLOSING] == HEEDED[LaneState.OVER] == frozenset()
