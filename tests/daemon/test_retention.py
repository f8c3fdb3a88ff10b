"""Old records are deleted in parts; records that are needed stay."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cargo_sync.config.process_shape import KeepSettings
from cargo_sync.daemon import retention as sweeping
from cargo_sync.daemon.retention import DaemonRetention
from cargo_sync.model import entries
from cargo_sync.model.checkpoints import Checkpoint
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.events import Event, Happened
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.events import Events
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.observations import Observed
from cargo_sync.state.planned import Planned
from cargo_sync.state.replies import Replies
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.offloads import T, Ts

DAY = 86_400.0
LISTING = entries.encode((Entry("a", FILE, 1, 1, 0o644, 1, 1, "", ""),))


class State:
    """A state, a clock, and the jobs that have a file."""

    def __init__(self, folder: Path, **keep: Any) -> None:
        self.now = 1000 * DAY
        self.files = {"nightly"}
        self.offloaded = 0
        self.database = SqliteDatabase.open(str(folder / "state.db"), "daemon")

        def now() -> float:
            return self.now

        world = World(now, now, lambda: 0.5, lambda: "t", self._offload, now)
        self._keep, self._world = KeepSettings(**keep), world
        self.sweep = self.tidying(None)

    def tidying(self, tidy: Callable[[float, float, int], int] | None) -> DaemonRetention:
        return DaemonRetention(
            self.database, self._world, self._keep, lambda: self.files, list, tidy
        )

    async def _offload(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        self.offloaded += 1
        return work(*args)

    def event(self, days_ago: float, count: int = 1) -> None:
        event = Event("nightly", Happened.UPLOADED, self.now - days_ago * DAY)
        Events(self.database).append([event] * count)
        Events(self.database).mark(self.now - days_ago * DAY)

    def events(self) -> int:
        return len(Events(self.database).since(0, 10**6))


async def test_old_job_files_go_and_hold_up_nothing(tmp_path: Path) -> None:
    state = State(tmp_path, job_files_days=3.0, job_files=2)
    state.event(60)
    asked: list[tuple[float, float, int]] = []

    def tidy(now: float, days: float, most: int) -> int:
        asked.append((now, days, most))
        raise ProblemError(Problem(Code.UNREADABLE, "it is not there"))

    await state.tidying(tidy).once()
    assert asked == [(state.now, 3.0, 2)]
    assert state.events() == 0


async def test_old_events_go_in_parts(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.event(31, 3 * sweeping.PART + 1)
    state.event(29, 2)
    with state.database:
        await state.sweep.once()
        assert state.events() == 2
        assert state.offloaded >= 4
        assert Events(state.database).append([]) == 3 * sweeping.PART + 3  # no cursor is used twice


async def test_the_file_says_how_much_history_stays(tmp_path: Path) -> None:
    state = State(tmp_path, history_days=1, history_rows=5)
    with state.database:
        state.event(2, 3)
        state.event(0.5, 9)
        await state.sweep.once()
        assert state.events() == 5


async def test_the_time_of_an_event_is_not_its_age(tmp_path: Path) -> None:
    """The wall clock was a year behind, and is right since."""
    state = State(tmp_path)
    with state.database as database:
        Events(database).append([Event("nightly", Happened.UPLOADED, state.now - 365 * DAY)])
        Events(database).mark(state.now - DAY)
        await state.sweep.once()
        assert state.events() == 1


async def test_plans_replies_and_checkpoints(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.database as database:
        planned = Planned(database)
        for run, hours in (("old", 2), ("older", 3), ("new", 0.5)):
            planned.begin(run, "nightly", state.now - hours * 3600)
            planned.ready(run, {})
        for days in (8, 6):
            now = state.now - days * DAY
            kept = Checkpoint(str(days), "p", 1, 1, 1, 1, ())
            Checkpoints(database, partial(float, now)).put(kept)
        for id, hours in (("old", 25), ("new", 23)):
            now = state.now - hours * 3600
            Replies(database, partial(float, now)).put(id, b"{}")
        uncertain = Folders(database, JobRows(database).get_or_create("nightly").id).uncertain
        for days in (8, 6):
            sent = Entry("a", FILE, 1, 1, 0o644, 1, 1, "ab" * 32)
            uncertain.add([(str(days), sent)], state.now - days * DAY)
        await state.sweep.once()
        assert [run for run in ("old", "older", "new") if planned.page(run, 0, 9)] == ["new"]
        assert [days for days in "86" if Checkpoints(database, lambda: 0.0).get(days)] == ["6"]
        assert [id for id in ("old", "new") if Replies(database, lambda: 0.0).get(id)] == ["new"]
        assert list(uncertain.all()) == ["6"]


def test_a_large_plan_goes_in_parts(tmp_path: Path) -> None:
    from cargo_sync.model.actions import Action, Op
    from cargo_sync.model.jobs import Mode

    with SqliteDatabase.open(str(tmp_path / "state.db"), "daemon") as database:
        planned = Planned(database)
        planned.begin("old", "nightly", 1.0)
        planned.add("old", [Action(Op.MKDIR, str(number)) for number in range(25)], Mode.UPLOAD)
        steps = 0
        while planned.purge(2.0, 10):
            steps += 1
        assert (steps, planned.page("old", 0, 9)) == (3, None)


# -- jobs whose file is gone -----------------------------------------------------------------------


def remembered(state: State, name: str, folders: int = 1) -> None:
    job = JobRows(state.database).get_or_create(name)
    Folders(state.database, job.id).observe_near(
        [Observed(f"f{number}", LISTING, 0) for number in range(folders)]
    )


def names(state: State) -> list[str]:
    return [row.name for row in JobRows(state.database).all()]


async def test_a_job_without_a_file_is_forgotten_after_three_months(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.database as database:
        remembered(state, "nightly")
        remembered(state, "gone", 2 * sweeping.PART + 1)
        state.event(1)
        Events(database).append([Event("gone", Happened.UPLOADED, state.now)])
        Events(database).mark(state.now + 80 * DAY)
        await state.sweep.once()
        state.now += 89 * DAY
        await state.sweep.once()
        assert names(state) == ["gone", "nightly"]
        state.now += 2 * DAY
        await state.sweep.once()
        assert names(state) == ["nightly"]
        with database.read() as connection:
            assert connection.execute("SELECT count(*) FROM folder").fetchone() == (1,)
        assert state.events() == 1  # its history stays as long as everybody's


async def test_a_file_that_comes_back_in_time_begins_the_count_anew(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.database:
        remembered(state, "gone")
        await state.sweep.once()
        state.now += 80 * DAY
        state.files = {"nightly", "gone"}
        await state.sweep.once()
        state.files = {"nightly"}
        state.now += 80 * DAY
        await state.sweep.once()
        state.now += 80 * DAY
        await state.sweep.once()
        assert names(state) == ["gone"]


async def test_a_long_stop_of_the_daemon_forgets_nothing(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.database:
        remembered(state, "gone")
        state.now += 400 * DAY  # only now it is noticed
        await state.sweep.once()
        assert names(state) == ["gone"]


async def test_a_job_that_comes_back_while_it_is_forgotten_begins_anew(tmp_path: Path) -> None:
    state = State(tmp_path)
    with state.database as database:
        remembered(state, "gone", 25)
        jobs = JobRows(database)
        jobs.miss(["nightly"], 1.0)
        assert jobs.forget(2.0, 10)
        fresh = jobs.get_or_create("gone")
        assert fresh.binding is None and list(Folders(database, fresh.id).below("")) == []
        jobs.miss(["gone"], 5.0)
        while jobs.forget(2.0, 10):
            pass
        assert [row.id for row in jobs.all()] == [fresh.id]
