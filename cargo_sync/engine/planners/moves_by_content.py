"""Finds out which deletions are moves, where the guard would hold them otherwise (`plan`).

What a job has brought is in its history, and that a file is still there, its trees say. So nothing
has to be kept for this while files are brought.
"""

from collections.abc import AsyncIterator
from itertools import groupby
from typing import Final

from cargo_sync.engine.context import RunContext
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.events import Happened
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.guard import Harm
from cargo_sync.plan.moved_content import MovedContent

PAGE: Final = 1_000
LATELY: Final = 100_000
"""Events from before the run that are looked at."""


class MovesByContent:
    """The deletions of one run, in one direction."""

    def __init__(self, context: RunContext, direction: Mode) -> None:
        self._memory = context.memory
        self._world = context.world
        self._job = context.rules.name
        self._window = context.rules.guard.window if context.rules.guard else 0.0
        self._upload = direction is Mode.UPLOAD
        self._side = "far" if self._upload else "near"
        self._happened = Happened.UPLOADED if self._upload else Happened.DOWNLOADED
        self._began = 0

    def begin(self) -> None:
        """The run begins. In a thread."""
        self._began = self._memory.events.newest()

    async def among(self, pages: AsyncIterator[list[Action]]) -> MovedContent:
        """Which of these steps are moves. Earlier deletions that were moves count no more."""
        found, offload = MovedContent(), self._world.offload
        async for actions in pages:
            for one in actions:
                if one.op is Op.DELETE:
                    found.gone(one.path, one.hash)
        after: str | None = ""
        while after is not None:
            after = await offload(self._note_earlier, found, after)
        cursor: int | None = await offload(self._first)
        while cursor is not None:
            cursor = await offload(self._note_brought, found, cursor)
        after = ""
        while after is not None:
            after = await offload(self._excuse_earlier, found, after)
        found.keep()
        return found

    def _first(self) -> int:
        """The event after which it looks."""
        events = self._memory.events
        lately = min(self._began, events.newest() - LATELY)
        return max(events.reached(self._world.lived() - self._window), lately)

    def _note_earlier(self, found: MovedContent, after: str) -> str | None:
        """Notes the next deletions of the window; returns the last path."""
        page = self._memory.window.gone(self._side, after, PAGE)
        for one in page:
            found.gone(one.path, one.hash, used=one.harm is Harm.MOVED)
        return page[-1].path if page else None

    def _excuse_earlier(self, found: MovedContent, after: str) -> str | None:
        page = self._memory.window.gone(self._side, after, PAGE)
        moved = [one.path for one in page if one.harm is Harm.DELETED and found.take(one.hash)]
        if moved:
            self._memory.window.set_moved(self._side, moved)
        return page[-1].path if page else None

    def _note_brought(self, found: MovedContent, after: int) -> int | None:
        """Notes what the next events say; returns the last one's cursor."""
        page = self._memory.events.brought(self._job, self._happened, after, PAGE)
        some = [one for one in page if found.concerns(one.hash)]
        for folder, group in groupby(some, lambda one: paths.parent(one.path)):
            files = list(group)
            asked = [one for one in files if not found.is_there(one.hash)]
            there = self._there(folder, {paths.name(one.path) for one in asked})
            counts = self._memory.window.known(self._side, [one.path for one in asked])
            for one in files:
                is_there = there.get(paths.name(one.path)) == one.hash
                if is_there and (harm := counts.get(one.path)):
                    is_there = harm is Harm.DELETED and found.is_gone(one.path, one.hash)
                found.brought(one.path, one.hash, one.time, there=is_there)
        return page[-1].cursor if page else None

    def _there(self, folder: str, names: set[str]) -> dict[str, str]:
        """Those of these files that are still as they were brought, with their hashes."""
        found = {}
        for state in self._memory.folders.parts(folder, names) if names else ():
            listing = state.near if self._upload else state.far
            source = {entry.name: entry for entry in listing or () if entry.name in names}
            for row in state.base or ():
                entry = source.get(row.name)
                same = entry and (row.near_is(entry) if self._upload else row.far_is(entry))
                if same:
                    found[row.name] = row.hash
        return found
