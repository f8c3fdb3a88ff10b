"""What a job forgets of its trees: all of it at once, while the rows follow in slices.

One statement that clears the rows of a hundred thousand folders would hold the state's lock for
half a second. So a job's row notes what is not true any more, in the transaction that makes it so
(JobRows: `bind`, `mirror_anew`, `set_rules`), and `forget` writes the rows, some of them per call.
The note tells how far it has come: after a kill, and beside a call that outlives its run, it goes
on from there. Whoever opens the job calls `forget` until nothing is left, before it uses the trees.
"""

from enum import IntEnum
from typing import Final

from cargo_sync.state import idents, uncertain_uploads
from cargo_sync.state.database import Database, Statements

SLICE: Final = 2_000
"""Rows that are written at a time."""
_BYTES: Final = 1_024
"""Of listings that cost as much as one more row."""


class Untrue(IntEnum):
    """What is not true any more of a job's trees; each includes those before it."""

    NOTHING = 0
    SETTLED = 1
    FAR = 2
    BASE = 3


_ROW: Final = "UPDATE folder SET settled = 0, revision = revision + 1"
_WITHIN: Final = "WHERE job = ? AND path >= ? AND path <= ?"
_WRITE: Final = {
    Untrue.SETTLED: f"{_ROW} {_WITHIN} AND settled = 1",
    Untrue.FAR: f"{_ROW}, far = NULL {_WITHIN}",
    Untrue.BASE: f"{_ROW}, far = NULL, base = NULL, files = 0, bytes = 0 {_WITHIN}",
}

# The length of a blob is read without the blob.
_NEXT: Final = """
SELECT path, coalesce(length(near), 0) + coalesce(length(far), 0) + coalesce(length(base), 0)
FROM folder WHERE job = ? AND path >= ? ORDER BY path
"""


def note(connection: Statements, name: str, what: Untrue) -> None:
    """Notes what is not true any more of a job's trees."""
    connection.execute(
        "UPDATE job SET untrue = max(untrue, ?), untrue_from = x'' WHERE name = ?", (what, name)
    )
    if what >= Untrue.FAR:
        connection.execute(
            "DELETE FROM left_out WHERE job = (SELECT id FROM job WHERE name = ?)", (name,)
        )
    if what is Untrue.BASE:
        uncertain_uploads.forget(connection, name)


def noted(connection: Statements, job: int) -> tuple[Untrue, bytes]:
    """What is noted, and the key of the first row that still has it."""
    row = connection.execute("SELECT untrue, untrue_from FROM job WHERE id = ?", (job,)).fetchone()
    return (Untrue(row[0]), row[1]) if row else (Untrue.NOTHING, b"")


def forget(database: Database, job: int) -> bool:
    """Writes the next rows that have what is not true; returns whether there may be more."""
    with database.transaction() as connection:
        what, low = noted(connection, job)
        if what is Untrue.NOTHING:
            return False
        last = slice_end(connection, job, low, SLICE)
        if what is Untrue.BASE:
            end = b"\xff" if last is None else last + b"\0"
            idents.forget(connection, job, low, end)
        if last is None:
            connection.execute("UPDATE job SET untrue = 0 WHERE id = ?", (job,))
            return False
        connection.execute(_WRITE[what], (job, low, last))
        connection.execute("UPDATE job SET untrue_from = ? WHERE id = ?", (last + b"\0", job))
        return True


def slice_end(connection: Statements, job: int, low: bytes, most: int) -> bytes | None:
    """The last key of the slice that begins at `low`; None if there are no rows.

    Args:
        connection: to read from.
        job: its number.
        low: the slice begins with the first key from there on.
        most: so many rows at most; a long one counts as several.
    """
    last = None
    cost = 0
    for key, size in connection.execute(_NEXT, (job, low)):
        last = bytes(key)
        cost += 1 + size // _BYTES
        if cost >= most:
            break
    return last
