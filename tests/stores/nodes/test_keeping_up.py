"""Who brings a content waits a moment for lanes to nodes that nearly keep up."""

import threading

from cargo_sync.stores.nodes.keeping_up import BEHIND, KeepingUp

PIECE = 1 << 20
ENDLESS = 1.0
"""Bytes a second: so a piece waits until a lane is near."""
AT_ONCE = 1e15


def test_nobody_waits_for_a_lane_that_is_near() -> None:
    lanes = KeepingUp(ENDLESS)
    lanes.wait(20 * PIECE, PIECE)
    front = lanes.enter()
    lanes.wait(BEHIND, PIECE)
    lanes.reach(front, PIECE)
    lanes.wait(BEHIND + PIECE, PIECE)
    lanes.leave(front)
    lanes.wait(20 * PIECE, PIECE)
    assert not front.is_slow


def test_it_is_waited_for_until_all_are_near() -> None:
    lanes = KeepingUp(ENDLESS)
    one, other = lanes.enter(), lanes.enter()
    bringing = threading.Thread(target=lanes.wait, args=(BEHIND + PIECE, PIECE))
    bringing.start()
    lanes.reach(one, PIECE)
    assert bringing.is_alive(), "the other one is behind"
    lanes.reach(other, PIECE)
    bringing.join()
    bringing = threading.Thread(target=lanes.wait, args=(BEHIND + 2 * PIECE, PIECE))
    bringing.start()
    lanes.reach(one, 2 * PIECE)
    lanes.leave(other)  # its node has gone
    bringing.join()
    assert not one.is_slow


def test_a_lane_that_does_not_move_is_slow_until_it_has_all() -> None:
    lanes = KeepingUp(AT_ONCE)
    front = lanes.enter()
    lanes.wait(BEHIND + PIECE, PIECE)
    assert front.is_slow
    waits = KeepingUp(ENDLESS)
    waits._fronts = lanes._fronts
    waits.wait(BEHIND + 2 * PIECE, PIECE)
    waits.reach(front, 2 * PIECE)
    assert front.is_slow, "it was near for a moment, and reads from the spool"
    waits.reach(front, 9 * PIECE, is_all=True)
    assert not front.is_slow


def test_a_lane_that_moves_as_fast_as_pieces_come_is_waited_for_again() -> None:
    lanes = KeepingUp(AT_ONCE)
    front = lanes.enter()
    behind = lanes._behind

    def moving(until: int) -> list[object]:
        front.at += PIECE // 2  # it is asked twice at least
        return list(behind(until))

    lanes._behind = moving  # type: ignore[method-assign,assignment]
    lanes.wait(BEHIND + 20 * PIECE, PIECE)
    assert not front.is_slow
