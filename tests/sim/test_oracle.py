"""What the oracle says of steps that nobody has recorded."""

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
    oracle = watched(tmp_path)
    done(oracle, Action(Op.MKDIR, "a", oracle.source.make("a")))
    yield oracle
    oracle.system.database.close()


def watched(tmp_path: Path) -> Oracle:
    """An oracle, in the first run of a job."""
    job, ledger = System(tmp_path, Mode.UPLOAD, propagate=True), Ledger()
    oracle, weather = Oracle(job, ledger), Weather(Story(0))
    job.near = LivelyTree("near", weather, oracle, ledger)
    job.far = LivelyTree("far", weather, oracle, ledger)
    oracle.begin()
    return oracle


def done(oracle: Oracle, action: Action) -> None:
    """A step is done at the destination, and not recorded."""
    assert oracle.destination.do(action).problem is None
    oracle.done(action)


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


@pytest.fixture
def renamed(tmp_path: Path) -> Iterator[Oracle]:
    """A run has renamed a file at the destination, and did not end."""
    oracle = watched(tmp_path)
    before = oracle.destination.write("a", b"1", 5)
    now = oracle.source.write("b", b"1", 5)
    done(oracle, Action(Op.MOVE, "b", now, before, moved_from="a"))
    yield oracle
    oracle.system.database.close()


def test_what_a_cut_run_renamed_stays_for_ever_if_it_goes_before_it_is_seen(
    renamed: Oracle,
) -> None:
    renamed.source.remove("b")
    for _ in range(2):
        renamed.begin()
        renamed.rests()


def test_what_a_cut_run_renamed_goes_if_both_sides_had_it_at_rest(renamed: Oracle) -> None:
    renamed.begin()
    renamed.rests()
    renamed.source.remove("b")
    with pytest.raises(BrokenPromiseError, match="'b' was not deleted"):
        renamed.rests()
