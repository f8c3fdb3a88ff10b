"""The first tier, on the seeds that are always told."""

import pytest

from tests.sim.campaign import tell_all
from tests.sim.planner import tell
from tests.sim.tiers import PLANNER

SEEDS = 2_000
LOTS = 2
"""The tests that they are spread over, so that they run side by side."""


@pytest.mark.parametrize("lot", range(LOTS))
def test_whatever_happens_people_find_what_they_left(lot: int) -> None:
    summary = tell_all(tell, range(lot, SEEDS, LOTS))
    assert [(one.seed, one.failure) for one in summary.failures] == []
    assert summary.missing(PLANNER) == []


def test_a_seed_always_tells_the_same_history() -> None:
    digests = [tell(seed).digest for seed in range(50)]
    assert [tell(seed).digest for seed in range(50)] == digests
    assert len(set(digests)) == 50
