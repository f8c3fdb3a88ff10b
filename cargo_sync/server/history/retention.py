"""The retention of a server's state: old rows are deleted, in small parts."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from cargo_sync.catalogue.contract import Catalogue
from cargo_sync.config.server import FileHistory
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Ts, World
from cargo_sync.server.http.content.unfinished import Uploads
from cargo_sync.state import displaced
from cargo_sync.state.audit import AuditTable
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.clients import Clients
from cargo_sync.state.database import Database
from cargo_sync.state.drop_boxes import forget_drop_boxes
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.invitations import InvitationRows
from cargo_sync.state.replies import Replies
from cargo_sync.state.upkeep import empty_log
from cargo_sync.stores.folder import STALE
from cargo_sync.webhooks.outbox import Outbox

EVERY: Final = 3600.0
DAY: Final = 86400.0
REPLIES_KEPT: Final = DAY
TOMBSTONES_KEPT: Final = 90 * DAY
DISPLACED_KEPT: Final = 90 * DAY
"""Seconds for which a version stays in the ledger that is not in the trash any more."""
CALLBACKS_KEPT: Final = 30 * DAY
"""Seconds for which a callback that was given up is kept."""
CLIENTS_KEPT: Final = 400 * DAY
"""Seconds for which a job is remembered that does not come any more."""
PART: Final = 2_000

_log = logging.getLogger(__name__)


class ServerRetention:
    """Deletes old state at the start and every hour.

    keep  how much of the history is kept
    """

    def __init__(
        self,
        database: Database,
        catalogue: Catalogue,
        history: HistoryRows,
        uploads: Uploads,
        world: World,
    ) -> None:
        self.keep = FileHistory()
        self._history = history
        self._database = database
        self._world = world
        self._catalogue = catalogue
        self._uploads = uploads
        self._checkpoints = Checkpoints(database, world.lived)
        self._replies = Replies(database, world.lived)
        self._audit = AuditTable(database, world.wall, world.lived)
        self._clients = Clients(database, world.lived)
        self._invitations = InvitationRows(database)
        self._callbacks = Outbox(database)
        self._database = database

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                await self.once()
            except ProblemError as error:
                _log.error("old state cannot be deleted: %s", error)
            try:
                async with asyncio.timeout(EVERY):
                    await asyncio.Event().wait()
            except TimeoutError:
                pass

    async def once(self) -> None:
        """Deletes old state once.

        Raises:
            ProblemError: the state cannot be written.
        """
        now, offload = self._world.lived(), self._world.offload
        # Transfers that nobody continues; the store deletes their staged parts when it is tidied.
        await self._until_done(self._checkpoints.purge, now - STALE, PART)
        await self._until_done(self._uploads.purge, now - STALE, PART)
        await self._until_done(self._replies.purge, REPLIES_KEPT, PART)
        await self._until_done(displaced.prune, self._database, now - DISPLACED_KEPT, PART)
        await self._until_done(self._clients.purge, now - CLIENTS_KEPT, PART)
        await self._until_done(forget_drop_boxes, self._database, PART)
        await self._until_done(self._invitations.purge, now, PART)
        oldest = now - self.keep.days * DAY
        await self._until_done(self._history.prune, oldest, self.keep.files, PART)
        await self._until_done(self._callbacks.purge, now - CALLBACKS_KEPT, now, PART)
        await offload(self._audit.prune)
        await offload(self._catalogue.thin, now - EVERY)
        await self._until_done(self._catalogue.forget_gone, now - TOMBSTONES_KEPT, PART)
        await self._until_done(self._database.shrink)
        if note := await offload(empty_log, self._database):
            _log.warning("%s", note)

    async def _until_done(self, part: Callable[[*Ts], int | bool], *args: *Ts) -> None:
        """Calls `part` until nothing is left; in between, others can use the state."""
        while await self._world.offload(part, *args):
            pass
