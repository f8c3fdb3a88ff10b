"""Sweeping the state: what was kept long enough goes."""

import logging
from typing import Final

from cargo_sync.daemon.bell import Bell
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.database import Database
from cargo_sync.state.events import Events
from cargo_sync.state.orders import Orders
from cargo_sync.state.planned import Planned
from cargo_sync.state.replies import Replies
from cargo_sync.trees.guest import abandon

EVERY: Final = 3600.0
PLANS_KEPT: Final = 3600.0
CHECKPOINTS_KEPT: Final = 7 * 86400.0
EVENTS_KEPT: Final = 30 * 86400.0

_log = logging.getLogger(__name__)


class Sweep:
    """Sweeps a daemon's state, at its start and every hour."""

    def __init__(self, database: Database, world: World) -> None:
        self._world = world
        self._planned = Planned(database)
        self._checkpoints = Checkpoints(database, world.wall)
        self._orders = Orders(database, world.wall)
        self._replies = Replies(database, world.wall)
        self._events = Events(database)

    async def run(self) -> None:
        """Until cancelled."""
        never = Bell()
        while True:
            try:
                await self.once()
            except ProblemError as error:
                _log.error("the state cannot be swept: %s", error)
            await never.heard(EVERY)

    async def once(self) -> None:
        """Raises ProblemError when the state cannot be written."""
        now, offload = self._world.wall(), self._world.offload
        await offload(self._planned.purge, now - PLANS_KEPT)
        await offload(self._checkpoints.purge, now - CHECKPOINTS_KEPT)
        for left in await offload(self._orders.purge, now - CHECKPOINTS_KEPT):
            if left.root:
                await offload(abandon, left.root, left.id)
        await offload(self._replies.purge)
        await offload(self._events.prune, now - EVENTS_KEPT)
