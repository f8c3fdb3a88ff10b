"""The retention clock across restarts, and the ages that it gives."""

import asyncio

import pytest

from cargo_sync.machines.retention import SystemClocks
from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.model.problems import ProblemError
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.ages import Ages
from cargo_sync.state.clock import RetentionClock
from cargo_sync.state.database import Database
from tests.offloads import inline

DAY = 86_400.0
YEAR = 365 * DAY


class Machine:
    """A machine whose clocks can be set."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.boottime = 100.0
        self.boot = "boot-1"

    def __call__(self) -> SystemClocks:
        return SystemClocks(self.wall, self.boottime, self.boot)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.boottime += seconds


def unexpected(stop: UncleanStop) -> None:
    """Tests of the clock itself end nothing cleanly."""


def nothing(now: float) -> None:
    return None


def test_a_year_ahead_and_back_ages_nothing(daemon: Database) -> None:
    machine = Machine()
    clock = RetentionClock(daemon, machine, unexpected)
    began = clock()
    assert began == machine.wall
    machine.passes(60)
    assert clock.beat(nothing) == 0.0
    machine.wall += YEAR
    machine.passes(60)
    assert clock() == began + 120
    assert clock.beat(nothing) == YEAR
    assert clock.beat(nothing) == 0.0, "it is told once"
    machine.wall -= YEAR
    again = RetentionClock(daemon, machine, unexpected)
    assert again() == began + 120
    machine.passes(60)
    assert again.beat(nothing) == -YEAR, "a jump during the stop is told after the start"
    assert again() == began + 180


def test_the_reading_and_what_goes_with_it_are_stored_together(daemon: Database) -> None:
    machine = Machine()
    clock = RetentionClock(daemon, machine, unexpected)
    machine.wall += YEAR

    def full(now: float) -> None:
        raise OverflowError("the disk is full")

    with pytest.raises(ProblemError):
        clock.beat(full)
    assert clock.beat(nothing) == YEAR, "a jump that could not be stored is told later"


def test_a_clean_end_is_noted_and_a_kill_is_not(daemon: Database) -> None:
    machine, stops = Machine(), list[UncleanStop]()
    for _ in range(2):
        with pytest.raises(KeyError), RetentionClock(daemon, machine, stops.append):
            machine.passes(5)
            raise KeyError  # such as a port that is in use: the files that were written are safe
    assert stops == []
    killed = RetentionClock(daemon, machine, stops.append)
    machine.passes(60)
    killed.beat(nothing)
    at, wall = killed(), machine.wall
    machine.passes(30)
    RetentionClock(daemon, machine, stops.append)
    machine.boot, machine.boottime = "boot-2", 3.0
    with RetentionClock(daemon, machine, stops.append):
        pass
    assert stops[0] == UncleanStop(at, wall, rebooted=False)
    assert [stop.rebooted for stop in stops] == [False, True]


def test_an_unclean_stop_is_not_forgotten_when_it_cannot_be_noted(daemon: Database) -> None:
    RetentionClock(daemon, Machine(), unexpected)

    def full(stop: UncleanStop) -> None:
        raise OverflowError("the disk is full")

    with pytest.raises(ProblemError):
        RetentionClock(daemon, Machine(), full)
    stops: list[UncleanStop] = []
    RetentionClock(daemon, Machine(), stops.append)
    assert len(stops) == 1


async def test_a_jump_is_told_to_people(daemon: Database, caplog: pytest.LogCaptureFixture) -> None:
    machine, heard, marks = Machine(), Wakeup(), list[float]()
    clock = RetentionClock(daemon, machine, unexpected)
    began = clock()
    machine.wall -= YEAR

    async def jumped(message: str) -> None:
        assert message in caplog.text
        assert "365.0 days back" in message
        heard.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(clock.run(inline, marks.append, jumped))
        await heard.wait()
        task.cancel()
    assert marks == [began]


@pytest.mark.parametrize("schema", ["daemon", "server"])
def test_ages_begin_when_a_name_is_first_seen(schema: str, request: pytest.FixtureRequest) -> None:
    now = 1000.0
    ages = Ages(request.getfixturevalue(schema), lambda: now)
    assert ages.ages("/a/trash", ["x", "y"]) == {"x": 0.0, "y": 0.0}
    assert ages.ages("/b/trash", ["x"]) == {"x": 0.0}
    now = 1005.0
    assert ages.ages("/a/trash", ["z", "x"]) == {"z": 0.0, "x": 5.0}
    now = 1007.0
    assert ages.ages("/a/trash", ["y", "z"]) == {"y": 0.0, "z": 2.0}, "y was gone in between"
    assert ages.ages("/b/trash", ["x"]) == {"x": 7.0}
    assert ages.ages("/c/trash", []) == {}


def test_servers_that_share_a_state_share_the_clock_and_each_runs_for_itself(
    server: Database,
) -> None:
    stops = list[UncleanStop]()
    one, other = Machine(), Machine()
    other.boot, other.boottime = "boot-2", 9_000.0
    first = RetentionClock(server, one, stops.append, "one")
    second = RetentionClock(server, other, stops.append, "other")
    assert not stops and second() == first()
    one.passes(100)
    first.beat(nothing)
    other.passes(60)  # it runs slower
    second.beat(nothing)
    assert second() == first()
    RetentionClock(server, one, stops.append, "one")
    assert stops == [UncleanStop(first(), one.wall, rebooted=False)]
    with second:
        pass
    RetentionClock(server, other, stops.append, "other")
    assert len(stops) == 1, "it had ended in order"


def test_servers_whose_wall_clocks_differ_age_nothing_by_their_starts(server: Database) -> None:
    one, other = Machine(), Machine()
    other.wall += DAY / 2
    first = RetentionClock(server, one, unexpected, "one")
    began = first()
    for _ in range(3):
        with RetentionClock(server, other, unexpected, "other") as second:
            assert second() == first()
        first.beat(nothing)
    assert first() == began
    one.passes(100)
    with RetentionClock(server, other, unexpected, "other"):
        first.beat(nothing)
    with RetentionClock(server, other, unexpected, "other") as second:
        assert second() == first() == began + 100, "the end of the other one took nothing back"
