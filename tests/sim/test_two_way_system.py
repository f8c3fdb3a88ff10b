"""Whole runs of two-way jobs, on the seeds that are always told."""

from collections.abc import Iterator

import pytest

from tests.sim import two_way_system
from tests.sim.campaign import Tell, tell_all

SEEDS = 80
LOTS = 4
"""The tests that they are spread over, so that they run side by side."""


@pytest.fixture(scope="module")
def tell() -> Iterator[Tell]:
    with two_way_system.ready() as made:
        yield made


@pytest.mark.parametrize("lot", range(LOTS))
def test_whatever_happens_both_sides_become_the_same_and_nothing_is_lost(
    lot: int, tell: Tell
) -> None:
    summary = tell_all(tell, range(lot, SEEDS, LOTS))
    assert [(one.seed, one.failure) for one in summary.failures] == []
    assert {"step put", "step delete"} <= summary.covered.keys()


def test_a_seed_always_tells_the_same_history(tell: Tell) -> None:
    digests = [tell(seed).digest for seed in range(4)]
    assert [tell(seed).digest for seed in reversed(range(4))] == digests[::-1]
