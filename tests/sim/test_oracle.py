"""What the oracle says of folders that a run has made."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import agree
from cargo_sync.model.jobs import Mode
from tests.engine.world import System
from tests.sim.ledger import Ledger
from tests.sim.lively import LivelyTree
from tests.sim.oracle import Oracle
from tests.sim.story import BrokenPromiseError, Story
from tests.sim.weather import Weather


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Oracle]:
    """A run has made the folder of the source at the destination, and did not end yet."""
    job, ledger = System(tmp_path, Mode.UPLOAD), Ledger()
    oracle, weather = Oracle(job, ledger), Weather(Story(0))
    job.near = LivelyTree("near", weather, oracle, ledger)
    job.far = LivelyTree("far", weather, oracle, ledger)
    oracle.begin()
    source = job.near.make("a")
    action = Action(Op.MKDIR, "a", source)
    assert job.far.do(action).problem is None
    oracle.done(action)
    yield oracle
    job.database.close()


def change_mode(oracle: Oracle) -> None:
    oracle.begin()
    oracle.source.set_mode("a", 0o700)


def test_a_folder_of_a_killed_run_keeps_its_mode(made: Oracle) -> None:
    change_mode(made)
    made.rests()


def test_one_that_the_killed_run_had_recorded_follows(made: Oracle) -> None:
    near, far = made.source.entry("a"), made.destination.entry("a")
    assert near and far
    made.system.memory.folders.agree([("a", agree(near, far))], [])
    change_mode(made)
    with pytest.raises(BrokenPromiseError, match="'a' is"):
        made.rests()


def test_one_of_a_run_that_ended_follows(made: Oracle) -> None:
    made.end()
    change_mode(made)
    with pytest.raises(BrokenPromiseError, match="'a' is"):
        made.rests()
