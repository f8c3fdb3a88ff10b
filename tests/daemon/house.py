"""A daemon's jobs without sockets or folders: trees in memory, a real state, a fake clock."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cargo_sync.admission.bandwidth import Shares
from cargo_sync.admission.slots import Slots
from cargo_sync.admission.turn import Turn
from cargo_sync.config.callbacks import ANYWHERE
from cargo_sync.config.job import JobSettings
from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.config.secret import Secret
from cargo_sync.daemon.job.limits import JobLimits, SharedLimits
from cargo_sync.daemon.job.local_hints import FolderHints, OnHint, WatchFolder
from cargo_sync.daemon.job.sampler import JobSampler
from cargo_sync.daemon.job.supervisor import JobTrashes, Listener, Sides, Supervisor, rules
from cargo_sync.daemon.jobs.registry import Job
from cargo_sync.daemon.jobs.unusable import UnusableJob
from cargo_sync.daemon.reporting.webhooks import JobWebhooks
from cargo_sync.engine.context import JobMemory
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.machines.progress import TryProgress
from cargo_sync.machines.retry import Failures
from cargo_sync.machines.room import DestinationRoom
from cargo_sync.machines.settling import Settling
from cargo_sync.model.displaced import (
    FreedVersions,
    Restored,
    TrashFilter,
    TrashRow,
    TrashTotals,
)
from cargo_sync.model.events import Event, EventGroup
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.conflicts import JobConflicts
from cargo_sync.state.database import Database
from cargo_sync.state.displaced import DisplacedRows
from cargo_sync.state.events import Events
from cargo_sync.state.folders import Folders
from cargo_sync.state.guard_window import GuardWindow
from cargo_sync.state.holds import Holds
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.limits import LimitRows
from cargo_sync.state.planned import Planned
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.suspects import JobSuspects
from cargo_sync.state.transfers import Transfers
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.contract import Brought, NearTree, Task
from cargo_sync.trees.folder import FolderTree
from cargo_sync.trees.trash import FarTrashPage
from tests.engine.world import recorded
from tests.offloads import inline

NEVER = 1e6
PATIENCE = 60.0
"""Seconds after which a test that waits has failed."""


class FarSide(MemoryTree):
    """A far tree that can be taken away, break, or stand still in the middle of a transfer.

    deaf  speeds that cannot be set before one can
    """

    def __init__(self) -> None:
        super().__init__("far", "server")
        self.away: Problem | None = None
        self.broken: Exception | None = None
        self.stuck = False
        self.go = asyncio.Event()
        self.moving = asyncio.Event()
        self.news = asyncio.Event()
        self.turn: Turn | None = None
        self._taken: Sequence[Task] = ()
        self.deaf = 0
        self.closed = False

    async def open(self, *known: Any) -> Identity:
        if self.broken is not None:
            raise self.broken
        if self.away is not None:
            raise ProblemError(self.away)
        return await super().open(*known)

    async def transfer(
        self,
        mode: Mode,
        near: NearTree,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        first = await anext(batches, None)
        if first is None:
            return
        self._taken = first
        async with self.turn or contextlib.nullcontext():
            async for brought in super().transfer(
                mode, near, self._held_up(first, batches), speed, run
            ):
                yield brought

    async def _held_up(
        self, first: Sequence[Task], rest: AsyncIterator[Sequence[Task]]
    ) -> AsyncIterator[Sequence[Task]]:
        tasks: Sequence[Task] | None = first
        while tasks is not None:
            self.moving.set()
            if self.stuck:
                await self.go.wait()
            yield tasks
            self._taken = ()
            tasks = await anext(rest, None)
            self._taken = tasks or ()

    def open_tasks(self) -> list[Task]:
        return [*self._taken, *super().open_tasks()]

    async def set_speed(self, bits: int | None) -> None:
        if self.deaf:
            self.deaf -= 1
            raise ProblemError(Problem(Code.UNREACHABLE, "nobody answers"))
        await super().set_speed(bits)

    async def wait(self, cursor: int, seconds: float) -> bool:
        await self.news.wait()
        self.news.clear()
        return True

    async def close(self) -> None:
        self.closed = True


class FarTrashHeard:
    """The trash at a server: it gives what is in `rows`, and writes down what it is asked."""

    def __init__(self) -> None:
        self.rows: list[TrashRow] = []
        self.asked: list[object] = []

    async def page(self, wanted: TrashFilter, before: int | None, limit: int) -> FarTrashPage:
        self.asked.append(wanted)
        return FarTrashPage(self.rows[:limit], None, TrashTotals(len(self.rows), 0))

    async def restore(
        self, ids: Sequence[int], to: str, run: str, inside: str = ""
    ) -> list[Restored | Problem]:
        self.asked.append((list(ids), to, inside))
        return [Restored(id, f"restored {id}") for id in ids]

    async def free(self, ids: Sequence[int]) -> FreedVersions:
        self.asked.append(list(ids))
        return FreedVersions(len(ids), 0)

    async def free_older(self, seconds: int) -> FreedVersions:
        self.asked.append(seconds)
        return FreedVersions(7, 70)


class Recorder(Listener):
    """A listener that records its calls."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.events: list[Event] = []
        self.states: dict[str, list[str]] = {}
        self._news = asyncio.Condition()

    def happened(self, events: Sequence[EventGroup]) -> None:
        self.events += recorded(self._database, events)

    def changed(self, job: Supervisor) -> None:
        said = self.states.setdefault(job.name, [])
        if not said or said[-1] != job.state:
            said.append(job.state.value)

    def removed(self, name: str) -> None:
        self.states.pop(name, None)

    def said(self) -> list[str]:
        """What has happened since the last call, as "happened path"."""
        said = [f"{event.happened} {event.path}".strip() for event in self.events]
        self.events.clear()
        return said


class House:
    """One state, any number of jobs on memory trees."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = SqliteDatabase.open(str(folder / "state.db"), "daemon")
        self.jobs = JobRows(self.database)
        self.planned = Planned(self.database)
        self.recorder = Recorder(self.database)
        self.near: dict[str, MemoryTree] = {}
        self.far: dict[str, FarSide] = {}
        self.far_trash: dict[str, FarTrashHeard] = {}
        self.afresh: list[str] = []
        self.slots = Slots(8)
        self.shares = Shares()
        self.limits = LimitRows(self.database)
        self.zone: tzinfo = ZoneInfo("Europe/Madrid")
        self._ids = 0
        self.watch: WatchFolder = unwatched
        self.refused: list[UnusableJob] = []
        self.all: Callable[[], Mapping[str, Job]] = dict
        self.callbacks = JobWebhooks(self.database, ANYWHERE, self.world(), lambda: self.all())

    async def refuse(self, job: UnusableJob) -> None:
        self.refused.append(job)

    def world(self) -> World:
        # The loop's own clock: what is waited for and what is compared are the same seconds.
        def steady() -> float:
            return asyncio.get_running_loop().time()

        return World(self._wall, steady, lambda: 0.5, self._token, inline, self._wall)

    def _zone_of(self, name: str) -> tzinfo:
        return ZoneInfo(name) if name else self.zone

    def _wall(self) -> float:
        return 1_800_000_000.0

    def _token(self) -> str:
        self._ids += 1
        return f"{self._ids:08x}" * 4

    def job(
        self, name: str = "nightly", listener: Listener | None = None, **changes: Any
    ) -> Supervisor:
        """A supervisor; its trees are those of the last job of this name."""
        wanted = settings(name, local_dir=str(self.folder / name), **changes)
        near = self.near.setdefault(name, MemoryTree("near", name))
        far = self.far.setdefault(name, FarSide())
        row = self.jobs.get_or_create(name)
        memory = JobMemory(
            name,
            row.id,
            self.jobs,
            Folders(self.database, row.id),
            Transfers(self.database),
            self.planned,
            Failures(),
            Settling(wanted.settle),
            {Mode.UPLOAD: DestinationRoom(), Mode.DOWNLOAD: DestinationRoom()},
            TryProgress(),
            JobSuspects(self.database, row.id, row.name),
            JobConflicts(self.database, row.id),
            DisplacedRows(self.database, row.id, self.world().wall, self.world().lived),
            GuardWindow(self.database, row.id),
            Holds(self.database, row.id),
            Events(self.database),
        )
        ledger = DisplacedRows(self.database, row.id, self.world().wall, self.world().lived)
        here = FolderTree(
            wanted.local_dir,
            rules(wanted),
            self.world(),
            MemoryCheckpoints(),
            SpaceLedger(),
            MemoryAges(self.world().lived),
            ledger,
            lambda: None,
        )
        there = self.far_trash.setdefault(name, FarTrashHeard())
        trash = JobTrashes(here, ledger, there)
        sides = Sides(near, far, dict, self.watch, lambda: self.afresh.append(name), trash)
        room = SharedLimits(self.slots, self.shares, self.limits, self._zone_of)
        bounds = JobLimits(wanted, row.id, room, self.world(), far.set_speed)
        far.turn = bounds.turn
        return Supervisor(
            wanted, sides, memory, row, self.world(), listener or self.recorder, bounds
        )

    async def build(self, wanted: JobSettings) -> tuple[Supervisor, JobSampler]:
        supervisor = self.job(**{name: getattr(wanted, name) for name in _PASSED})
        supervisor.settings = wanted
        await supervisor.bounds.read()
        return supervisor, JobSampler(supervisor, self.world())


_PASSED = (
    "name",
    "mode",
    "sleep",
    "settle",
    "enabled",
    "speed",
    "timetable",
    "window",
    "timezone",
    "priority",
    "delete",
)


def settings(name: str = "nightly", **changes: Any) -> JobSettings:
    """A job that looks only on command, unless `changes` say otherwise."""
    fields: dict[str, Any] = {
        "mode": "upload", "local_dir": f"/{name}", "remote_dir": "", "workspace": "default",
        "username": "ana", "password": Secret("canary-5c1a"), "remote": RemoteAddress.parse("https://files.example.org"),
        "file": f"/jobs/{name}.json", "sleep": NEVER, "settle": 0.0,
    }  # fmt: skip
    return JobSettings(name=name, **(fields | changes))


async def unwatched(hint: OnHint) -> FolderHints | None:
    return None


@contextlib.asynccontextmanager
async def going(*jobs: Supervisor) -> AsyncIterator[None]:
    """Runs the jobs inside the block, each in its task, and ends them after it."""
    for job in jobs:
        await job.bounds.read()
    tasks = [asyncio.create_task(job.run()) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended


async def until(holds: Callable[[], object], what: str = "") -> None:
    """Waits until `holds()`, without reading a clock."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.001)


class Board:
    """A publisher that records what was published: (topic, type, fields, cursor)."""

    def __init__(self, *subscribed: str) -> None:
        self.messages: list[tuple[str, str, Mapping[str, Any], int | None]] = []
        self.subscribed = subscribed
        self.forgotten: list[str] = []

    def publish(
        self, topic: str, type: str, fields: Mapping[str, Any], *, cursor: int | None = None
    ) -> None:
        self.messages.append((topic, type, fields, cursor))

    def forget(self, prefix: str) -> None:
        self.forgotten.append(prefix)

    def has_subscribers(self, prefix: str) -> bool:
        return any(each.startswith(prefix) or prefix.startswith(each) for each in self.subscribed)
