"""The tier on a disk, on the seeds that are always told."""

import sys
from collections.abc import Iterator

import pytest

from tests.sim import disk
from tests.sim.campaign import Tell, tell_all
from tests.sim.tiers import DISK

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="exchanges names by renameat2")
SEEDS = 50
LOTS = 5


@pytest.fixture(scope="module")
def tell() -> Iterator[Tell]:
    with disk.ready() as made:
        yield made


@pytest.mark.parametrize("lot", range(LOTS))
def test_after_a_power_cut_all_that_was_recorded_is_there(lot: int, tell: Tell) -> None:
    summary = tell_all(tell, range(lot, SEEDS, LOTS))
    assert [(one.seed, one.failure) for one in summary.failures] == []
    missing = DISK.expected - summary.covered.keys()
    assert {one for one in missing if one.startswith("fault")} == set()


def test_a_seed_always_tells_the_same_history(tell: Tell) -> None:
    digests = [tell(seed).digest for seed in range(10)]
    assert [tell(seed).digest for seed in range(10)] == digests
