"""Everything that a server remembers of its files and users, put together."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from cargo_sync.model.history import ToldBatch
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.server.accounts.presence import UserPresence
from cargo_sync.server.history.downloads import Downloads
from cargo_sync.server.history.names import WorkspaceNames
from cargo_sync.server.history.users import UserHistory
from cargo_sync.state.database import Database
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.presence import PresenceRows

TICK: Final = 1.0
"""Seconds."""
TOGETHER: Final = 0.05
"""Seconds between two looks at what all servers have written, however much they write."""
PAGE: Final = 200
"""Batches that are read at a time, to tell of them."""

_log = logging.getLogger(__name__)


class ServerJournal:
    """The history of one server, and who listens to it.

    rows       the history
    names      of the workspaces in it
    downloads  what left and is not written yet
    presence   when each user was there last
    users      what is told of one user
    heard      called in the event loop with what happened, when it is written
    """

    def __init__(self, database: Database, world: World, *, shared: bool = False) -> None:
        """`shared`: other servers write it, too. What all of them write is told in its order."""
        self.rows = HistoryRows(database, world.wall, world.lived)
        self.names = WorkspaceNames()
        self.downloads = Downloads(self.rows, self.tell, world)
        self.presence = UserPresence(PresenceRows(database), world)
        self.users = UserHistory(self.presence, self.rows, world)
        self.heard: list[Callable[[Sequence[ToldBatch]], None]] = []
        self._loop = asyncio.get_running_loop()
        self._offload = world.offload
        self._shared = shared
        self._news = Wakeup()
        self._reached: int | None = None
        """The last row of which those who listen have heard, if others write, too."""

    def tell(self, told: Sequence[ToldBatch]) -> None:
        """Those who listen hear of this. Any thread may call it."""
        with suppress(RuntimeError):  # the event loop has ended already
            self._loop.call_soon_threadsafe(self._tell, told)

    def _tell(self, told: Sequence[ToldBatch]) -> None:
        if self._shared:
            self._news.set()
            return
        for heard in self.heard:
            heard(told)

    async def follow(self) -> None:
        """Tells what all servers have written, until cancelled."""
        failed = False
        while True:
            try:
                await self.look()
                failed = False
            except ProblemError as error:
                if not failed:
                    _log.error("what happened cannot be told: %s", error)
                failed = True
            if self._shared:
                await Wakeup().wait(TOGETHER)
            await self._news.wait(TICK if self._shared else None)

    async def look(self) -> None:
        """Tells what is new. Raises ProblemError."""
        if not self._shared:
            return
        if self._reached is None:
            self._reached = await self._offload(self.rows.newest)
        more = True
        while more and (told := await self._offload(self.rows.told, self._reached, PAGE)):
            more = len(told) == PAGE
            self._reached = told[-1].batch.cursor
            for heard in self.heard:
                heard(told)

    async def run(self) -> None:
        """Writes once a second what left, and now and then who was there, until cancelled."""
        never = Wakeup()
        while True:
            await never.wait(TICK)
            await self.downloads.tick()
            await self.presence.tick()

    def close(self) -> None:
        """Writes the rest at the end."""
        self.downloads.close()
        self.presence.close()
