"""What is published: changed states, notices in batches, progress only for subscribers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cargo_sync.config.timetable import Window
from cargo_sync.daemon.jobs.registry import Job, Jobs
from cargo_sync.daemon.jobs.unusable import UnusableJob
from cargo_sync.daemon.reporting import views
from cargo_sync.daemon.reporting.feed import DaemonFeed
from cargo_sync.lanes.figures import Figures, Moving
from cargo_sync.model.events import Event, EventDetails, Happened, groups
from cargo_sync.model.jobs import Mode
from tests.daemon.house import Board, House, settings, until
from tests.daemon.jobs.test_registry import Files


def event(happened: Happened, path: str, size: int = 1, job: str = "nightly") -> Event:
    return Event(
        job,
        happened,
        0.0,
        path,
        size,
        EventDetails(f"about {path}" if happened == "failed" else None),
    )


def test_neighbours_of_one_kind_make_one_notice() -> None:
    events = [
        event(Happened.UPLOADED, "a"), event(Happened.UPLOADED, "b", 5),
        event(Happened.FAILED, "c"),
        event(Happened.FAILED, "d"), event(Happened.UPLOADED, "e"),
    ]  # fmt: skip
    told = [
        (group.cursor, *list(views.notice(group).values())[1:]) for group in groups(events, 105)
    ]
    assert told == [
        (102, "uploaded", 2, ["a", "b"], 6, ""),
        (104, "error", 2, ["c", "d"], 2, "about c"),
        (105, "uploaded", 1, ["e"], 1, ""),
    ]


def test_a_notice_names_the_first_hundred() -> None:
    many = [event(Happened.UPLOADED, str(number)) for number in range(2000)]
    [told] = map(views.notice, groups(many, 2000))
    assert (told["count"], len(told["paths"])) == (2000, 100)
    long = [event(Happened.UPLOADED, "x" * 1000 + str(number)) for number in range(100)]
    [told] = map(views.notice, groups(long, 100))
    assert (told["count"], len(told["paths"])) == (100, 8)


class Stage:
    """One job with its feed."""

    def __init__(self, house: House, board: Board) -> None:
        self.house = house
        self.board = board
        self.jobs: Jobs | None = None
        self.feed = DaemonFeed(board, self.all, self.unusable)

    def all(self) -> Mapping[str, Job]:
        return self.jobs.all if self.jobs else {}

    def unusable(self) -> Mapping[str, UnusableJob]:
        return self.jobs.unusable if self.jobs else {}

    def topics(self) -> list[str]:
        """What was published since the last call, as "topic word"."""
        said = [
            f"{topic} {fields.get('state') or fields.get('kind') or fields.get('files_done')}"
            for topic, _, fields, _ in self.board.messages
        ]
        self.board.messages.clear()
        return said


@contextlib.asynccontextmanager
async def stage(folder: Path, *subscribed: str, **changes: Any) -> AsyncIterator[Stage]:
    house = House(folder)
    one = Stage(house, Board(*subscribed))
    house.recorder = one.feed  # type: ignore[assignment]
    async with asyncio.TaskGroup() as group:
        one.jobs = Jobs(
            Files(settings("my job", **changes)),
            house.build,
            house.world(),
            group,
            one.feed.removed,
            house.refuse,
        )
        await one.jobs.read()
        yield one
        for job in one.jobs.all.values():
            job.task.cancel()


async def test_a_state_is_said_when_it_changes(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        assert one.jobs
        job = one.jobs.get("my job").supervisor
        await until(lambda: job.state == "synced")
        one.house.near["my job"].write("a", b"1")
        job.sync()
        await until(lambda: one.house.far["my job"].files() and job.run_now is None)
        one.feed.tick()
        one.feed.tick()
        await job.pause()
        assert one.topics() == [
            "job/my%20job/status synced", "status/ synced", "notice/my%20job/ uploaded",
            "job/my%20job/status synced",  # with its last run
            "job/my%20job/status paused", "status/ paused",
        ]  # fmt: skip


async def test_a_job_outside_its_window_says_when_it_begins(tmp_path: Path) -> None:
    # The house's clock stands at 2027-01-15 09:00 in Madrid.
    async with stage(tmp_path, window=Window(22 * 60, 150)) as one:
        one.feed.tick()
        one.feed.tick()
        [(_, _, fields, _)] = [
            message for message in one.board.messages if message[0].startswith("job/")
        ]
        assert (fields["state"], fields["detail"]) == ("waiting", "waits until 22:00")
        assert fields["next_at"] == 1_800_000_000 + 13 * 3600


async def test_the_last_word_of_a_job_that_is_gone(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        one.topics()
        one.feed.removed("my job")
        assert one.topics()[0] == "job/my%20job/status removed"
        assert one.board.forgotten == ["job/my%20job/", "notice/my%20job/"]


async def test_progress_is_sampled_for_listeners_only(tmp_path: Path) -> None:
    for subscribed, said in (
        ((), []),
        (("progress/",), ["job/my%20job/progress 0", "progress/ 0"]),
    ):
        async with stage(tmp_path / str(len(subscribed)), *subscribed) as one:
            assert one.jobs
            job = one.jobs.get("my job").supervisor
            await until(lambda job=job: job.state == "synced")  # type: ignore[misc]
            far = one.house.far["my job"]
            far.stuck = True
            one.house.near["my job"].write("big", b"0" * 1000)
            job.sync()
            await far.moving.wait()
            one.topics()
            one.feed.tick()
            one.feed.tick()
            assert [line for line in one.topics() if "progress" in line] == said
            one.board.subscribed = ()
            one.feed.tick()
            forgotten = ["job/my%20job/progress", "progress/"] if said else []
            assert [topic for topic in one.board.forgotten if "progress" in topic] == forgotten


async def test_transfers_are_told_once_they_last(tmp_path: Path) -> None:
    async with stage(tmp_path, "transfer/") as one:
        assert one.jobs
        job = one.jobs.get("my job").supervisor
        await until(lambda: job.state == "synced")
        far = one.house.far["my job"]
        far.stuck = True
        one.house.near["my job"].write("big", b"0" * 1000)
        job.sync()
        await far.moving.wait()
        figures = Figures(files=(Moving("big", 250, 1000, "ab12"),), lost=3, rtt_ms=1.5)
        job.sides = replace(job.sides, figures=lambda: {Mode.UPLOAD: figures})
        one.topics()
        one.feed.tick()
        assert [line for line in one.topics() if line.startswith("transfer/")] == []
        one.feed.tick()
        told = [fields for topic, _, fields, _ in one.board.messages if topic == "transfer/ab12/"]
        assert told == [{
            "id": "ab12", "job": "my job", "path": "big", "mode": "upload", "size": 1000,
            "done": 250,
            "speed_bps": 0, "eta_s": None, "rtt_ms": 1.5, "lost": 3,
        }]  # fmt: skip
        await job.pause()
        await until(lambda: job.run_now is None)
        one.feed.tick()
        assert one.board.forgotten == ["transfer/ab12/"]


async def test_a_job_that_cannot_run_is_published_as_an_error(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        assert one.jobs is not None
        await until(lambda: one.all()["my job"].supervisor.state == "synced")
        typo = UnusableJob("typo", "/jobs/typo.json", "bad_settings", ("line 3: no",))
        one.unusable = lambda: {"typo": typo}  # type: ignore[method-assign]
        one.feed._unusable = one.unusable
        one.topics()
        one.feed.tick()
        one.feed.tick()
        assert [said for said in one.topics() if "my%20job" not in said] == [
            "job/typo/status error",
            "status/ error",
        ]
        one.feed._unusable = dict
        one.feed.removed("typo")
        one.feed.tick()
        assert one.topics() == ["job/typo/status removed", "status/ synced"]
