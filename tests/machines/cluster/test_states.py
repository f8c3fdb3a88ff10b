import pytest

from cargo_sync.machines.cluster.states import Beat, Pulse, ServerState

UP, DRAINING, AWAY = ServerState.UP, ServerState.DRAINING, ServerState.AWAY


def test_who_counts_is_up_and_who_does_not_is_away_after_three_seconds() -> None:
    pulse = Pulse()
    seen = []
    for now, beat in ((0.0, 7), (1.0, 8), (2.0, 8), (3.9, 8), (4.0, 8), (9.0, 9)):
        pulse.heard([Beat("b", "l", beat)], now)
        seen.append((pulse.state("b", now), pulse.silent("b", now), pulse.is_life("b", "l", now)))
    assert seen == [
        (UP, 0.0, True), (UP, 0.0, True), (UP, 1.0, True), (UP, pytest.approx(2.9), True),
        (AWAY, 3.0, False), (UP, 0.0, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (Beat("b", "l", 8, draining=True), DRAINING),
        (Beat("b", "", 8), AWAY),  # it has ended in order
        (Beat("b", "another start", 7), UP),  # of the same folder
        (Beat("c", "l", 8), AWAY),  # its row is gone
    ],
)
def test_what_a_row_says_counts_at_once(row: Beat, state: ServerState) -> None:
    pulse = Pulse()
    pulse.heard([Beat("b", "l", 7)], 0.0)
    pulse.heard([row], 2.5)
    assert pulse.state("b", 2.5) is state
    assert pulse.is_life("b", "l", 2.5) is (state is DRAINING)
