"""What of a trash is freed: what is overdue, or what a person says; whatever a version is."""

from collections.abc import Callable, Sequence
from typing import Final

from cargo_sync.local.ledger import TrashLedger
from cargo_sync.machines.trash_limits import TrashLimits, overdue
from cargo_sync.model.displaced import FreedVersions, KeptVersion, TrashFilter, TrashTotals

PART: Final = 1_000
"""Versions that are recorded in one transaction."""
MOST: Final = 5_000
"""Versions that one order of a person removes at a time."""

Remove = Callable[[Sequence[KeptVersion]], list[KeptVersion]]
"""Removes versions for good, and records that; returns those that are gone. Raises ProblemError."""


def free(ledger: TrashLedger, limits: TrashLimits, remove: Remove) -> TrashTotals:
    """Removes what is overdue, the oldest first; what cannot be removed is tried again.

    Raises:
        ProblemError: the ledger cannot be written.
    """
    total = ledger.totals().bytes if limits.most is not None else 0
    after: KeptVersion | None = None
    files, size, now = 0, 0, ledger.now()
    while oldest := ledger.oldest(after, PART):
        some = oldest[: overdue(oldest, total, limits, now)]
        gone = remove(some)
        total -= sum(one.size for one in gone)
        files, size = files + len(gone), size + sum(one.size for one in gone)
        if len(some) < len(oldest):
            break
        after = oldest[-1]
    return TrashTotals(files, size)


def free_some(ledger: TrashLedger, ids: Sequence[int], remove: Remove) -> FreedVersions:
    """Removes the versions with these ids, because a person says so.

    Raises:
        ProblemError: the ledger cannot be read or written.
    """
    some = [
        KeptVersion(id, one.place, one.kind, max(0, one.size), 0.0) for id, one in ledger.kept(ids)
    ]
    gone = remove(some)
    return FreedVersions(len(gone), sum(one.size for one in gone))


def free_all(
    ledger: TrashLedger,
    wanted: TrashFilter,
    remove: Remove,
    permitted: Callable[[], None] = lambda: None,
) -> FreedVersions:
    """Removes all versions that the filter wants, up to about `MOST` of them at a time.

    Args:
        ledger: of the trash.
        wanted: which.
        remove: removes some.
        permitted: called before each group; it raises ProblemError to end it.

    Raises:
        ProblemError: `permitted` raises it; the ledger cannot be read or written.
    """
    files = size = 0
    before: int | None = None
    while files < MOST:
        permitted()
        page = ledger.page(wanted, before, PART)
        some = [
            KeptVersion(row.id, row.version.place, row.version.kind, max(0, row.version.size), 0.0)
            for row in page.rows
        ]
        gone = remove(some)
        files, size = files + len(gone), size + sum(one.size for one in gone)
        if page.before is None:
            return FreedVersions(files, size)
        before = page.before
    return FreedVersions(files, size, more=True)
