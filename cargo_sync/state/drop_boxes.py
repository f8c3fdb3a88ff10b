"""Drop boxes: by which root the catalogue has what a user has added to one.

When the user is removed, another one may get the name later: that one must not see it.
"""

from typing import Final

from cargo_sync.state.database import Database
from cargo_sync.state.migrations import Statements

_ENDED: Final = "drop box that has ended: "
_END: Final = "UPDATE workspace SET root = ?2 || id WHERE substr(root, 1, length(?1)) = ?1"
_DELETE: Final = """
DELETE FROM entry WHERE workspace = ?1 AND path IN
    (SELECT path FROM entry WHERE workspace = ?1 LIMIT ?2)
"""


def drop_box_root(user: str, folder: str, path: str) -> str:
    """The root of what a user has added below `path` in a served folder; no folder has it."""
    return f"{_of(user)}{path!r} in {folder}"


def end_drop_boxes(connection: Statements, user: str) -> None:
    """The user is removed: nobody has these drop boxes any more."""
    connection.execute(_END, (_of(user), _ENDED))


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
    return f"drop box of {user!r}: "
