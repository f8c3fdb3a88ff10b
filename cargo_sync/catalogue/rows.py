"""The rows of SQLite's `entry` table: their columns, and what they mean.

A row is a tuple in the order of SELECT; [1] is the path's key, [3] the version, [4] the id, [5] the
kind, [11] the hash and [-1] whether it is a tombstone.
"""

from typing import Any, Final

from cargo_sync.catalogue.contract import Catalogued, Put
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.state.bulk import Insert, Select

SELECT: Final = (
    "SELECT workspace, path, parent, version, id, kind, size, mtime_ns, mode, ctime_ns, inode, "
    "hash, target, deleted FROM entry"
)

INSERT: Final = (
    "INSERT INTO entry (workspace, path, parent, version, id, kind, size, mtime_ns, mode, "
    "ctime_ns, inode, hash, target, deleted)"
)

UPDATE: Final = (
    "ON CONFLICT (workspace, path) DO UPDATE SET version = excluded.version, id = excluded.id, "
    "kind = excluded.kind, size = excluded.size, mtime_ns = excluded.mtime_ns, "
    "mode = excluded.mode, ctime_ns = excluded.ctime_ns, inode = excluded.inode, "
    "hash = excluded.hash, target = excluded.target, "
    "deleted = excluded.deleted"
)
"""Not REPLACE, which would also take away another path's row if two ever got one version."""

READ: Final = Select(f"{SELECT} WHERE workspace = ? AND path IN")

WRITE: Final = Insert(f"{INSERT} VALUES", f"({', '.join('?' * 14)})", UPDATE)

ADD: Final = Insert(f"{INSERT} VALUES", f"({', '.join('?' * 14)})")
"""For paths without rows."""

_SIGN: Final = 1 << 63
_ALL: Final = 1 << 64


def row_of(
    workspace: int, key: bytes, put: Put, version: int, ident: int, content: str
) -> tuple[Any, ...]:
    """The row for `put`; an inode is unsigned, but SQLite's integers are signed."""
    entry, inode = put.entry, put.inode
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
        inode if inode < _SIGN else inode - _ALL,
        content,
        entry.target,
        0,
    )


def held_of(row: tuple[Any, ...]) -> Catalogued:
    """The entry of a row that is not a tombstone."""
    _, key, _, version, ident, kind, size, mtime_ns, mode, ctime_ns, inode, content, target, _ = row
    name = key.rpartition(b"\0")[2].decode()
    entry = Entry(name, kind, size, mtime_ns, mode, version, ident, content, target)
    return Catalogued(entry, ctime_ns, inode if inode >= 0 else inode + _ALL)


def is_known(row: tuple[Any, ...], put: Put) -> bool:
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
