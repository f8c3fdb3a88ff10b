"""Callbacks of a daemon: a real state, a fake sender and a fake clock."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.callbacks import ANYWHERE
from cargo_sync.config.events import read_events
from cargo_sync.config.job import JobSettings
from cargo_sync.config.process_shape import KeepSettings
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import webhooks as room
from cargo_sync.daemon.reporting.webhooks import JobWebhooks
from cargo_sync.daemon.retention import DaemonRetention
from cargo_sync.lanes.figures import Figures, Moving
from cargo_sync.model.events import Event, EventDetails, Happened, groups
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.metrics import exposition
from cargo_sync.state.events import Events
from cargo_sync.state.transfers import Transfers, TransferSource
from cargo_sync.webhooks.message import Message
from cargo_sync.webhooks.retry_policy import Attempt
from tests.daemon.house import House, going, settings, until
from tests.daemon.jobs.test_registry import Files
from tests.offloads import T, Ts

JOBS = ("onIdle", "onHeld", "onJobError")
OK, BUSY = Attempt(200), Attempt(503, "", "answered 503")


def asking(*names: str, job: str = "nightly", host: str = "a.example") -> JobSettings:
    """A job that asks for callbacks for these events."""
    fields = {
        name: {
            "method": "GET",
            "url": f"http://{host}/{name}" + ("" if name in JOBS else "/{{ FILE_NAME }}"),
        }
        for name in names
    }
    return settings(job, events=read_events(fields))


async def yielding(work: Callable[[*Ts], T], *args: *Ts) -> T:
    """Acts like a thread: other tasks run before the work is done, and after."""
    await asyncio.sleep(0)
    result = work(*args)
    for _ in range(3):
        await asyncio.sleep(0)
    return result


class Stage:
    """Callbacks whose requests `answer` answers; `sent` lists them as words."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.events = Events(self.house.database)
        self.now = 0.0
        self.sent: list[str] = []
        self.ids: list[str] = []
        self.answer: Callable[[str], Attempt] = lambda _: OK
        self.hold: asyncio.Event | None = None
        self.called_off: list[str] = []
        self.restart()

    def restart(self) -> None:
        database, jobs = self.house.database, lambda: self.house.all()
        self.callbacks = JobWebhooks(database, ANYWHERE, self.world(), jobs)
        sender: Any = self.callbacks._send
        answering = {"__call__": lambda _, message, *__: self._send(message)}
        sender.__class__ = type("Answering", (type(sender),), answering)

    def world(self) -> World:
        token = self.house.world().token
        return World(
            lambda: 1e9 + self.now,
            lambda: self.now,
            lambda: 0.5,
            token,
            yielding,
            lambda: 1e9 + self.now,
        )

    async def _send(self, message: Message) -> Attempt:
        what = message.url.partition("/on")[2]
        self.sent.append(f"on{what}")
        self.ids.append(message.headers["webhook-id"])
        if self.hold is not None:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.called_off.append(f"on{what}")
                raise
        return self.answer(f"on{what}")

    def happen(self, *events: str, tell: str = "upload", job: str = "nightly") -> None:
        """Events as "started x", "uploaded x", …; a transfer's id is its path."""
        made = []
        for event in events:
            what, _, path = event.partition(" ")
            details = EventDetails("why", transfer=path or None)
            made.append(Event(job, Happened(what), 0.0, path, 1, details, tell))
        self.callbacks.happened(groups(made, self.events.append(made)))

    def said(self) -> list[str]:
        """What was sent since the last call."""
        sent = list(self.sent)
        self.sent.clear()
        return sent

    def waiting(self) -> list[str]:
        return [
            f"{row.moment} {row.stream} {row.state} {row.attempts} {row.error}".strip()
            for row in self.callbacks.rows.page(None, None, 0, 100)
        ]

    def later(self, seconds: float) -> None:
        """Moves the clock, and lets everything that waits for it run."""
        self.now += seconds
        self.callbacks._dispatcher.wake()

    @contextlib.asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.callbacks.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def quiet(self) -> None:
        """Runs until all callbacks that can be sent were sent, and the results are stored."""
        dispatcher: Any = self.callbacks._dispatcher
        await until(lambda: not self.callbacks.rows.unread(1))
        for _ in range(20):
            await asyncio.sleep(0)
        await until(lambda: not dispatcher._held)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_each_is_told_in_order_and_once(stage: Stage) -> None:
    stage.callbacks.know(asking("onStart", "onFinish", "onError"))
    async with stage.going():
        stage.happen("started x", "started y", "uploaded x", "failed y")
        await until(lambda: len(stage.sent) == 4)
        await stage.quiet()
    assert sorted(stage.sent) == ["onError/y", "onFinish/x", "onStart/x", "onStart/y"]
    assert stage.sent.index("onStart/x") < stage.sent.index("onFinish/x")
    assert stage.waiting() == [] and len(set(stage.ids)) == 4


async def test_what_nobody_asks_for_is_no_row(stage: Stage) -> None:
    stage.callbacks.know(asking("onFinish"))
    async with stage.going():
        stage.happen("started x", "uploaded x", "held")  # asked for then, and not any more
        stage.happen("uploaded quiet", tell="")
        await until(lambda: stage.sent == ["onFinish/x"])
        await stage.quiet()
    assert stage.waiting() == []


async def test_what_fails_comes_again_under_its_id_and_holds_up_its_own_transfer_only(
    stage: Stage,
) -> None:
    stage.callbacks.know(asking("onStart", "onFinish"))
    stage.answer = lambda what: Attempt(404, "", "answered 404") if what == "onStart/x" else OK
    async with stage.going():
        stage.happen("started x", "started y", "uploaded x", "uploaded y")
        await until(lambda: len(stage.sent) == 3)
        await stage.quiet()
        assert sorted(stage.said()) == ["onFinish/y", "onStart/x", "onStart/y"]
        assert stage.waiting() == ["onStart x pending 1 answered 404", "onFinish x pending 0"]
        stage.answer = lambda _: OK
        stage.later(0.7)
        await stage.quiet()
        assert stage.said() == []
        stage.later(0.1)
        await until(lambda: len(stage.sent) == 2)
        await stage.quiet()
        assert stage.said() == ["onStart/x", "onFinish/x"]
    assert stage.ids[0] == stage.ids[3] or stage.ids.count(stage.ids[0]) == 2


async def test_a_refused_start_does_not_hold_back_the_end_and_can_be_tried_again(
    stage: Stage,
) -> None:
    stage.callbacks.know(asking("onStart", "onFinish"))
    stage.answer = lambda what: Attempt(400, "", "answered 400") if "Start" in what else OK
    async with stage.going():
        stage.happen("started x", "uploaded x")

        def on() -> bool:
            stage.later(60)
            return "onFinish/x" in stage.sent

        await until(on)
        await stage.quiet()
        dead = "onStart x dead 5 given up after 5 tries: answered 400"
        assert stage.said() == ["onStart/x"] * 5 + ["onFinish/x"] and stage.waiting() == [dead]
        assert await stage.callbacks.retry(None, "nightly") == 1
        await until(lambda: stage.sent == ["onStart/x"])
        await stage.quiet()
        assert stage.waiting() == ["onStart x pending 1 answered 400"], "with new tries"


async def test_across_a_restart(stage: Stage) -> None:
    stage.callbacks.know(asking("onStart", "onFinish"))
    stage.happen("started x", "uploaded x")  # not read yet
    stage.hold = asyncio.Event()
    stage.restart()
    stage.callbacks.know(asking("onStart", "onFinish"))
    async with stage.going():
        await until(lambda: stage.sent == ["onStart/x"])  # sent, and no answer yet
    first, stage.hold = stage.ids[0], None
    stage.restart()
    stage.callbacks.know(asking("onStart", "onFinish"))
    async with stage.going():
        await until(lambda: len(stage.sent) == 3)
        await stage.quiet()
    assert stage.sent == ["onStart/x", "onStart/x", "onFinish/x"]
    assert stage.ids[1] == first
    assert stage.waiting() == []


async def test_a_host_that_is_away_is_tried_with_one_and_costs_the_others_no_delay(
    stage: Stage,
) -> None:
    stage.callbacks.know(asking("onFinish"))
    stage.callbacks.know(asking("onFinish", job="other", host="b.example"))
    stage.answer = lambda what: BUSY
    async with stage.going():
        stage.happen(*(f"uploaded {number}" for number in range(50)))
        await until(lambda: len(stage.sent) == 8)
        await stage.quiet()
        assert len(stage.said()) == 8, "as many as may be in flight"
        stage.later(0.8)
        await until(lambda: len(stage.sent) == 1)
        await stage.quiet()
        assert len(stage.said()) == 1, "one tries"
        stage.answer = lambda what: OK
        stage.happen("uploaded o", job="other")
        await until(lambda: stage.sent == ["onFinish/o"])
        stage.said()
        assert max(row.attempts for row in stage.callbacks.rows.page(None, None, 0, 100)) <= 2
        stage.later(1.6)
        await until(lambda: len(stage.sent) == 50)
        await stage.quiet()
    assert stage.waiting() == []


async def test_no_more_than_eight_are_in_flight(stage: Stage) -> None:
    stage.callbacks.know(asking("onFinish"))
    stage.hold = asyncio.Event()
    async with stage.going():
        stage.happen(*(f"uploaded {number}" for number in range(20)))
        await until(lambda: len(stage.sent) == 8)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(stage.sent) == 8
        stage.hold.set()
        await until(lambda: len(stage.sent) == 20)
        await stage.quiet()


async def test_a_host_that_answers_now_and_then_gets_all_in_the_end(stage: Stage) -> None:
    stage.callbacks.know(asking("onStart", "onFinish"))
    stage.answer = lambda what: BUSY if len(stage.sent) % 7 == 3 else OK
    async with stage.going():
        for number in range(0, 200, 20):
            stage.happen(*(f"started {at}" for at in range(number, number + 20)))
            stage.happen(*(f"uploaded {at}" for at in range(number, number + 20)))

        def on() -> bool:
            stage.later(0.3)
            return not stage.callbacks.rows.unread(1) and not stage.waiting()

        await until(on)
    for at in range(200):
        told = [what for what in stage.sent if what.endswith(f"/{at}")]
        assert told == sorted(told, reverse=True) and len(set(told)) == 2, "start, then finish"


async def test_a_mended_address_heals_what_waits(stage: Stage) -> None:
    stage.callbacks.know(asking("onFinish", host="wrong.example"))
    stage.answer = lambda what: BUSY
    async with stage.going():
        stage.happen("uploaded x")
        await until(lambda: stage.sent == ["onFinish/x"])
        await stage.quiet()
        stage.answer = lambda what: OK
        stage.callbacks.know(asking("onFinish", host="right.example"))
        stage.later(1)
        await until(lambda: len(stage.sent) == 2)
        await stage.quiet()
    assert stage.waiting() == []


async def test_gone_jobs_and_events_say_so_and_unknown_jobs_may_come_back(stage: Stage) -> None:
    for job in ("nightly", "removed"):
        stage.callbacks.know(asking("onStart", "onFinish", job=job, host=f"{job}.example"))
        stage.happen("started x", "uploaded x", job=job)
    stage.answer = lambda what: BUSY
    async with stage.going():
        await until(lambda: len(stage.sent) == 2)
        await stage.quiet()
        stage.callbacks.know(asking("onFinish", host="nightly.example"))
        stage.callbacks.removed("removed")
        await until(lambda: sum("dead" in row for row in stage.waiting()) == 3)
    assert stage.waiting() == [
        'onStart x dead 1 the job "nightly" has no onStart any more',
        "onFinish x pending 0",
        'onStart x dead 1 the job "removed" was removed',
        'onFinish x dead 0 the job "removed" was removed',
    ]
    stage.restart()  # and the file of the other job cannot be read
    async with stage.going():
        stage.later(1)
        await stage.quiet()
        assert stage.waiting()[1] == "onFinish x pending 0"
        stage.later(3 * 86400)
        await until(lambda: "dead" in stage.waiting()[1])
    assert (
        stage.waiting()[1] == 'onFinish x dead 0 given up after 3 days: there is no job "nightly"'
    )


async def test_after_three_days_a_host_that_is_away_has_lost_them(stage: Stage) -> None:
    stage.callbacks.know(asking("onFinish"))
    stage.answer = lambda what: BUSY
    async with stage.going():
        stage.happen(*(f"uploaded {number}" for number in range(30)))
        await until(lambda: len(stage.sent) == 8)
        await stage.quiet()
        stage.later(3 * 86400)
        stage.happen("uploaded young")
        await until(lambda: sum("dead" in row for row in stage.waiting()) == 30)
        await stage.quiet()
        assert len(stage.sent) == 9, "one tried for all"
        stage.answer = lambda what: OK
        assert await stage.callbacks.retry(None, "nightly") == 31
        await until(lambda: not stage.waiting())


async def test_a_state_that_cannot_be_written_sends_nothing_twice(stage: Stage) -> None:
    stage.callbacks.know(asking("onFinish"))
    settle, failures = stage.callbacks.rows.settle, [1]

    def full(*args: Any) -> None:
        if failures:
            failures.pop()
            raise ProblemError(Problem(Code.DISK_FULL, "no room"))
        settle(*args)

    stage.callbacks.rows.settle = full  # type: ignore[method-assign,assignment]
    async with stage.going():
        stage.happen("uploaded x")
        await until(lambda: not failures)
        stage.later(0)
        await until(lambda: not stage.waiting())
    assert stage.sent == ["onFinish/x"]


# -- onUpdate --------------------------------------------------------------------------------------


class Moves:
    """A job whose flow moves `files`: (path, done of 100)."""

    def __init__(self) -> None:
        self.files: list[tuple[str, int]] = []
        self._looks = 0

    async def seen(self) -> None:
        """Returns when a tick has begun and ended."""
        looks = self._looks
        await until(lambda: self._looks > looks + 4)

    def figures(self) -> dict[Mode, Figures]:
        """A transfer's id is its path."""
        self._looks += 1
        files = tuple(Moving(path, done, 100, path) for path, done in self.files)
        return {Mode.UPLOAD: Figures(files=files)}


@contextlib.asynccontextmanager
async def moving(
    stage: Stage, wanted: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Moves]:
    """Callbacks of a job with a running run; a second passes when a test sets a wakeup."""
    moves = Moves()
    async with asyncio.TaskGroup() as group:
        house, files = stage.house, Files(wanted)
        jobs = Jobs(files, house.build, house.world(), group, lambda name: None, house.refuse)
        await jobs.read()
        job = jobs.get(wanted.name)
        job.supervisor.sides = replace(job.supervisor.sides, figures=moves.figures)
        await until(lambda: job.supervisor.state == "synced")
        job.supervisor.run_now = job.supervisor._new_run()
        stage.house.all = lambda: jobs.all
        stage.callbacks.know(wanted)
        monkeypatch.setattr(room, "TICK", 0.002)
        async with stage.going():
            yield moves
        job.task.cancel()


async def test_updates_tell_of_this_moment_one_at_a_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "http://a.example/onUpdate/{{ FILE_NAME }}/{{ PROGRESS }}"
    wanted = settings("nightly", events=read_events({"onUpdate": {"method": "GET", "url": url}}))
    async with moving(stage, wanted, monkeypatch) as moves:
        stage.hold = asyncio.Event()
        moves.files = [("x", 10)]
        await until(lambda: stage.sent == ["onUpdate/x/10"])
        for done in (20, 30, 40):
            moves.files = [("x", done)]
            await moves.seen()
        assert stage.sent == ["onUpdate/x/10"], "one in flight"
        hold, stage.hold = stage.hold, None
        hold.set()
        await until(lambda: "onUpdate/x/40" in stage.sent)
        assert not {"onUpdate/x/20", "onUpdate/x/30"} & set(stage.sent), "the newest only"
        moves.files = [("x", 100)]
        await moves.seen()
        assert "onUpdate/x/100" not in stage.sent, "what has arrived only waits for its batch"
    assert len(set(stage.ids)) == len(stage.ids)


async def test_no_update_before_its_start_and_none_after_its_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with moving(stage, asking("onStart", "onUpdate", "onFinish"), monkeypatch) as moves:
        stage.answer = lambda what: Attempt(404, "", "no") if what.startswith("onStart") else OK
        stage.happen("started x")
        moves.files = [("x", 10)]
        await until(lambda: stage.sent == ["onStart/x"])
        await moves.seen()
        assert stage.sent == ["onStart/x"], "the start still waits"
        stage.answer, stage.hold = lambda what: OK, None
        stage.later(1)
        await until(lambda: "onUpdate/x" in stage.sent)
        stage.hold = asyncio.Event()
        count = len(stage.sent)
        await until(lambda: len(stage.sent) > count)  # one is in flight
        moves.files = []
        stage.happen("uploaded x")
        await until(lambda: stage.sent[-1] == "onFinish/x")
        assert stage.called_off == ["onUpdate/x"], "called off before the end is told"
        stage.hold.set()
        await moves.seen()
        assert stage.sent[-1] == "onFinish/x"


# -- beside ----------------------------------------------------------------------------------------


async def test_a_job_that_comes_to_rest(tmp_path: Path) -> None:
    house = House(tmp_path)
    job = house.job(events=asking("onIdle", "onFinish").events)
    async with going(job):
        await until(lambda: job.state == "synced")
        house.near["nightly"].write("a", b"123")
        house.near["nightly"].write("b", b"4")
        job.sync()
        await until(lambda: any(event.happened == "idle" for event in house.recorder.events))
        [idle] = [event for event in house.recorder.events if event.happened == "idle"]
        assert (idle.size, idle.details.files, idle.tell) == (4, 2, "upload")
        house.recorder.events.clear()
        run = job.sync()
        await until(lambda: job.outcomes.looked and job.run_now is None and run)
        assert [event for event in house.recorder.events if event.happened == "idle"] == []


async def test_a_job_that_is_held_and_one_that_fails(tmp_path: Path) -> None:
    house = House(tmp_path)
    job = house.job(delete="propagate", events=asking("onHeld", "onJobError", "onIdle").events)
    near, far = house.near["nightly"], house.far["nightly"]
    for number in range(20):
        near.write(f"{number}", b"1")
    async with going(job):
        await until(lambda: job.state == "synced")
        for number in range(20):
            near.remove(f"{number}")
        house.recorder.events.clear()
        job.sync()
        await until(lambda: house.recorder.events)
        [held] = house.recorder.events
        assert (str(held.happened), held.tell) == ("held", "upload")
        assert (held.details.deletions, held.details.overwrites) == (20, 0)
        house.recorder.events.clear()
        far.away = Problem(Code.UNREACHABLE, "nobody answers")
        job.sync()
        await until(lambda: house.recorder.events)
        [failed] = house.recorder.events
        assert (str(failed.happened), failed.path, failed.tell) == ("failed", "", "upload")
        assert failed.details == EventDetails("nobody answers")


async def test_without_a_callback_there_is_no_idle(tmp_path: Path) -> None:
    house = House(tmp_path)
    job = house.job()
    async with going(job):
        house.near["nightly"].write("a", b"1")
        job.sync()
        await until(lambda: house.far["nightly"].files())
        await until(lambda: job.state == "synced" and job.run_now is None)
        assert [str(event.happened) for event in house.recorder.events] == ["uploaded"]


async def test_the_sweep_ends_what_never_came_back(stage: Stage) -> None:
    stage.callbacks.know(asking("onError"))
    job = stage.house.jobs.get_or_create("nightly").id

    def says(happened: Happened, path: str, size: int, details: EventDetails) -> Event:
        return Event("nightly", happened, 0.0, path, size, details)

    world = stage.world()
    files = [TransferSource("x", 1, 1, 1, False), TransferSource("moves", 1, 1, 1, False)]
    begun = Transfers(stage.house.database).begin(
        job,
        files,
        lambda sources: [source.path for source in sources],
        world.wall(),
        says,
        Mode.UPLOAD,
    )
    stage.now += 8 * 86400
    moving: Iterable[str] = begun.ids[1:]
    await DaemonRetention(
        stage.house.database, stage.world(), KeepSettings(), list, lambda: moving
    ).once()
    async with stage.going():
        await until(lambda: stage.sent == ["onError/x"])
        delivered = 'cargo_callback_attempts_total{result="delivered"} 1'
        await until(lambda: delivered in exposition(stage.callbacks.families()))
