"""Stores listings of a side that lists whole folders, or whole parts of large ones."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.large_folders import LONGEST
from cargo_sync.state import parts
from cargo_sync.state.database import Statements
from cargo_sync.state.deltas import BASE, FAR, NEAR
from cargo_sync.state.ranges import at_or_below


class Observed(NamedTuple):
    """What was seen in a folder, or in a part of a large one.

    listing  encoded
    entries  how many it has
    first    where it begins; "" for the beginning of the folder
    end      where the next part begins; "" for the end of the folder
    """

    path: str
    listing: bytes
    entries: int
    first: str = ""
    end: str = ""


class SeenSide(NamedTuple):
    """The statements of a side whose whole listings are observed."""

    same: str
    read: str
    write: str
    clear: str


_SAME = """
SELECT path, CASE path WHEN ?2 THEN {} = ?3 END FROM folder
WHERE job = ?1 AND path >= ?2 AND path < ?4 ORDER BY path LIMIT 2
"""
"""The row of a part, whether it has this listing, and the row of the next part; both if they are
there."""

NEAR_SEEN = SeenSide(
    _SAME.format("near"),
    NEAR.select,
    NEAR.upsert,
    NEAR.clear,
)

FAR_SEEN = SeenSide(
    _SAME.format("far"),
    FAR.select,
    FAR.upsert,
    FAR.clear,
)


def observe(
    connection: Statements,
    job: int,
    side: SeenSide,
    seen: Sequence[Observed],
    fresh: set[str] | None = None,
) -> None:
    """Stores listings; adds to `fresh` the folders in them that are new or were replaced."""
    for one in seen:
        key = parts.key_of(paths.check(one.path), one.first)
        row = (job, key, one.listing, parts.end_of(one.path))
        found = connection.execute(side.same, row).fetchall()
        same = found.pop(0)[1] if found and found[0][0] == key else None
        end = parts.from_key(found[0][0])[1] if found else ""
        if end != one.end or (one.first and same is None):
            _observe_aligned(connection, job, side, one, fresh)
        elif not same:
            _replace(connection, job, side, key, one.listing, fresh)
            if one.entries > LONGEST:
                parts.split(connection, job, key)


def _observe_aligned(
    connection: Statements, job: int, side: SeenSide, one: Observed, fresh: set[str] | None
) -> None:
    """Stores a part that the rows do not have like this."""
    starts = parts.align(connection, job, one.path, one.first, one.end)
    columns = orjson.loads(one.listing)
    for start, end in zip(starts, [*starts[1:], one.end], strict=True):
        key = parts.key_of(one.path, start)
        listing = orjson.dumps(parts.between(columns, start, end))
        _replace(connection, job, side, key, listing, fresh)


def _replace(
    connection: Statements,
    job: int,
    side: SeenSide,
    key: bytes,
    listing: bytes,
    fresh: set[str] | None,
) -> None:
    """Writes a listing, if it is another one.

    What is below a folder that is not in it any more is gone too. That may be a folder that the job
    itself has made, and that no listing has shown: then both sides have agreed on it.
    """
    row = connection.execute(side.read, (job, key)).fetchone()
    if row and row[0] == listing:
        return
    known = row is not None and row[0] is not None
    if known or fresh is not None:
        folder, _ = parts.from_key(key)
        before, now = _subfolders(row[0] if known else None), _subfolders(listing)
        (agreed,) = connection.execute(BASE.select, (job, key)).fetchone() if known else (None,)
        for name in (before.keys() | _subfolders(agreed).keys()) - now.keys():
            low, high = at_or_below(paths.join(folder, name))
            connection.execute(side.clear, (job, low, high))
        if fresh is not None:
            fresh |= {paths.join(folder, name) for name, _ in now.items() - before.items()}
    connection.execute(side.write, (job, key, listing))


def _subfolders(listing: bytes | None) -> dict[str, int]:
    """The folders in a listing or in what was agreed on: name -> ident."""
    columns = orjson.loads(listing) if listing else []
    if not columns:
        return {}
    names, kinds, idents = columns[0], columns[1], columns[6]
    return {
        name: ident
        for name, kind, ident in zip(names, kinds, idents, strict=True)
        if kind == FOLDER
    }
