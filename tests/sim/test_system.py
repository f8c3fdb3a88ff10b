"""The second tier, on the seeds that are always told."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.sim import system
from tests.sim.campaign import Tell, tell_all
from tests.sim.tiers import SYSTEM

SEEDS = 300
LOTS = 10
"""The tests that they are spread over, so that they run side by side."""


@pytest.fixture(scope="module")
def tell() -> Iterator[Tell]:
    with system.ready() as made:
        yield made


@pytest.mark.parametrize("lot", range(LOTS))
def test_whatever_happens_nothing_is_lost_and_peace_comes(lot: int, tell: Tell) -> None:
    summary = tell_all(tell, range(lot, SEEDS, LOTS))
    assert [(one.seed, one.failure) for one in summary.failures] == []


def test_a_seed_always_tells_the_same_history(tell: Tell) -> None:
    digests = [tell(seed).digest for seed in range(12)]
    assert [tell(seed).digest for seed in reversed(range(12))] == digests[::-1]
    assert len(set(digests)) == 12


def test_each_act_fault_and_step_happens(tell: Tell) -> None:
    covered: Counter[str] = Counter()
    for seed in range(2 * SEEDS):  # some faults are rare
        covered += tell(seed).covered
        if SYSTEM.expected <= covered.keys():
            break
    assert SYSTEM.expected - covered.keys() == set()
