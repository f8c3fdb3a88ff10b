"""Sets of nodes by number, and how much of each workspace lies on each of them."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from cargo_sync.state.database import Statements

SPOOL: Final = 0
"""The placement of what lies in the spool alone."""
_FIND: Final = "SELECT id FROM placement WHERE nodes = ? ORDER BY id LIMIT 1"
_COUNT: Final = """
INSERT INTO holding (placement, workspace, blobs, bytes) VALUES (?, ?, ?, ?)
ON CONFLICT (placement, workspace)
DO UPDATE SET blobs = holding.blobs + excluded.blobs, bytes = holding.bytes + excluded.bytes
"""
_HELD: Final = """
SELECT placement, workspace, blobs, bytes FROM holding WHERE blobs > 0 ORDER BY placement, workspace
"""


class Holding(NamedTuple):
    """So many contents of a workspace have this placement, with so many bytes."""

    placement: int
    workspace: int
    blobs: int
    bytes: int


Tally = dict[tuple[int, int], tuple[int, int]]
"""By placement and workspace: how many contents more, or less than nothing, and bytes."""


def placement_of(connection: Statements, nodes: frozenset[int]) -> int:
    """The number of a set of nodes; a new one is written."""
    text = _text(nodes)
    found = connection.execute(_FIND, (text,)).fetchone()
    if found is None:
        found = connection.execute(
            "INSERT INTO placement (nodes) VALUES (?) RETURNING id", (text,)
        ).fetchone()
    return int(found[0])


def all_placements(connection: Statements) -> dict[int, frozenset[int]]:
    """The sets of nodes, by number."""
    rows = connection.execute("SELECT id, nodes FROM placement")
    return {SPOOL: frozenset(), **{id: _nodes(text) for id, text in rows}}


def living(connection: Statements, lives: Mapping[int, int]) -> frozenset[int]:
    """Those of these nodes whose folders have still the life that is given with them."""
    now = dict(connection.execute("SELECT id, life FROM node").fetchall())
    return frozenset(node for node, life in lives.items() if now.get(node) == life)


def drop_from_all(connection: Statements, node: int) -> None:
    """Takes a node out of all sets. Two numbers may then mean the same set."""
    rows = connection.execute(
        "SELECT id, nodes FROM placement WHERE instr(nodes, ?) > 0", (f",{node},",)
    )
    for id, text in rows.fetchall():
        connection.execute(
            "UPDATE placement SET nodes = ? WHERE id = ?", (_text(_nodes(text) - {node}), id)
        )


def holdings(connection: Statements) -> list[Holding]:
    """What each placement has of each workspace."""
    return [Holding(*row) for row in connection.execute(_HELD)]


def count(connection: Statements, tally: Tally) -> None:
    """Adds to what placements have."""
    for where, amounts in tally.items():
        if any(amounts):
            connection.execute(_COUNT, (*where, *amounts))


def add(tally: Tally, placement: int, workspace: int, blobs: int, size: int) -> None:
    """Notes a change, for `count`."""
    before = tally.get((placement, workspace), (0, 0))
    tally[placement, workspace] = before[0] + blobs, before[1] + size


def _text(nodes: Iterable[int]) -> str:
    return "," + "".join(f"{node}," for node in sorted(nodes))


def _nodes(text: str) -> frozenset[int]:
    return frozenset(int(node) for node in text.split(",") if node)
