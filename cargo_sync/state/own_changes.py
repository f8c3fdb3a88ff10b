"""Own changes of the far side: what was agreed on becomes what was seen there.

A job that has uploaded files has their agreements, with the versions that the server gave them. So
the server need not list them: their rows of the far side are made of these agreements.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final

import orjson

from cargo_sync.machines.own_changes import OwnChanges, VersionRange
from cargo_sync.model import paths
from cargo_sync.model.entries import Entry
from cargo_sync.model.large_folders import LONGEST
from cargo_sync.state import parts
from cargo_sync.state.database import Database, Statements
from cargo_sync.state.deltas import FAR, ColumnDeltas

TOGETHER: Final = 100
"""Folders that are written in one transaction."""

# The columns of an agreement (model.agreed) that are those of the far side's entry
# (model.entries), and those of the local one.
_FAR: Final = (0, 1, 2, 3, 4, 7, 8, 9, 10)
_NEAR: Final = 7
_VERSION: Final = 7

_ROWS: Final = """
SELECT path, near, far, base, settled FROM folder WHERE job = ? AND path >= ? AND path < ?
"""
_WRITE: Final = """
UPDATE folder SET far = ?1, settled = ?2, revision = revision + 1,
    drifted = CASE WHEN ?2 THEN 0 ELSE drifted END WHERE job = ?3 AND path = ?4
"""

_Columns = list[list[Any]]


def adopt(database: Database, job: int, own: OwnChanges) -> bool:
    """Stores own changes as seen on the far side.

    Returns:
        Whether all of them were found. If not, those that were found are stored.
    """
    found = 0
    for start in range(0, len(own.folders), TOGETHER):
        with database.transaction() as connection:
            deltas = ColumnDeltas(connection, job, FAR)
            for folder in own.folders[start : start + TOGETHER]:
                found += _adopt_folder(connection, job, folder, own.ranges, deltas)
            deltas.write(cut=True)
    return found == own.versions


def _adopt_folder(
    connection: Statements,
    job: int,
    folder: str,
    ranges: Sequence[VersionRange],
    deltas: ColumnDeltas,
) -> int:
    found = 0
    where = job, paths.key(folder), parts.end_of(folder)
    for key, near, far, base, settled in connection.execute(_ROWS, where).fetchall():
        agreed: _Columns = orjson.loads(base) if base else []
        chosen = _chosen(agreed[_VERSION], ranges) if agreed else []
        found += len(chosen)
        if far and far != b"[]":
            for at in chosen:
                row = Entry._make(agreed[column][at] for column in _FAR)
                deltas.put(paths.join(folder, row.name), row)
        elif chosen:
            # Nothing of this part was seen there yet: whole columns are taken.
            whole = len(chosen) == len(agreed[_VERSION])
            listing = [
                agreed[column] if whole else [agreed[column][at] for at in chosen]
                for column in _FAR
            ]
            # What was settled without these rows stays so if both sides are as agreed.
            same = whole and bool(near) and orjson.loads(near)[:_NEAR] == agreed[:_NEAR]
            connection.execute(_WRITE, (orjson.dumps(listing), settled and same, job, key))
            if len(chosen) > LONGEST:
                parts.split(connection, job, key)
    return found


def _chosen(versions: Sequence[int], ranges: Sequence[VersionRange]) -> Sequence[int]:
    """The positions of the versions that are in one of the ranges."""
    first, last = ranges[0][0], ranges[-1][1]
    if len(ranges) == 1 and first <= min(versions) and max(versions) <= last:
        return range(len(versions))
    firsts = [one[0] for one in ranges]
    return [
        at
        for at, version in enumerate(versions)
        if first <= version <= last and version <= ranges[bisect_right(firsts, version) - 1][1]
    ]
