"""Large subtrees that are gone or moved: what is true at once, and the rows that follow in parts.

One statement that writes a hundred thousand rows would hold the state's lock for a second. So only
the top of a large subtree is written at once, together with a row of the table `unfinished`. From
then on, all who read see the whole of it gone, or at its new place: `hides` and `rows_at` look
through the rows that are still to be written. A part of them at a time is written by `write_part`.
A row that is needed before its turn is written alone.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import EntryStat
from cargo_sync.catalogue.rows import CHANGED, INSERT, READ, SELECT, UPDATE, Row, rows_near
from cargo_sync.catalogue.telling import live
from cargo_sync.machines.quota import NOTHING_USED, Use
from cargo_sync.model.history import ToldBatch
from cargo_sync.state.database import Statements
from cargo_sync.state.history import HistoryRows

LARGE: Final = 2_000
"""Rows of a subtree from which on they are written in parts."""

_LIVE_AS_GONE: Final = """
SELECT workspace, path, parent, ?2 + number, id, kind, size, mtime_ns, mode, ctime_ns, inode, '',
       target, ?2 + number, 1
FROM (SELECT *, row_number() OVER (ORDER BY path) AS number FROM entry
      WHERE workspace = ?1 AND path >= ?3 AND path < ?4 AND changed <= ?5 AND deleted = 0) AS live
WHERE true
"""
_GONE: Final = f"{INSERT} {_LIVE_AS_GONE} {UPDATE}"
"""The rows in a range become tombstones, each with its own version, parents first."""

_LIVE_ELSEWHERE: Final = """
SELECT workspace,
       CAST(?7 || substr(path, length(?6) + 1) AS BLOB),
       CASE path WHEN ?6 THEN ?8 ELSE CAST(?7 || substr(parent, length(?6) + 1) AS BLOB) END,
       version, id, kind, size, mtime_ns, mode,
       CASE path WHEN ?6 THEN ?9 ELSE ctime_ns END, inode, hash, target,
       ?2 + row_number() OVER (ORDER BY path), 0
FROM entry WHERE workspace = ?1 AND path >= ?3 AND path < ?4 AND changed <= ?5 AND deleted = 0
"""
_MOVE: Final = f"{INSERT} {_LIVE_ELSEWHERE} {UPDATE}"
"""The rows in a range are copied to another place, with their versions; they replace tombstones
there."""

_NEXT: Final = """
SELECT path FROM entry WHERE workspace = ? AND path >= ? AND path < ? ORDER BY path LIMIT 1 OFFSET ?
"""
_PARTS: Final = """
SELECT id, workspace, low, high, version, source, target, told FROM unfinished
WHERE workspace = ? ORDER BY id
"""
_BEGIN: Final = """
INSERT INTO unfinished (workspace, low, high, version, source, target) VALUES (?, ?, ?, ?, ?, ?)
RETURNING id
"""

# Without statistics SQLite would walk through the whole table in the order of its key.
_LISTING: Final = f"""{SELECT} INDEXED BY entry_parent
WHERE workspace = ? AND parent = ? AND deleted = 0 AND path > ? AND path < ?"""
_ORDER: Final = "ORDER BY path LIMIT ?"
_ALL: Final = 2**62
_STATS: Final = """
SELECT CAST(substr(path, ?6) AS TEXT), kind, size, mtime_ns, mode, ctime_ns, inode, target
FROM entry INDEXED BY entry_parent
WHERE workspace = ?1 AND parent = ?2 AND deleted = 0 AND path > ?3 AND path < ?4
ORDER BY path LIMIT ?5
"""
_SHOWN: Final = """AND NOT EXISTS (SELECT 1 FROM unfinished WHERE workspace = entry.workspace
AND low <= path AND high > path AND version >= entry.changed)"""
_NOT_YET: Final = "AND path >= ? AND path < ? AND changed <= ?"


_USE: Final = """
SELECT coalesce(sum(size), 0), count(*) FROM entry
WHERE workspace = ? AND path >= ? AND path < ? AND changed <= ? AND deleted = 0 AND kind <> 'd'
"""


class WrittenPart(NamedTuple):
    """What was written of a subtree.

    sequence  the new one
    told      what the history tells of it
    gone      what does not count any more; what has moved counts at its new place
    """

    sequence: int
    told: Sequence[ToldBatch] = ()
    gone: Use = NOTHING_USED


class Unfinished(NamedTuple):
    """A subtree with rows that are still to be written: those in [low, high) up to `version`.

    version  a number of the feed

    source  the key of its top, where it was
    target  the key of its top, where it is; None when it is gone
    told    the batch of the history that tells of its top, if it is gone; 0 for none
    """

    id: int
    workspace: int
    low: bytes
    high: bytes
    version: int
    source: bytes
    target: bytes | None
    told: int = 0

    def hides(self, key: bytes, changed: int) -> bool:
        """Whether what a live row with this number in the feed says is not at its path any more."""
        return self.low <= key < self.high and changed <= self.version

    def came_from(self, key: bytes) -> bytes | None:
        """Where the row of `key`, at the new place, was; None if it is not among those to write."""
        if self.target is None or not key.startswith(self.target):
            return None
        source = self.source + key[len(self.target) :]
        return source if self.low <= source < self.high else None

    def meets(self, low: bytes, high: bytes) -> bool:
        """Whether a range of keys has a part of the subtree, where it was or where it is."""
        if self.low < high and low < self.high:
            return True
        top = self.target
        return top is not None and top < high and low < top + b"\x01"

    def at_target(self, row: Row) -> Row:
        """The row as it is at the new place; the feed tells of it when it is written."""
        top = self.target or b""
        moved = [top + key[len(self.source) :] for key in row[1:3]]
        return (row[0], *moved, *row[3:])


def unfinished(connection: Statements, workspace: int) -> Sequence[Unfinished]:
    """The unfinished subtrees of a workspace, the earliest first."""
    return [Unfinished._make(row) for row in connection.execute(_PARTS, (workspace,))]


def is_gone(row: Row, parts: Iterable[Unfinished]) -> bool:
    """Whether nothing is at the path of a row any more."""
    return bool(row[-1]) or is_hidden(row[1], row[CHANGED], parts)


def is_hidden(key: bytes, changed: int, parts: Iterable[Unfinished]) -> bool:
    """Whether one of these hides a live row."""
    return any(part.hides(key, changed) for part in parts)


def is_large(connection: Statements, workspace: int, low: bytes, high: bytes) -> bool:
    """Whether a range of keys has so many rows that they are written in parts."""
    return _next(connection, workspace, low, high, LARGE) is not None


def begin(
    connection: Statements, workspace: int, version: int, top: bytes, target: bytes | None
) -> int:
    """What is below `top`, up to `version`, is not there any more; its rows are to be written.

    Returns:
        The id of the unfinished subtree.
    """
    low, high = (top + b"\0", top + b"\x01") if top else (b"", b"\xff")
    row = (workspace, low, high, version, top, target)
    [(number,)] = connection.execute(_BEGIN, row).fetchall()
    return int(number)


def use_within(connection: Statements, workspace: int, low: bytes, high: bytes, upto: int) -> Use:
    """What the rows of a range, up to a number of the feed, add to what is counted."""
    [row] = connection.execute(_USE, (workspace, low, high, upto)).fetchall()
    return Use(*row)


def write_gone(
    connection: Statements, workspace: int, sequence: int, low: bytes, high: bytes, upto: int
) -> int:
    """Makes the rows of a range tombstones; returns the new sequence."""
    row = (workspace, sequence, low, high, upto)
    return sequence + connection.execute(_GONE, row).rowcount


def write_moved(
    connection: Statements,
    workspace: int,
    sequence: int,
    within: tuple[bytes, bytes, int],
    move: tuple[bytes, bytes],
    ctime_ns: int,
) -> int:
    """Copies rows to another place; returns the new sequence.

    Args:
        connection: in a transaction.
        workspace: its id.
        sequence: of the workspace.
        within: (low, high, newest version) of the rows.
        move: keys of the subtree's top: where it was, and where it is.
        ctime_ns: of the top, if it is among the rows.
    """
    source, target = move
    parent = target.rpartition(b"\0")[0]
    row = (workspace, sequence, *within, source, target, parent, ctime_ns)
    return sequence + connection.execute(_MOVE, row).rowcount


def write_part(
    connection: Statements,
    part: Unfinished,
    sequence: int,
    most: int,
    history: HistoryRows | None,
) -> WrittenPart:
    """Writes the next rows of a subtree, up to `most`; of one that is gone, `history` tells."""
    end = _next(connection, part.workspace, part.low, part.high, most)
    within = (part.low, end or part.high, part.version)
    told: Sequence[ToldBatch] = ()
    if history is not None and part.told:
        told = history.write_like(connection, part.told, live(connection, part.workspace, within))
    gone = NOTHING_USED
    if part.target is None:
        gone = use_within(connection, part.workspace, *within)
    sequence = _write(connection, part, sequence, part.low, end or part.high)
    if end is None:
        connection.execute("DELETE FROM unfinished WHERE id = ?", (part.id,))
    else:
        connection.execute("UPDATE unfinished SET low = ? WHERE id = ?", (end, part.id))
    return WrittenPart(sequence, told, gone)


def write_early(
    connection: Statements, parts: Iterable[Unfinished], sequence: int, keys: Iterable[bytes]
) -> int:
    """Writes the rows of moved subtrees that are, or were, at `keys`; returns the new sequence."""
    moved = [part for part in parts if part.target is not None]
    for key in keys if moved else ():
        for part in moved:
            at = key if part.low <= key < part.high else part.came_from(key)
            if at is not None:
                sequence = _write(connection, part, sequence, at, at + b"\0")
    return sequence


def rows_at(
    connection: Statements, workspace: int, keys: Sequence[bytes], parts: Sequence[Unfinished]
) -> dict[bytes, Row]:
    """The rows of what is at `keys` now, and maybe of others; those of deletions are left out."""
    found = rows_near(connection, workspace, keys)
    shown = {row[1]: row for row in found if not is_gone(row, parts)}
    for part in parts:
        earlier = {at: key for key in keys if (at := part.came_from(key)) is not None}
        for row in READ(connection, (workspace,), list(earlier)):
            if not row[-1] and part.hides(row[1], row[CHANGED]):
                shown.setdefault(earlier[row[1]], part.at_target(row))
    return shown


def listed(
    connection: Statements,
    workspace: int,
    parent: bytes,
    between: tuple[bytes, bytes],
    limit: int,
    parts: Sequence[Unfinished],
) -> list[Row]:
    """The rows of what is directly in a folder now, by key.

    Args:
        connection: to read from.
        workspace: its id.
        parent: the folder's key.
        between: the keys before the first row and after the last one.
        limit: how many at most; -1 for all.
        parts: the unfinished subtrees.
    """
    asked = (workspace, parent, *between)
    most = _ALL if limit < 0 else limit
    if not parts:
        return connection.execute(f"{_LISTING} {_ORDER}", (*asked, most)).fetchall()
    rows = connection.execute(f"{_LISTING} {_SHOWN} {_ORDER}", (*asked, most)).fetchall()
    for part in parts:
        if part.target is None or not (parent + b"\0").startswith(part.target + b"\0"):
            continue
        low, high = (part.source + key[len(part.target) :] for key in between)
        asked = (workspace, part.source + parent[len(part.target) :], low, high)
        rest = (part.low, part.high, part.version, most)
        found = connection.execute(f"{_LISTING} {_NOT_YET} {_ORDER}", (*asked, *rest))
        rows += [part.at_target(row) for row in found]
    rows.sort(key=lambda row: row[1])
    return rows if limit < 0 else rows[:limit]


def stats(
    connection: Statements,
    workspace: int,
    parent: bytes,
    between: tuple[bytes, bytes],
    limit: int,
) -> list[EntryStat]:
    """As `listed`, of a workspace without unfinished subtrees."""
    most = _ALL if limit < 0 else limit
    asked = (workspace, parent, *between, most, len(parent) + 2 if parent else 1)
    return connection.execute(_STATS, asked).fetchall()


def _next(
    connection: Statements, workspace: int, low: bytes, high: bytes, after: int
) -> bytes | None:
    """The key that comes `after` rows after `low`; None if the range has no more rows."""
    row = connection.execute(_NEXT, (workspace, low, high, after)).fetchone()
    return row and bytes(row[0])


def _write(connection: Statements, part: Unfinished, sequence: int, low: bytes, high: bytes) -> int:
    workspace, upto = part.workspace, part.version
    if part.target is not None:
        within, move = (low, high, upto), (part.source, part.target)
        sequence = write_moved(connection, workspace, sequence, within, move, 0)
    return write_gone(connection, workspace, sequence, low, high, upto)
