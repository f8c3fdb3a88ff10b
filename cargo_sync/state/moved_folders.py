"""Renames at the destination: what was agreed and seen there at one path is at another.

The rows of a folder are keys in component order, so a subtree is a range of them. A large one is
moved in slices, so that the state's lock is never held for long. A kill in between is harmless:
what is at neither path is compared again.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.state import idents, parts
from cargo_sync.state.database import Database, Statements
from cargo_sync.state.deltas import BASE, FAR, NEAR, ColumnDeltas
from cargo_sync.state.forgetting import SLICE, slice_end

Side = Literal["near", "far"]

TOGETHER: Final = 500
"""Renames of files that are stored in one transaction."""

_MOVE: Final = """
INSERT INTO folder (job, path, {columns})
SELECT job, CAST(?4 || substr(path, ?5) AS BLOB), {columns} FROM folder
WHERE job = ?1 AND path >= ?2 AND path < ?3 AND ({there})
ON CONFLICT (job, path) DO UPDATE SET {moved}, settled = 0, revision = revision + 1
"""
_LEAVE: Final = """
UPDATE folder SET {left}, files = 0, bytes = 0, settled = 0, revision = revision + 1
WHERE job = ? AND path >= ? AND path < ? AND ({there})
"""
_DROP: Final = """
DELETE FROM folder WHERE job = ? AND path >= ? AND path < ?
AND near IS NULL AND far IS NULL AND base IS NULL
"""
_LARGE: Final = """
SELECT path FROM folder WHERE job = ? AND path >= ? AND path < ? AND instr(path, x'0000') > 0
"""

_ASIDE: Final = b"\xfe"
"""Where one of two folders is while they change places, inside the transaction: no path is there,
because UTF-8 never contains this byte."""


class RenamedEntry(NamedTuple):
    """A rename that was done at the destination.

    agreed     what is agreed about `path` now
    entry      what the destination has there
    exchanged  the same of `source`, if the two have changed places
    arrived    what is at `source` now shall stay there
    """

    source: str
    path: str
    agreed: Agreed
    entry: Entry
    exchanged: tuple[Agreed, Entry] | None = None
    arrived: bool = False

    @property
    def has_folder(self) -> bool:
        other = self.exchanged
        return FOLDER in (self.entry.kind, other[1].kind if other else "")


def in_turn(some: Sequence[RenamedEntry]) -> Iterator[Sequence[RenamedEntry]]:
    """Renames that are stored together: each of a folder is alone, and files are by `TOGETHER`."""
    start = 0
    for at, one in enumerate(some):
        if one.has_folder or at - start >= TOGETHER:
            if at > start:
                yield some[start:at]
            start = at
            if one.has_folder:
                yield some[at : at + 1]
                start = at + 1
    if start < len(some):
        yield some[start:]


def write_names(connection: Statements, job: int, side: Side, some: Sequence[RenamedEntry]) -> None:
    """Stores what is at the renamed paths now; what is below folders was moved before."""
    base = ColumnDeltas(connection, job, BASE)
    there = ColumnDeltas(connection, job, FAR if side == "far" else NEAR)
    for source, path, agreed, entry, exchanged, _ in some:
        if exchanged is None:
            base.drop(source)
            there.drop(source)
        else:
            base.put(source, exchanged[0])
            there.put(source, exchanged[1])
        base.put(path, agreed)
        there.put(path, entry)
    base.write()
    there.write()


def move(database: Database, job: int, side: Side | None, source: bytes, target: bytes) -> None:
    """Moves the rows of a folder and all below it, in several transactions.

    Args:
        database: the state.
        job: its number.
        side: the destination; None: only what was agreed on moves.
        source: the folder's key.
        target: the key where it is now.
    """
    with database.transaction() as connection:
        _align_all(connection, job, source, target)
    low, high = _range(source)
    while True:
        with database.transaction() as connection:
            last = slice_end(connection, job, low, SLICE)
            end = high if last is None or last >= high else last + b"\0"
            _move(connection, job, side, (low, end), source, target)
            if end == high:
                idents.move(connection, job, source, target)
                return
            low = end


def exchange(connection: Statements, job: int, side: Side, one: bytes, other: bytes) -> None:
    """The rows of two folders, or of what is at these keys, change places."""
    _align_all(connection, job, one, other)
    _align_all(connection, job, other, one)
    for source, target in ((other, _ASIDE), (one, other), (_ASIDE, one)):
        _move(connection, job, side, _range(source), source, target)
        idents.move(connection, job, source, target)


def _range(key: bytes) -> tuple[bytes, bytes]:
    return key, key + b"\x01"


def _move(
    connection: Statements,
    job: int,
    side: Side | None,
    within: tuple[bytes, bytes],
    source: bytes,
    target: bytes,
) -> None:
    trees = ("base",) if side is None else (side, "base")
    columns = *trees, "files", "bytes"
    words = {
        "columns": ", ".join(columns),
        "there": " OR ".join(f"{one} IS NOT NULL" for one in trees),
        "moved": ", ".join(f"{one} = excluded.{one}" for one in columns),
        "left": ", ".join(f"{one} = NULL" for one in trees),
    }
    connection.execute(_MOVE.format(**words), (job, *within, target, len(source) + 1))
    connection.execute(_LEAVE.format(**words), (job, *within))
    connection.execute(_DROP, (job, *within))


def _align_all(connection: Statements, job: int, source: bytes, target: bytes) -> None:
    """Large folders below both keys are cut at the same names."""
    large: dict[str, None] = {}
    for top in (source, target):
        for (key,) in connection.execute(_LARGE, (job, *_range(top))).fetchall():
            folder = bytes(key).partition(b"\0\0")[0]
            large[parts.from_key(folder[len(top) :])[0]] = None
    for below in large:
        here, there = (parts.from_key(top)[0] + below for top in (source, target))
        _align(connection, job, there, parts.firsts(connection, job, here))
        _align(connection, job, here, parts.firsts(connection, job, there))


def _align(connection: Statements, job: int, folder: str, firsts: list[str]) -> None:
    bounds = ["", *firsts, ""]
    for first, end in pairwise(bounds):
        parts.align(connection, job, folder, first, end)
