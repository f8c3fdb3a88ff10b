"""A world that can be replayed: a fake clock, ids that count, no threads."""

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from cargo_sync.engine.context import JobMemory
from cargo_sync.engine.report import RunReport
from cargo_sync.engine.run import Run
from cargo_sync.machines.progress import TryProgress
from cargo_sync.machines.retry import Failures
from cargo_sync.machines.room import DestinationRoom
from cargo_sync.machines.settling import Settling
from cargo_sync.model.events import Event, EventGroup
from cargo_sync.model.jobs import Mode, Rules
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.world import Offload, World
from cargo_sync.state.conflicts import JobConflicts
from cargo_sync.state.database import Database
from cargo_sync.state.displaced import DisplacedRows
from cargo_sync.state.events import Events
from cargo_sync.state.folders import Folders
from cargo_sync.state.guard_window import GuardWindow
from cargo_sync.state.holds import Holds, Ruling
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.planned import Planned
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.suspects import JobSuspects
from cargo_sync.state.transfers import Transfers
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.contract import Missed, NoFolder, Observation, Whole
from tests.offloads import inline


def recorded(database: Database, groups: Sequence[EventGroup]) -> Iterator[Event]:
    """The events of groups, as they are stored."""
    for group in groups:
        count = len(group.paths)
        for row in Events(database).since(group.cursor - count, count):
            yield row.event


class Unreadable(MemoryTree):
    """A near tree with some folders that cannot be listed."""

    unreadable: tuple[str, ...] = ()

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        async for seen in super().observe(cursor):
            path = seen[0].path  # type: ignore[union-attr]
            yield [self._missed(path)] if path in self.unreadable else seen

    async def observe_some(
        self, some: Sequence[str], *, unfiltered: bool = False
    ) -> AsyncIterator[Sequence[Whole | Missed | NoFolder]]:
        async for seen in super().observe_some(some, unfiltered=unfiltered):
            path = seen[0].path
            yield [self._missed(path)] if path in self.unreadable else seen

    def _missed(self, path: str) -> Missed:
        return Missed(path, Problem(Code.UNREADABLE, f"{path!r} may not be read", path))


class System:
    """One job on two trees in memory; its state is a real database, new or given."""

    def __init__(
        self, state: Path | Database, mode: Mode = Mode.UPLOAD, name: str = "job", **rules: Any
    ) -> None:
        self.now = 1_800_000_000.0
        self.ahead = 0.0
        """Seconds by which the wall clock is ahead."""
        self.ids = 0
        self.near = MemoryTree("near", "local")
        self.far = MemoryTree("far", "server")
        self.rules = Rules(name, mode, **rules)
        self.events: list[Event] = []
        self.offload: Offload = inline
        self.database = (
            SqliteDatabase.open(str(state / "state.db"), "daemon")
            if isinstance(state, Path)
            else state
        )
        self.restart()

    def restart(self) -> None:
        """What a new daemon knows: only the state."""
        jobs = JobRows(self.database)
        name = self.rules.name
        number = jobs.get_or_create(name).id
        self.memory = JobMemory(
            name,
            number,
            jobs,
            Folders(self.database, number),
            Transfers(self.database),
            Planned(self.database),
            Failures(),
            Settling(self.rules.settle),
            {Mode.UPLOAD: DestinationRoom(), Mode.DOWNLOAD: DestinationRoom()},
            TryProgress(),
            JobSuspects(self.database, number, name),
            JobConflicts(self.database, number),
            DisplacedRows(self.database, number, self.wall, self.lived),
            GuardWindow(self.database, number),
            Holds(self.database, number),
            Events(self.database),
        )

    def wall(self) -> float:
        return self.now + self.ahead

    def lived(self) -> float:
        return self.now

    @property
    def source(self) -> MemoryTree:
        return self.near if self.rules.mode is Mode.UPLOAD else self.far

    @property
    def destination(self) -> MemoryTree:
        return self.far if self.rules.mode is Mode.UPLOAD else self.near

    def world(self) -> World:
        def now() -> float:
            return self.now

        return World(
            lambda: self.now + self.ahead, now, lambda: 0.5, self._token, self.offload, now
        )

    def run(self) -> Run:
        return Run(self.rules, self.near, self.far, self.memory, self.world(), self._tell)

    async def look(self, *, approved: bool = False) -> RunReport:
        """One run; `approved`: a person approves first what is held, and what is damaged."""
        if approved:
            self.memory.holds.decide(None, Ruling.APPROVED)
        return await self.run().execute(approved={Code.DAMAGED} if approved else ())

    def _token(self) -> str:
        self.ids += 1
        return f"{self.ids:032x}"

    def _tell(self, events: Sequence[EventGroup]) -> None:
        self.events += recorded(self.database, events)

    def said(self) -> list[str]:
        """What has happened since the last call, as "happened path"."""
        said = [f"{event.happened} {event.path}".strip() for event in self.events]
        self.events.clear()
        return said
