"""Transfer starts: each file gets its transfer's id, and its event, before the first byte."""

from collections.abc import Sequence
from functools import partial
from itertools import count, islice

from cargo_sync.engine.commit import OnEvents
from cargo_sync.engine.context import RunContext
from cargo_sync.model.actions import Action, Puts
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.events import Event, EventDetails, Happened, groups
from cargo_sync.model.jobs import Mode
from cargo_sync.state.transfers import TransferSource
from cargo_sync.trees.contract import Tasks


class TransferStarts:
    """Makes tasks from the actions of a run in one direction, UPLOAD or DOWNLOAD."""

    def __init__(self, context: RunContext, direction: Mode, on_events: OnEvents) -> None:
        self._direction = direction
        self._rules = context.rules
        self._memory = context.memory
        self._world = context.world
        self._on_events = on_events
        self._server = context.server
        self._larger: list[str] | None = None
        """Paths of larger files that are under way so; None: no files are."""
        self._tokens = context.world.token()[-20:]
        self._numbers = count()

    async def begin(self, puts: Puts) -> Tasks:
        """Makes the tasks of one batch, with ids that are durable if they must survive a kill."""
        transfers, job = self._memory.transfers, self._memory.job_id
        keeps = self._rules.promises or resumable(max(puts.sources.sizes, default=0))
        if self._unsure:
            self._larger = self._larger or []
            sizes = puts.sources.sizes
            self._larger += [
                path for path, size in zip(puts.paths, sizes, strict=True) if resumable(size)
            ]
        keeps |= self._unsure
        if not keeps and not await self._world.offload(transfers.any_of, job):
            return Tasks(puts, self._numbered(len(puts)))
        wall = self._world.wall()

        def event(happened: Happened, path: str, size: int, details: EventDetails) -> Event:
            return self._rules.event(happened, wall, path, size, details, self._direction)

        begun = await self._world.offload(
            partial(transfers.begin, unsure=self._unsure),
            job,
            _sources(puts),
            self._make,
            self._world.lived(),
            event,
            self._rules.mode if self._rules.promises else None,
        )
        if begun.events:
            self._on_events(groups(begun.events, begun.cursor))
        return Tasks(puts, begun.ids)

    async def stopped(self) -> None:
        """The run was cut short, and all that it knows is told: nothing is left to be explained."""
        larger, self._larger = self._larger, None
        if larger is not None:
            job, begin = self._memory.job_id, self._tokens
            await self._world.offload(self._memory.transfers.stopped, job, begin, larger)

    @property
    def _unsure(self) -> bool:
        """Whether nobody can say after a kill what of an upload has come."""
        return self._direction is Mode.UPLOAD and not self._server().remembers

    async def began(self, actions: Sequence[Action]) -> set[str]:
        """The paths of larger files of which a part may be at the destination already."""
        files = [
            (one.path, one.source.version, one.source.ident)
            for one in actions
            if one.source and resumable(one.bytes)
        ]
        if not files:
            return set()
        return await self._world.offload(self._memory.transfers.began, self._memory.job_id, files)

    async def unfinished(self, actions: Sequence[Action]) -> dict[str, str]:
        """Ids of transfers of exactly these sources that still need an event for their end.

        Returns:
            Path -> id.
        """
        if not (self._rules.promises or self._unsure):
            return {}
        files = [(one.path, one.source.version, one.source.ident) for one in actions if one.source]
        return await self._world.offload(
            self._memory.transfers.promised, self._memory.job_id, files
        )

    def _make(self, sources: Sequence[TransferSource]) -> list[str]:
        token, ids = self._world.token, self._numbered(len(sources))
        return [token() if source.keep else id for source, id in zip(sources, ids, strict=True)]

    def _numbered(self, files: int) -> list[str]:
        """Ids of small files: nothing is staged under them, so they need not be secret."""
        return [f"{self._tokens}{number:012x}" for number in islice(self._numbers, files)]


def _sources(puts: Puts) -> list[TransferSource]:
    files, sizes = puts.sources, puts.sources.sizes
    keep = map(resumable, sizes)
    rows = zip(puts.paths, files.versions, files.idents, sizes, keep, strict=True)
    return list(map(TransferSource._make, rows))
