"""Deletes old records from the state, in parts so small that no run waits for it."""

import logging
from collections.abc import Callable, Collection, Iterable
from typing import Final

from cargo_sync.config.process_shape import KeepSettings
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Ts, World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state import displaced, uncertain_uploads
from cargo_sync.state.audit import AuditTable
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.conflicts import Conflicts
from cargo_sync.state.database import Database
from cargo_sync.state.events import Events
from cargo_sync.state.findings import Findings
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.orders import Orders
from cargo_sync.state.planned import Planned
from cargo_sync.state.remote_uploads import RemoteUploads
from cargo_sync.state.replies import Replies
from cargo_sync.state.transfers import Transfers
from cargo_sync.state.upkeep import empty_log
from cargo_sync.trees.guest import abandon
from cargo_sync.trees.remote.findings import BELIEVED
from cargo_sync.webhooks.outbox import Outbox

EVERY: Final = 3600.0
"""Seconds between two passes."""
DAY: Final = 86400.0
PLANS_KEPT: Final = 3600.0
REPLIES_KEPT: Final = DAY
CHECKPOINTS_KEPT: Final = 7 * DAY
REMOTE_UPLOADS_KEPT: Final = 30 * DAY
"""Their jobs give them up after a week, if they can reach their server."""
TRANSFERS_KEPT: Final = 7 * DAY
CALLBACKS_KEPT: Final = 30 * DAY
JOBS_KEPT: Final = 90 * DAY
"""Seconds that the state of a job is kept after its file is gone."""
PART: Final = 2_000
"""Rows that one transaction deletes at most."""

_log = logging.getLogger(__name__)


class DaemonRetention:
    """Deletes old records from a daemon's state, at its start and every hour.

    keep    how much to keep
    jobs    gives the names of all jobs that have a file; None if they are not all known
    moving  gives the ids of all running transfers
    tidy    deletes old job files, as `JobFolder.tidy`; None if there is no jobs folder
    """

    def __init__(
        self,
        database: Database,
        world: World,
        keep: KeepSettings,
        jobs: Callable[[], Collection[str] | None],
        moving: Callable[[], Iterable[str]],
        tidy: Callable[[float, float, int], int] | None = None,
    ) -> None:
        self._database = database
        self._world = world
        self._keep = keep
        self._jobs = jobs
        self._moving = moving
        self._tidy = tidy
        self._rows = JobRows(database)
        self._transfers = Transfers(database)
        self._deliveries = Outbox(database)
        self._planned = Planned(database)
        self._checkpoints = Checkpoints(database, world.lived)
        self._orders = Orders(database, world.lived)
        self._remote_uploads = RemoteUploads(database, world.lived)
        self._findings = Findings(database, world.lived)
        self._replies = Replies(database, world.lived)
        self._events = Events(database)
        self._conflicts = Conflicts(database)
        self._audit = AuditTable(database, world.wall, world.lived)
        self._database = database

    async def run(self) -> None:
        """Runs until cancelled."""
        never = Wakeup()
        while True:
            try:
                await self.once()
            except ProblemError as error:
                _log.error("old records cannot be deleted: %s", error)
            except Exception as error:  # a bug of ours: it costs one pass, not the daemon
                _log.error("deleting old records failed", exc_info=error)
            await never.wait(EVERY)

    async def once(self) -> None:
        """Makes one pass. Raises ProblemError if the state cannot be written."""
        now, offload = self._world.lived(), self._world.offload
        await self._until_done(self._planned.purge, now - PLANS_KEPT, PART)
        await self._until_done(self._checkpoints.purge, now - CHECKPOINTS_KEPT, PART)
        while some := await offload(self._orders.purge, now - CHECKPOINTS_KEPT, PART):
            for left in some:
                if left.root:
                    await offload(abandon, left.root, left.id)
        await self._until_done(self._remote_uploads.purge, now - REMOTE_UPLOADS_KEPT, PART)
        await self._until_done(uncertain_uploads.purge, self._database, now - TRANSFERS_KEPT, PART)
        await self._until_done(self._findings.purge, now - BELIEVED, PART)
        await self._until_done(self._replies.purge, REPLIES_KEPT, PART)
        await offload(self._transfers.going_on, list(self._moving()), now)
        await self._until_done(
            self._transfers.forget, now - TRANSFERS_KEPT, self._world.wall(), PART
        )
        await self._until_done(self._deliveries.purge, now - CALLBACKS_KEPT, now, PART)
        await offload(self._events.thin, now - EVERY)
        oldest = now - self._keep.history_days * DAY
        await self._until_done(self._events.prune, oldest, self._keep.history_rows, PART)
        await self._until_done(self._conflicts.purge, oldest, PART)
        await self._until_done(displaced.prune, self._database, oldest, PART)
        await offload(self._audit.prune)
        if (jobs := self._jobs()) is not None:
            await offload(self._rows.miss, frozenset(jobs), now)
        await self._until_done(self._rows.forget, now - JOBS_KEPT, PART)
        if self._tidy is not None:
            await self._put_in_order(self._tidy, now)
        await self._until_done(self._database.shrink)
        if note := await offload(empty_log, self._database):
            _log.warning("%s", note)

    async def _put_in_order(self, tidy: Callable[[float, float, int], int], now: float) -> None:
        """Old job files: what cannot be deleted now holds up nothing else."""
        keep = self._keep
        try:
            gone = await self._world.offload(tidy, now, keep.job_files_days, keep.job_files)
        except ProblemError as error:
            _log.warning("old job files cannot be deleted: %s", error)
        else:
            if gone:
                _log.info("%d job files that were removed or replaced are deleted now", gone)

    async def _until_done(self, part: Callable[[*Ts], int | bool], *args: *Ts) -> None:
        """Repeats `part` until nothing is left; between two parts others may use the state."""
        while await self._world.offload(part, *args):
            pass
