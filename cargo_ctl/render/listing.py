"""The content of folders as text: names in columns, or one line per file with size and time."""

import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass

from cargo_ctl.render.table import table, width
from cargo_ctl.render.words import escaped, size

_GAP = 2
_SEPARATORS = {"folder": "/", "link": "@"}


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One name to list.

    kind   file, folder, link or other
    size   bytes; None if it is not known
    mtime  unix seconds
    """

    name: str
    kind: str
    size: int | None = 0
    mtime: float | None = None
    mode: int | None = None

    @property
    def shown(self) -> str:
        """The name, with a `/` after a folder's and an `@` after a link's."""
        return escaped(self.name) + _SEPARATORS.get(self.kind, "")


def names(rows: Sequence[ListedRow], columns: int) -> str:
    """The names in columns, downwards, `columns` cells wide; one per line if `columns` is 0."""
    shown = [row.shown for row in rows]
    if not columns:
        return "\n".join(shown)
    cell = max((width(name) for name in shown), default=0) + _GAP
    across = max(1, (columns + _GAP) // cell)
    down = -(-len(shown) // across)
    return "\n".join(
        "".join(name + " " * (cell - width(name)) for name in shown[line::down]).rstrip()
        for line in range(down)
    )


def long(rows: Sequence[ListedRow]) -> str:
    """One line per name: mode, size, time of the last change in this time zone, name."""
    return table(("MODE", "SIZE", "MODIFIED", "NAME"), [_long(row) for row in rows], {1})


def _long(row: ListedRow) -> Sequence[str]:
    return (
        _mode(row),
        size(row.size) if row.kind == "file" and row.size is not None else "",
        _when(row.mtime) if row.mtime else "",
        row.shown,
    )


def _mode(row: ListedRow) -> str:
    kind = {"folder": stat.S_IFDIR, "link": stat.S_IFLNK, "file": stat.S_IFREG}.get(row.kind, 0)
    if row.mode is None:
        return stat.filemode(kind)[0]
    return stat.filemode(kind | stat.S_IMODE(row.mode))


def _when(mtime: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(mtime))
    except (OverflowError, ValueError, OSError):
        return "?"
