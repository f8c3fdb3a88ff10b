"""Keeps the state small beside its use: unused space is given back, and the log is emptied.

All writers of a file wait for one connection, so nothing here takes it for more than a few
milliseconds. Statistics (`PRAGMA optimize`) are left out on purpose: the statements that need an
index name it, and a plan that was chosen for a small table would be wrong when the table has grown.
"""

from typing import Final

from cargo_sync.state.database import Database

LOG: Final = 256 * 10**6
"""Bytes of the log from which on a person should know that another program lets it grow."""


def empty_log(database: Database) -> str:
    """Empties the log as far as no other program reads it; what a person should know, or "".

    Raises:
        ProblemError: the state cannot be written.
    """
    left = database.checkpoint()
    if left < LOG:
        return ""
    return (
        f"'{database.path}-wal' has grown to {left / 10**6:,.0f} MB, because another program has "
        f"been reading the state all the time; end that program ('fuser -v {database.path}' names "
        "it)"
    )
