import pytest

from cargo_sync.machines.trash_limits import TrashLimits, overdue
from cargo_sync.model.displaced import KeptVersion

NOW = 100.0


def kept(*versions: tuple[float, int]) -> list[KeptVersion]:
    """Versions of these ages and sizes."""
    return [
        KeptVersion(number, f"place {number}", "f", size, NOW - age)
        for number, (age, size) in enumerate(versions)
    ]


OLDEST = kept((50, 10), (40, 20), (30, 5))


@pytest.mark.parametrize(
    ("limits", "total", "freed"),
    [
        (TrashLimits(60), 35, 0),
        (TrashLimits(50), 35, 1),
        (TrashLimits(35), 35, 2),
        (TrashLimits(0), 35, 3),
        (TrashLimits(60, most=35), 35, 0),
        (TrashLimits(60, most=34), 35, 1),
        (TrashLimits(60, most=25), 35, 1),
        (TrashLimits(60, most=24), 35, 2),
        (TrashLimits(60, most=0), 35, 3),
        (TrashLimits(60, most=1000), 1010, 1),
        (TrashLimits(45, most=1000), 35, 1),
    ],
)
def test_the_old_and_the_oldest_are_freed(limits: TrashLimits, total: int, freed: int) -> None:
    assert overdue(OLDEST, total, limits, NOW) == freed


def test_nothing_is_freed_of_nothing() -> None:
    assert overdue([], 0, TrashLimits(0, most=0), NOW) == 0
