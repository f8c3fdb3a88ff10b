"""When something counts as stalled: not while it moves, however slowly."""

import pytest

from cargo_sync.machines.stalling import Stalling


@pytest.mark.parametrize(
    ("looks", "left"),
    [
        ("0:a", 60), ("0:a 59:a", 1), ("0:a 60:a", 0), ("0:a 90:a", -30),
        ("0:a 59:b", 60), ("0:a 59:b 118:c 177:d", 60), ("0:a 59:b 118:b 119:b", 0),
        ("100:a", 60), ("0:a 30:b 89:a", 60),
    ],
)  # fmt: skip
def test_the_time_without_a_change_counts(looks: str, left: float) -> None:
    stalling, found = Stalling(60.0), 0.0
    for look in looks.split():
        at, mark = look.split(":")
        found = stalling.left(mark, float(at))
    assert found == left
