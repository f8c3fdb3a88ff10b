"""Looking rows up where each statement is a way to another program: one for many, and none twice.

While a workspace is held, nobody else changes its rows. So what was looked up then is noted
(`Database.looked_up`), until somebody here changes something of it.
"""

from collections.abc import Sequence
from typing import Final

from cargo_sync.catalogue.rows import COLUMNS, READ, Row
from cargo_sync.state.database import Statements

_NOTED: Final = "catalogue"
_OF_ENTRY: Final = ", ".join(f"e.{name}" for name in COLUMNS.split(", "))
_LOOK: Final = f"""
SELECT w.sequence, EXISTS (SELECT 1 FROM unfinished AS u WHERE u.workspace = w.id), {_OF_ENTRY}
FROM workspace AS w LEFT JOIN entry AS e ON e.workspace = w.id AND e.path = ANY(?) WHERE w.id = ?
"""  # noqa: S608
_PATH: Final = 2 + COLUMNS.split(", ").index("path")


class LookedUp:
    """What is known of a workspace.

    sequence    of its newest change
    unfinished  whether it has subtrees with rows that are still to be written
    rows        by key; None: there is none
    """

    __slots__ = ("rows", "sequence", "unfinished")

    def __init__(self, sequence: int, *, unfinished: bool) -> None:
        self.sequence = sequence
        self.unfinished = unfinished
        self.rows: dict[bytes, Row | None] = {}

    def live(self, keys: Sequence[bytes]) -> dict[bytes, Row]:
        """The rows at these keys, all of which were looked up; those of deletions are left out."""
        found = ((key, self.rows[key]) for key in keys)
        return {key: row for key, row in found if row is not None and not row[-1]}


def look(connection: Statements, workspace: int, keys: Sequence[bytes]) -> LookedUp | None:
    """Looks up some keys, at least one, in one statement; None: there is no such workspace.

    `connection` is one of those that take lists.
    """
    found = connection.execute(_LOOK, (list(keys), workspace)).fetchall()
    if not found:
        return None
    known = LookedUp(found[0][0], unfinished=bool(found[0][1]))
    known.rows = dict.fromkeys(keys)
    known.rows |= {row[_PATH]: row[2:] for row in found if row[_PATH] is not None}
    return known


def look_further(
    connection: Statements, workspace: int, known: LookedUp, keys: Sequence[bytes]
) -> None:
    """Looks up those of these keys that are not known yet."""
    if missing := [key for key in keys if key not in known.rows]:
        known.rows |= dict.fromkeys(missing)
        known.rows |= {row[1]: row for row in READ(connection, (workspace,), missing)}


def noted(memory: dict[str, object] | None) -> LookedUp | None:
    """What a transaction has noted."""
    found = memory.get(_NOTED) if memory is not None else None
    return found if isinstance(found, LookedUp) else None


def note(memory: dict[str, object] | None, known: LookedUp) -> None:
    """Notes what stays true as long as the memory is there."""
    if memory is not None:
        memory[_NOTED] = known


def forget(memory: dict[str, object] | None) -> LookedUp | None:
    """Something is about to be changed; returns what was noted, which is true until then."""
    known = noted(memory)
    if memory is not None:
        memory.pop(_NOTED, None)
    return known
