"""Transfer starts: each file gets its transfer's id, and its event, before the first byte."""

from collections.abc import Sequence
from itertools import count

from cargo_sync.engine.commit import OnEvents
from cargo_sync.engine.context import RunContext
from cargo_sync.model.actions import Action
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.events import Event, EventDetails, Happened
from cargo_sync.state.transfers import TransferSource
from cargo_sync.trees.contract import Task


class TransferStarts:
    """Makes tasks from the actions of a run."""

    def __init__(self, context: RunContext, on_events: OnEvents) -> None:
        self._rules = context.rules
        self._memory = context.memory
        self._world = context.world
        self._on_events = on_events
        self._tokens = context.world.token()[-20:]
        self._numbers = count()

    async def begin(self, actions: Sequence[Action]) -> list[Task]:
        """Makes the tasks of one batch, with ids that are durable if they must survive a kill."""
        wall = self._world.wall()

        def event(happened: Happened, path: str, size: int, details: EventDetails) -> Event:
            return self._rules.event(happened, wall, path, size, details)

        begun = await self._world.offload(
            self._memory.transfers.begin,
            self._memory.job_id,
            _sources(actions),
            self._make,
            self._world.lived(),
            event,
            self._rules.mode if self._rules.promises else None,
        )
        if begun.events:
            self._on_events(begun.events, begun.cursor)
        return list(map(Task._make, zip(actions, begun.ids, strict=True)))

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
        if not self._rules.promises:
            return {}
        files = [(one.path, one.source.version, one.source.ident) for one in actions if one.source]
        return await self._world.offload(
            self._memory.transfers.promised, self._memory.job_id, files
        )

    def _make(self, sources: Sequence[TransferSource]) -> list[str]:
        # Nothing is staged under the id of a small file, so it must be unique, but need not be
        # secret.
        tokens, numbers, token = self._tokens, self._numbers, self._world.token
        return [
            token() if source.keep else f"{tokens}{number:012x}"
            for source, number in zip(sources, numbers, strict=False)
        ]


def _sources(actions: Sequence[Action]) -> list[TransferSource]:
    entries = [action.source for action in actions if action.source]
    _, _, sizes, _, _, versions, idents, _, _ = zip(*entries, strict=True)
    files = [action.path for action in actions]
    keep = map(resumable, sizes)
    return list(map(TransferSource._make, zip(files, versions, idents, sizes, keep, strict=True)))
