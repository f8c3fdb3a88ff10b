"""Histories with somebody else's server, on the seeds that are always told."""

import pytest

from tests.sim.campaign import Tier, tell_all
from tests.sim.tiers import (
    FOREIGN_PLANNER,
    FOREIGN_SYSTEM,
    FOREIGN_TWO_WAY,
    FOREIGN_TWO_WAY_SYSTEM,
)


@pytest.mark.parametrize(
    ("tier", "seeds"),
    [
        (FOREIGN_PLANNER, 150),
        (FOREIGN_TWO_WAY, 100),
        (FOREIGN_SYSTEM, 12),
        (FOREIGN_TWO_WAY_SYSTEM, 8),
    ],
    ids=lambda value: value.name if isinstance(value, Tier) else "",
)
def test_whatever_a_server_does_not_keep_nothing_is_lost_and_peace_comes(
    tier: Tier, seeds: int
) -> None:
    with tier.ready() as tell:
        summary = tell_all(tell, range(seeds))
    assert [(one.seed, one.failure) for one in summary.failures] == []
    assert {"step put", "step delete", "act write"} <= summary.covered.keys()
