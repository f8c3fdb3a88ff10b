"""Drop boxes: by which root the catalogue has what a user has added, and what is about to come.

When the user is removed, another one may get the name later: that one must not see it.
"""

import re
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from cargo_sync.state.bulk import Alter, Insert, Select
from cargo_sync.state.database import Database, Statements

_BOX: Final = "drop box of "
_QUOTED: Final = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_ROOT: Final = re.compile(rf"({_BOX}{_QUOTED}: {_QUOTED} in )(.*)", re.DOTALL)
"""See `drop_box_root`."""
_ENDED: Final = "drop box that has ended: "
_END: Final = "UPDATE workspace SET root = ?2 || id WHERE substr(root, 1, length(?1)) = ?1"
_DELETE: Final = """
DELETE FROM entry WHERE workspace = ?1 AND path IN
    (SELECT path FROM entry WHERE workspace = ?1 LIMIT ?2)
"""

_INTEND: Final = Insert(
    "INSERT INTO drop_intent (box, path, size, mtime_ns) VALUES",
    "(?, ?, ?, ?)",
    "ON CONFLICT (box, path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns",
)
_INTENDED: Final = Select("SELECT path, size, mtime_ns FROM drop_intent WHERE box = ? AND path IN")
_FORGET: Final = Alter("DELETE FROM drop_intent WHERE box = ? AND path IN")


class DropIntent(NamedTuple):
    """A file that is about to come to a place."""

    path: str
    size: int
    mtime_ns: int


class DropIntents:
    """What is about to come to places in drop boxes; a box is its workspace in the catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def together(self) -> AbstractContextManager[object]:
        """A transaction."""
        return self._database.transaction()

    def add(self, box: int, some: Sequence[DropIntent]) -> None:
        """Notes them, durably."""
        with self._database.transaction() as connection:
            _INTEND(connection, [(box, *one) for one in some])

    def of(self, box: int, some: Collection[str]) -> dict[str, DropIntent]:
        """Those at these paths."""
        with self._database.read() as connection:
            found = map(DropIntent._make, _INTENDED(connection, [box], list(some)))
            return {one.path: one for one in found}

    def drop(self, box: int, some: Collection[str]) -> None:
        """They have come, or will not."""
        with self._database.transaction() as connection:
            _FORGET(connection, (box,), list(some))


def drop_box_root(user: str, folder: str, path: str) -> str:
    """The root of what a user has added below `path` in a served folder; no folder has it."""
    return f"{_of(user)}{path!r} in {folder}"


def end_drop_boxes(connection: Statements, user: str) -> None:
    """The user is removed: nobody has these drop boxes any more."""
    connection.execute(_END, (_of(user), _ENDED))


def moved_drop_boxes(connection: Statements, source: str, target: str) -> None:
    """A workspace has another root now: what its users have added has roots of it."""
    rows = connection.execute(
        "SELECT id, root FROM workspace WHERE substr(root, 1, length(?1)) = ?1", (_BOX,)
    )
    for id, root in rows.fetchall():
        found = _ROOT.fullmatch(root)
        if found is not None and found[2] == source:
            moved = f"{found[1]}{target}"
            connection.execute(
                "UPDATE workspace SET root = ?2 || id WHERE root = ?1", (moved, _ENDED)
            )
            connection.execute("UPDATE workspace SET root = ? WHERE id = ?", (moved, id))


def forget_drop_boxes(database: Database, most: int) -> bool:
    """Deletes up to `most` rows of drop boxes that have ended; True if there may be more."""
    with database.transaction() as connection:
        found = connection.execute(
            "SELECT id FROM workspace WHERE substr(root, 1, length(?1)) = ?1 LIMIT 1", (_ENDED,)
        ).fetchone()
        if found is None:
            return False
        if connection.execute(_DELETE, (found[0], most)).rowcount < most:
            connection.execute("DELETE FROM workspace WHERE id = ?", found)
        return True


def _of(user: str) -> str:
    return f"{_BOX}{user!r}: "
