"""Everything that a server remembers of its files and users, put together."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from cargo_sync.model.history import ToldBatch
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


class ServerJournal:
    """The history of one server, and who listens to it.

    rows       the history
    names      of the workspaces in it
    downloads  what left and is not written yet
    presence   when each user was there last
    users      what is told of one user
    heard      called in the event loop with what happened, when it is written
    """

    def __init__(self, database: Database, world: World) -> None:
        self.rows = HistoryRows(database, world.wall, world.lived)
        self.names = WorkspaceNames()
        self.downloads = Downloads(self.rows, self.tell, world)
        self.presence = UserPresence(PresenceRows(database), world)
        self.users = UserHistory(self.presence, self.rows, world)
        self.heard: list[Callable[[Sequence[ToldBatch]], None]] = []
        self._loop = asyncio.get_running_loop()

    def tell(self, told: Sequence[ToldBatch]) -> None:
        """Those who listen hear of this. Any thread may call it."""
        with suppress(RuntimeError):  # the event loop has ended already
            self._loop.call_soon_threadsafe(self._tell, told)

    def _tell(self, told: Sequence[ToldBatch]) -> None:
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
