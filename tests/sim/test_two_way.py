"""The planner of two-way jobs, on the seeds that are always told."""

from tests.sim.campaign import tell_all
from tests.sim.tiers import TWO_WAY
from tests.sim.two_way import tell

SEEDS = 1_000


def test_both_sides_become_the_same_and_nothing_that_people_left_is_lost() -> None:
    summary = tell_all(tell, range(SEEDS))
    assert [(one.seed, one.failure) for one in summary.failures] == []
    assert summary.missing(TWO_WAY) == []


def test_a_seed_always_tells_the_same_history() -> None:
    digests = [tell(seed).digest for seed in range(50)]
    assert [tell(seed).digest for seed in range(50)] == digests
