"""The second tier, on the seeds that are always told."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from cargo_sync.model.jobs import Mode
from tests.engine.world import System
from tests.sim import system
from tests.sim.campaign import Tell, tell_all
from tests.sim.ledger import Ledger
from tests.sim.lively import LivelyTree
from tests.sim.oracle import Oracle
from tests.sim.story import Story
from tests.sim.tiers import SYSTEM
from tests.sim.weather import Weather

SEEDS = 300
LOTS = 10
"""The tests that they are spread over, so that they run side by side."""


@pytest.fixture(scope="module")
def tell() -> Iterator[Tell]:
    with system.ready() as made:
        yield made


@pytest.fixture(scope="module")
def told(tell: Tell) -> Tell:
    """As `tell`, but each history is told only once."""
    return cast("Tell", cache(tell))


@pytest.mark.parametrize("lot", range(LOTS))
def test_whatever_happens_nothing_is_lost_and_peace_comes(lot: int, told: Tell) -> None:
    summary = tell_all(told, range(lot, SEEDS, LOTS))
    assert [(one.seed, one.failure) for one in summary.failures] == []


def test_a_seed_always_tells_the_same_history(tell: Tell, told: Tell) -> None:
    digests = [told(seed).digest for seed in range(12)]
    assert [tell(seed).digest for seed in reversed(range(12))] == digests[::-1]
    assert len(set(digests)) == 12


async def test_changes_in_a_new_catalogue_have_none_of_the_lineages_before(
    tmp_path: Path,
) -> None:
    ledger, job = Ledger(), System(tmp_path, Mode.UPLOAD)
    far = LivelyTree("far", Weather(Story(0)), Oracle(job, ledger).at("far"), ledger)
    for path in ("a", "b", "c"):
        far.write(path, b"1")
        far.begin_life()
    before = {far.lineage_at(number) for number in range(1, 4)}
    far.begin_epoch()
    far.write("d", b"1")
    now = {far.lineage_at(number) for number in range(1, 5)}
    assert len(now) == 1 and not now & before
    far.own.add([4], [""], *now)
    assert not (await far.open()).lost
    job.database.close()


def test_each_act_fault_and_step_happens(told: Tell) -> None:
    covered: Counter[str] = Counter()
    for seed in range(2 * SEEDS):  # some faults are rare
        covered += told(seed).covered
        if SYSTEM.expected <= covered.keys():
            break
    assert SYSTEM.expected - covered.keys() == set()
