"""The spool of a store, in `state_dir`: what was staged there, or is on its way to the store.

If it is lost, nothing is lost that had a receipt.
"""

import logging
import secrets
from typing import Final

from cargo_sync.local.ages import AgeStore
from cargo_sync.local.content_hash import tagging
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload, World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.server.workspace.opened import SharedParts
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.folder import STALE
from cargo_sync.stores.small_contents import SmallContents
from cargo_sync.stores.spool import BlobSpool

SWEEP: Final = 3600.0
"""Seconds between two looks at what nobody continues in the spool's staging."""

_log = logging.getLogger(__name__)


def open_spool(
    path: str,
    claims: Claims,
    shared: SharedParts,
    world: World,
) -> BlobSpool:
    """Opens the spool in the folder at `path`. It blocks.

    Args:
        path: the folder; a new one is made if it is missing.
        claims: who needs which content.
        shared: where resume points are kept.
        world: for the marker of a new folder.

    Raises:
        ProblemError: it cannot be opened.
    """
    # Another folder than before is as good, also after a power cut: what has a receipt lies in the
    # store, and nothing of an earlier process is believed.
    folder = BlobFolder.open(
        path,
        "",
        world.token,
        shared.checkpoints,
        shared.space,
        shared.ages,
        holder="cargo_sync server",
        durable=False,
        hashes=tagging(secrets.token_bytes),
    )
    return BlobSpool(folder, claims, SmallContents())


async def keep_clean(spool: BlobSpool, ages: AgeStore, offload: Offload) -> None:
    """Deletes what was staged long ago, and nobody continues, until cancelled."""
    while True:
        await pause(SWEEP)
        try:
            await offload(spool.staging.sweep, ages, STALE)
        except ProblemError as error:
            _log.error("the spool cannot be cleaned up: %s", error)


async def pause(seconds: float) -> None:
    """Waits."""
    await Wakeup().wait(seconds)
