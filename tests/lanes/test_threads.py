"""The driver of a lane: when a full connection is tried again."""

from cargo_sync.lanes.threads import _Room


def test_a_full_connection_is_tried_again_soon_while_it_takes_something() -> None:
    room = _Room()
    waits = [room.after(progress=progress) for progress in (True, False, False, True, False)]
    assert waits == [0.001, 0.002, 0.004, 0.001, 0.002]
    assert [room.after(progress=False) for _ in range(9)][-1] == 0.064
