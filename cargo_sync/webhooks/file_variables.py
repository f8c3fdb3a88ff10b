"""The variables of a server's events. docs/callbacks.md describes them: a public contract."""

from cargo_sync.model.history import HistoryKind, HistoryRow, ServerMoment
from cargo_sync.webhooks.variables import Variables


def of_file(row: HistoryRow, workspace: str) -> Variables:
    """The variables of a file's row of the history."""
    batch = row.batch
    moved: Variables = {} if batch.kind is HistoryKind.DELETED else {"AVG_SPEED": batch.speed}
    return {
        "FILE_NAME": row.path,
        "SIZE": row.size,
        "HASH": row.hash or None,
        "VERSION": row.version,
        "WORKSPACE": workspace or None,
        "USER": batch.user or None,
        "ADDRESS": batch.address or None,
        "ORIGIN": batch.origin or None,
        "TIME": batch.time,
        **moved,
    }


def of_login(user: str, address: str, time: float) -> Variables:
    """The variables of a login."""
    return {"USER": user, "ADDRESS": address or None, "TIME": time}


def of_quota(user: str, workspace: str, percent: int, reason: str, time: float) -> Variables:
    """The variables of a quota that is used up, or nearly: of a user, or of a named workspace."""
    return {
        "USER": user or None,
        "WORKSPACE": workspace or None,
        "PERCENT": percent,
        "REASON": reason,
        "TIME": time,
    }


def example_of(moment: ServerMoment, time: float) -> Variables:
    """Example values for a test callback, of the same types as real ones."""
    if moment is ServerMoment.LOGIN:
        return of_login("example", "192.0.2.7", time)
    if moment is ServerMoment.QUOTA:
        return of_quota("example", "", 90, "this is a test, no quota is used up", time)
    moved: Variables = {} if moment is ServerMoment.DELETED else {"AVG_SPEED": 8_000_000}
    return {
        "FILE_NAME": "folder/example file.txt",
        "SIZE": 1_500_000,
        "HASH": "0" * 64,
        "VERSION": 1,
        "WORKSPACE": "example",
        "USER": "example",
        "ADDRESS": "192.0.2.7",
        "ORIGIN": "http",
        "TIME": time,
        **moved,
    }
