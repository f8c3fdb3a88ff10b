"""The rows of the table `entry`: their columns, and what they mean.

A row is a tuple in the order of SELECT; [1] is the path's key, [3] the version, [4] the id, [5] the
kind, [11] the hash, [CHANGED] its number in the feed and [-1] whether it is a tombstone.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from cargo_sync.catalogue.contract import Catalogued, CataloguedFile, EntryStat, Put, PutColumns
from cargo_sync.machines.quota import Use
from cargo_sync.model.entries import FILE, FOLDER, Entry, EntryColumns
from cargo_sync.state.bulk import Insert, InsertColumns, Select
from cargo_sync.state.database import Statements

COLUMNS: Final = (
    "workspace, path, parent, version, id, kind, size, mtime_ns, mode, ctime_ns, inode, hash, "
    "target, changed, deleted"
)
SELECT: Final = f"SELECT {COLUMNS} FROM entry"  # noqa: S608
CHANGED: Final = 13

FEED: Final = (
    "SELECT path, changed, deleted, kind, size, mtime_ns, mode, version, id, hash, target "
    "FROM entry"
)
"""What the feed tells of a row, in another order."""

INSERT: Final = f"INSERT INTO entry ({COLUMNS})"

UPDATE: Final = (
    "ON CONFLICT (workspace, path) DO UPDATE SET version = excluded.version, id = excluded.id, "
    "kind = excluded.kind, size = excluded.size, mtime_ns = excluded.mtime_ns, "
    "mode = excluded.mode, ctime_ns = excluded.ctime_ns, inode = excluded.inode, "
    "hash = excluded.hash, target = excluded.target, changed = excluded.changed, "
    "deleted = excluded.deleted"
)
"""Not REPLACE, which would also take away another path's row if two ever got one number."""

READ: Final = Select(f"{SELECT} WHERE workspace = ? AND path IN")

_BETWEEN: Final = f"{SELECT} WHERE workspace = ? AND path BETWEEN ? AND ? LIMIT ?"

_FILES: Final = (
    "SELECT path, kind, deleted, version, id, hash, size, mtime_ns, ctime_ns, inode FROM entry"
)

_FILES_BETWEEN: Final = f"{_FILES} WHERE workspace = ? AND path BETWEEN ? AND ? LIMIT ?"

_READ_FILES: Final = Select(f"{_FILES} WHERE workspace = ? AND path IN")

_FEW: Final = 8
"""One of so many keys, or fewer, may have a row when most are new."""

WRITE: Final = Insert(f"{INSERT} VALUES", f"({', '.join('?' * 15)})", UPDATE)

_ADD: Final = InsertColumns(
    f"entry ({COLUMNS})",
    "?, column1, column2, column3, column3, column4, column5, column6, column7, column8, column9, "
    "column10, column11, column3, 0",
    columns=11,
)

Row = tuple[Any, ...]

_SIGN: Final = 1 << 63
_ALL: Final = 1 << 64


def rows_near(connection: Statements, workspace: int, keys: Sequence[bytes]) -> list[Row]:
    """The rows with these keys; there may be others too.

    New files lie between others where nothing is yet: nearly always one look at the range says so.
    """
    if len(keys) > _FEW:
        most = len(keys) // _FEW
        found = connection.execute(_BETWEEN, (workspace, min(keys), max(keys), most + 1)).fetchall()
        if len(found) <= most:
            return found
    return list(READ(connection, (workspace,), keys))


def files_at(
    connection: Statements, workspace: int, keys: Sequence[bytes]
) -> dict[bytes, CataloguedFile]:
    """The files with these keys, as their rows have them; there may be others too.

    Files that are asked for together are neighbours: nearly always they are most of a range, and
    reading it costs a third of looking for each.
    """
    most = 2 * len(keys)
    between = (workspace, min(keys), max(keys), most + 1) if keys else (workspace, b"", b"", 0)
    found: list[Row] = connection.execute(_FILES_BETWEEN, between).fetchall()
    if len(found) > most:
        found = list(_READ_FILES(connection, (workspace,), keys))
    return {
        row[0]: CataloguedFile._make((*row[3:9], _unsigned(row[9])))
        for row in found
        if row[1] == FILE and not row[2]
    }


def file_of_row(row: Row) -> CataloguedFile | None:
    """The file of a row that is not a tombstone; None if it is none."""
    if row[5] != FILE:
        return None
    return CataloguedFile(row[3], row[4], row[11], row[6], row[7], row[9], _unsigned(row[10]))


def add(
    connection: Statements,
    workspace: int,
    keys: Sequence[bytes],
    puts: PutColumns,
    versions: Sequence[int],
) -> None:
    """Adds the rows, as `row_of` has them, of many entries at paths without rows, with new ids."""
    entries, inodes = puts.entries, puts.inodes
    parents = [key.rpartition(b"\0")[0] for key in keys]
    if max(inodes) >= _SIGN:
        inodes = list(map(_signed, inodes))
    columns = (
        keys, parents, versions, entries.kinds, entries.sizes, entries.times, entries.modes,
        puts.ctimes, inodes, entries.hashes, entries.targets,
    )  # fmt: skip
    _ADD(connection, (workspace,), columns)


def _signed(inode: int) -> int:
    """An inode is unsigned, but SQLite's integers are signed."""
    return inode if inode < _SIGN else inode - _ALL


def _unsigned(inode: int) -> int:
    return inode if inode >= 0 else inode + _ALL


def row_of(
    workspace: int, key: bytes, put: Put, numbers: tuple[int, int, int], content: str
) -> Row:
    """The row for `put`; `numbers` are its version, its id and its number in the feed."""
    version, ident, changed = numbers
    entry = put.entry
    return (
        workspace,
        key,
        key.rpartition(b"\0")[0],
        version,
        ident,
        entry.kind,
        entry.size,
        entry.mtime_ns,
        entry.mode,
        put.ctime_ns,
        _signed(put.inode),
        content,
        entry.target,
        changed,
        0,
    )


def use_of(rows: Iterable[Row]) -> Use:
    """What rows add to what is counted; rows that are hidden still count."""
    sizes = [row[6] for row in rows if not row[-1] and row[5] != FOLDER]
    return Use(sum(sizes), len(sizes))


def use_of_all(entries: EntryColumns) -> Use:
    """What the rows of these entries add to it; folders have no size."""
    return Use(sum(entries.sizes), len(entries.kinds) - entries.kinds.count(FOLDER))


def held_of(row: Row) -> Catalogued:
    """The entry of a row that is not a tombstone."""
    _, key, _, version, ident, kind, size, mtime_ns, mode, ctime_ns, inode, content, target = row[
        :CHANGED
    ]
    name = key.rpartition(b"\0")[2].decode()
    entry = Entry(name, kind, size, mtime_ns, mode, version, ident, content, target)
    return Catalogued(entry, ctime_ns, _unsigned(inode))


def fed_of(rows: Sequence[Row]) -> tuple[list[bytes], list[int], list[int], EntryColumns]:
    """The keys of rows of `FEED`, their numbers in the feed, their tombstones, their entries."""
    if not rows:
        return [], [], [], EntryColumns.nothing()
    keys, numbers, gone, *columns = map(list, zip(*rows, strict=True))
    names = [key.rpartition(b"\0")[2].decode() for key in keys]
    return keys, numbers, gone, EntryColumns(names, *columns)


def file_of(held: Catalogued) -> CataloguedFile | None:
    """The file of an entry; None if it is none."""
    entry = held.entry
    if entry.kind != FILE:
        return None
    stat = (entry.size, entry.mtime_ns, held.ctime_ns, held.inode)
    return CataloguedFile(entry.version, entry.ident, entry.hash, *stat)


def stat_of(held: Catalogued) -> EntryStat:
    """What a rescan compares."""
    entry = held.entry
    return (
        entry.name,
        entry.kind,
        entry.size,
        entry.mtime_ns,
        entry.mode,
        held.ctime_ns,
        held.inode,
        entry.target,
    )


def is_known(row: Row, put: Put) -> bool:
    """True when `put` has the same content as the row: see `contract.Put`."""
    entry = put.entry
    kind, size, mtime_ns, mode, ctime_ns, inode, content, target = row[5:13]
    if (kind, size, mtime_ns, mode, target) != (
        entry.kind,
        entry.size,
        entry.mtime_ns,
        entry.mode,
        entry.target,
    ):
        return False
    if kind != FILE or (content and content == entry.hash):
        return True
    same_stat = (ctime_ns, inode % _ALL) == (put.ctime_ns, put.inode)
    return same_stat and (not content or not entry.hash)
