"""Storage nodes, on the seeds that are always told."""

from tests.sim.campaign import tell_all
from tests.sim.nodes import tell
from tests.sim.tiers import NODES

SEEDS = 300


def test_no_content_is_lost_while_enough_disks_live() -> None:
    summary = tell_all(tell, range(SEEDS))
    assert [(one.seed, one.failure) for one in summary.failures] == []
    assert summary.missing(NODES) == []


def test_a_seed_always_tells_the_same_history() -> None:
    digests = [tell(seed).digest for seed in range(10)]
    assert [tell(seed).digest for seed in range(10)] == digests
    assert len(set(digests)) == 10
