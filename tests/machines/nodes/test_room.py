"""The room of a node: what it says, what was placed since, and what it refused."""

import pytest

from cargo_sync.machines.nodes.room import AGAIN, RESERVE, NodeRoom


@pytest.mark.parametrize(
    ("steps", "free", "is_full"),
    [
        ("", 0, True),
        ("says 9", 9, False),
        ("says 9, took 2, took 3", 4, False),
        ("says 9, took 2, says 8", 8, False),
        # An estimate may be too low, as some of it was there already: it is not called full.
        ("says 9, took 12", 0, False),
        ("says 1", 1, True),
        ("says 9, refused 2", 9, True),
        # The refusal counts from what it said last, not from what was guessed.
        ("says 9, took 6, says 3, refused 1, says 5", 5, True),
        ("says 9, took 6, says 3, refused 1, says 6", 6, False),
    ],
)
def test_what_is_known_of_its_room(steps: str, free: int, is_full: bool) -> None:
    room = NodeRoom()
    for step in filter(None, steps.split(", ")):
        what, count = step.split()
        size = int(count) * RESERVE
        if what == "refused":
            room.refused(size, 5.0)
        else:
            getattr(room, what)(size)
    assert (room.free, room.is_full(6.0)) == (free * RESERVE, is_full)
    assert room.is_full(5.0 + AGAIN) is (steps in ("", "says 1"))
