"""The way back from the trash: where a version goes, and whether the quota has room for it."""

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.catalogue.quota_ledger import QuotaLedger
from cargo_sync.machines.quota import NOTHING_USED, Growth, Use
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.problems import ProblemError


def restored_path(path: str, to: str, under: str, within: str) -> str:
    """Where a version is restored that was at `path`.

    Args:
        path: in the workspace.
        to: a folder below which it goes; "" for its own place.
        under: its path in this folder is the one below `to`.
        within: as `under`, for what was not there.
    """
    if not to:
        return path
    start = under if paths.is_inside(path, under) else within
    return paths.join(to, path[len(start) + 1 :] if start else path)


def promise_restored(
    quotas: QuotaLedger, user: str, size: Use, path: str, held: Catalogued | None
) -> Use:
    """Reserves a part of the quota; returns how much.

    What a folder replaces in another one is not deducted. The workspace's lock is held.

    Raises:
        ProblemError: `over_quota`.
    """
    stands = held if held is not None and held.entry.kind != FOLDER else None
    growth = size - (Use(stands.entry.size, 1) if stands is not None else NOTHING_USED)
    promised = quotas.promise(user, Growth([growth.bytes], [growth.files]), at_last=True)
    for excess in promised.refused.values():
        raise ProblemError(quotas.refusal(path, user, excess))
    return promised.growth
