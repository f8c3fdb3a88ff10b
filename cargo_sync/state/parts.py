"""Large folders are kept in parts: a row has some consecutive names of one folder.

So a change to one name costs a part and not the folder, and planning needs one part at a time. All
three trees of a folder are cut at the same names. The first part begins with the first of all
names; its key is that of the folder (model.paths.key). The keys of the others follow it directly,
before those of what is below the folder: the folder's key, two NULs, the name where the part
begins. This name is only a place in the order: no tree needs to have it.

A scan decides where a folder is cut (model.large_folders), and the rows follow it (`align`).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE
from cargo_sync.model.large_folders import LONGEST, cuts
from cargo_sync.state.database import Statements

JOINED: Final = 128 * 2**10
"""Bytes of a tree's listings up to which parts become one."""

_CUT: Final = b"\0\0"
_NAME, _KIND, _SIZE = 0, 1, 2  # positions of these fields in both Entry and Agreed

_FIRSTS: Final = "SELECT path FROM folder WHERE job = ? AND path > ? AND path < ? ORDER BY path"
_ROW: Final = """
SELECT near, far, base, settled, revision, drifted FROM folder WHERE job = ? AND path = ?
"""
_WRITE: Final = """
INSERT INTO folder (job, path, near, far, base, files, bytes, settled, revision, drifted)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (job, path) DO UPDATE SET near = excluded.near,
far = excluded.far, base = excluded.base, files = excluded.files, bytes = excluded.bytes,
settled = excluded.settled, revision = excluded.revision, drifted = excluded.drifted
"""
# The row in which a name is, and the rows from there to another name.
_HOLDING: Final = "SELECT max(path) FROM folder WHERE job = ? AND path >= ? AND path <= ?"
_LENGTHS: Final = """
SELECT path, coalesce(length(near), 0), coalesce(length(far), 0), coalesce(length(base), 0)
FROM folder WHERE job = ? AND path >= ? AND path <= ? ORDER BY path
"""
_DROP: Final = "DELETE FROM folder WHERE job = ? AND path > ? AND path < ?"

Columns = list[list[Any]]
"""A decoded listing: one list per field; empty without names."""


def key_of(folder: str, first: str = "") -> bytes:
    """The key of the part of `folder` that begins at the name `first`; "" for the first part."""
    key = paths.key(folder)
    return key + _CUT + first.encode() if first else key


def from_key(key: bytes) -> tuple[str, str]:
    """The folder, and the name at which the part begins, that `key_of` was given."""
    folder, _, first = key.partition(_CUT)
    return paths.from_key(folder), first.decode()


def end_of(folder: str) -> bytes:
    """The end of the keys of all parts of `folder`: what is below it comes from there on."""
    return paths.key(folder) + b"\0\1"


def firsts(connection: Statements, job: int, folder: str) -> list[str]:
    """The names at which the parts begin, without the first part, in order."""
    found = connection.execute(_FIRSTS, (job, paths.key(folder), end_of(folder)))
    return [from_key(row[0])[1] for row in found]


def between(tree: Columns, start: str, end: str) -> Columns:
    """The names from `start` on and before `end`; "" for the end of the folder."""
    if not tree:
        return tree
    names: Sequence[str] = tree[_NAME]
    low = bisect_left(names, start)
    high = bisect_left(names, end) if end else len(names)
    return [column[low:high] for column in tree] if low < high else []


def counted(base: Columns) -> tuple[int, int]:
    """How many files there are in a part of base, and their bytes."""
    return (base[_KIND].count(FILE), sum(base[_SIZE])) if base else (0, 0)


def align(connection: Statements, job: int, folder: str, first: str, end: str) -> list[str]:
    """Makes a part begin at the name `first`, and one at `end` if there is something after it.

    Small parts between the two become one. What is settled stays settled.

    Returns:
        The names at which parts begin from `first` on and before `end`. The row of the first of
        them may be missing.
    """
    low = key_of(folder, first)
    high = key_of(folder, end) if end else end_of(folder)
    held = connection.execute(_HOLDING, (job, key_of(folder), low)).fetchone()[0]
    begin = low if held is None else held  # the key of the root is empty
    found = connection.execute(_LENGTHS, (job, begin, high)).fetchall()
    if found and found[0][0] < low and _cut(connection, job, found[0][0], first):
        return align(connection, job, folder, first, end)
    last = found[-1][0] if found else high
    if last < high and end and _cut(connection, job, last, end):
        return align(connection, job, folder, first, end)
    inside = [row for row in found if low <= row[0] < high]
    sizes = [sum(lengths) for lengths in list(zip(*inside, strict=True))[1:]]
    if len(inside) > 1 and max(sizes) <= JOINED:
        keys = [row[0] for row in inside]
        parts = [_Part.read(connection, job, key) for key in keys]
        connection.execute(_DROP, (job, keys[0], high))
        _joined(parts).write(connection, job, keys[0])
        inside = inside[:1]
    return sorted({first, *(from_key(row[0])[1] for row in inside)})


def split(connection: Statements, job: int, key: bytes) -> bool:
    """Cuts a row in which a tree has very many names; returns whether it did."""
    part = _Part.read(connection, job, key)
    folder, first = from_key(key)
    names = next((some for some in map(_names, part.trees) if len(some) > LONGEST), None)
    if names is None:
        return False
    starts = [first, *(names[at] for at in cuts(names)[1:])]
    for start, end in zip(starts, [*starts[1:], ""], strict=True):
        piece = part.between("" if start == first else start, end)
        piece.write(connection, job, key_of(folder, start))
        split(connection, job, key_of(folder, start))
    return True


def _cut(connection: Statements, job: int, key: bytes, name: str) -> bool:
    """Cuts a row at `name`, or everywhere if it has very many names; returns whether it did."""
    part = _Part.read(connection, job, key)
    if split(connection, job, key):
        return True
    head, tail = part.between("", name), part.between(name, "")
    if not any(tail.trees):
        return False
    head.write(connection, job, key)
    tail.write(connection, job, key_of(from_key(key)[0], name))
    return True


@dataclass(frozen=True, slots=True)
class _Part:
    """A row. `trees` are near, far and base; None where the row has NULL.

    drifted  files; -1 - files, if they are to be counted again
    """

    trees: tuple[Columns | None, ...]
    settled: int
    revision: int
    drifted: int

    @classmethod
    def read(cls, connection: Statements, job: int, key: bytes) -> "_Part":
        *blobs, settled, revision, drifted = connection.execute(_ROW, (job, key)).fetchone()
        trees = tuple(None if blob is None else orjson.loads(blob) for blob in blobs)
        return cls(trees, settled, revision, drifted)

    def between(self, start: str, end: str) -> "_Part":
        """A piece; the first one, from "" on, has all that drifted, until it is counted again."""
        trees = (None if tree is None else between(tree, start, end) for tree in self.trees)
        drifted = self.drifted
        if drifted > 0:
            drifted = -1 - drifted
        if drifted and start:
            drifted = -1
        return _Part(tuple(trees), self.settled, self.revision, drifted)

    def write(self, connection: Statements, job: int, key: bytes) -> None:
        near, far, base = self.trees
        blobs = (_encoded(near), _encoded(far), _encoded(base or None))
        row = (*blobs, *counted(base or []), self.settled, self.revision, self.drifted)
        connection.execute(_WRITE, (job, key, *row))


def _joined(parts: Sequence[_Part]) -> _Part:
    """One part with the names of several. Whoever has read one of them finds another revision."""
    trees: list[Columns | None] = []
    for some in zip(*(part.trees for part in parts), strict=True):
        known = [tree for tree in some if tree is not None]
        columns = list(zip(*(tree for tree in known if tree), strict=True))
        joined = [[value for column in columns_ for value in column] for columns_ in columns]
        trees.append(joined if known else None)
    revision = 1 + max(part.revision for part in parts)
    drifted = sum(max(part.drifted, -1 - part.drifted) for part in parts)
    if any(part.drifted < 0 for part in parts):
        drifted = -1 - drifted
    return _Part(tuple(trees), min(part.settled for part in parts), revision, drifted)


def _names(tree: Columns | None) -> Sequence[str]:
    return tree[_NAME] if tree else ()


def _encoded(tree: Columns | None) -> bytes | None:
    return None if tree is None else orjson.dumps(tree)
