"""Sweeping the state: what was kept long enough goes, in parts so small that no run waits for
it."""

import logging
from collections.abc import Callable, Collection, Iterable
from typing import Final

from cargo_sync.config.process_shape import KeepSettings
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Ts, World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.audit import AuditTable
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.database import Database
from cargo_sync.state.events import Events
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.orders import Orders
from cargo_sync.state.planned import Planned
from cargo_sync.state.replies import Replies
from cargo_sync.state.transfers import Transfers
from cargo_sync.state.upkeep import Upkeep
from cargo_sync.trees.guest import abandon
from cargo_sync.webhooks.outbox import Outbox

EVERY: Final = 3600.0
DAY: Final = 86400.0
PLANS_KEPT: Final = 3600.0
REPLIES_KEPT: Final = DAY
CHECKPOINTS_KEPT: Final = 7 * DAY
TRANSFERS_KEPT: Final = 7 * DAY
CALLBACKS_KEPT: Final = 30 * DAY
JOBS_KEPT: Final = 90 * DAY
"""For so long the trees of a job whose file is gone are remembered."""
PART: Final = 2_000
FOLDERS: Final = 200
"""Rows of folders are large: their listings are in them."""

_log = logging.getLogger(__name__)


class DaemonRetention:
    """Sweeps a daemon's state, at its start and every hour.

    keep    how much history stays
    jobs    the names of the jobs that there are
    moving  the ids of the transfers that are under way
    """

    def __init__(
        self,
        database: Database,
        world: World,
        keep: KeepSettings,
        jobs: Callable[[], Collection[str]],
        moving: Callable[[], Iterable[str]],
    ) -> None:
        self._world = world
        self._keep = keep
        self._jobs = jobs
        self._moving = moving
        self._rows = JobRows(database)
        self._transfers = Transfers(database)
        self._deliveries = Outbox(database)
        self._planned = Planned(database)
        self._checkpoints = Checkpoints(database, world.wall)
        self._orders = Orders(database, world.wall)
        self._replies = Replies(database, world.wall)
        self._events = Events(database)
        self._audit = AuditTable(database, world.wall)
        self._upkeep = Upkeep(database)

    async def run(self) -> None:
        """Until cancelled."""
        never = Wakeup()
        while True:
            try:
                await self.once()
            except ProblemError as error:
                _log.error("the state cannot be swept: %s", error)
            await never.wait(EVERY)

    async def once(self) -> None:
        """Raises ProblemError when the state cannot be written."""
        now, offload = self._world.wall(), self._world.offload
        await self._until_done(self._planned.purge, now - PLANS_KEPT, PART)
        await offload(self._checkpoints.purge, now - CHECKPOINTS_KEPT)
        for left in await offload(self._orders.purge, now - CHECKPOINTS_KEPT):
            if left.root:
                await offload(abandon, left.root, left.id)
        await self._until_done(self._replies.purge, REPLIES_KEPT, PART)
        await offload(self._transfers.going_on, list(self._moving()), now)
        await offload(self._transfers.forget, now - TRANSFERS_KEPT, now)
        await offload(self._deliveries.purge, now - CALLBACKS_KEPT, now)
        oldest = now - self._keep.history_days * DAY
        await self._until_done(self._events.prune, oldest, self._keep.history_rows, PART)
        await offload(self._audit.prune)
        await offload(self._rows.miss, frozenset(self._jobs()), now)
        await self._until_done(self._rows.forget, now - JOBS_KEPT, FOLDERS)
        await self._until_done(self._upkeep.shrink)
        await offload(self._upkeep.checkpoint)

    async def _until_done(self, part: Callable[[*Ts], int | bool], *args: *Ts) -> None:
        """Part after part, until one says that nothing is left; in between others have the
        state."""
        while await self._world.offload(part, *args):
            pass
