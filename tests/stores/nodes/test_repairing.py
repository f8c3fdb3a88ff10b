"""When a repair rests: not because something of its stock changed while it looked."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, cast

import pytest

from cargo_sync.machines.nodes.states import Members
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.blobs import BlobRow
from cargo_sync.state.placements import Holding
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.nodes.ports import Cluster, Results
from cargo_sync.stores.nodes.repairing import Repairing
from tests.machines.nodes.members import members
from tests.stores.nodes.house import in_thread

HASH = "5" * 64
ONE, BOTH = 1, 2
"""Placements: on the first node alone, and on both."""


class Rows:
    """One content of two copies, of which one is missing whenever the repair looks what is."""

    def __init__(self, seen: Sequence[int]) -> None:
        """`seen` are the placements that the next calls find."""
        self._seen = list(seen)

    def holdings(self) -> list[Holding]:
        return [Holding(ONE, 1, 1, 5)]

    def placements(self) -> dict[int, frozenset[int]]:
        return {ONE: frozenset({1}), BOTH: frozenset({1, 2})}

    def page(self, placement: int, after: str, limit: int) -> list[str]:
        return [HASH] if after < HASH else []

    def find(self, hashes: Collection[str]) -> list[BlobRow]:
        place = self._seen.pop(0) if self._seen and hashes else ONE
        return [BlobRow(hash, 1, 5, place) for hash in hashes]

    def nodes(self, workspace: int, hashes: Collection[str]) -> list[frozenset[int]]:
        return [self.placements()[row.placement] for row in self.find(hashes)]


class Links:
    """Two nodes, of which none can be read, or takes anything."""

    def __init__(self, *, reads: bool) -> None:
        self.asked = 0
        self._reads = reads

    def members(self) -> Members:
        return members("1a+ 2b+")

    async def fetch(self, node: int, contents: object) -> Any:
        self.asked += 1
        if self._reads:
            return Results([None])
        raise ProblemError(Problem(Code.CUT, "it is away"))

    def session(self, node: int) -> None:
        return None

    def release(self, hashes: object) -> None:
        pass


@pytest.mark.parametrize(
    ("seen", "leaving", "reads", "asked"),
    [
        ([], [], False, 1),  # it cannot be made: the stock rests
        ([], [], True, 1),
        ([BOTH], [], False, 1),  # it was made, and lost again: it is looked at anew
        ([], [HASH], True, 2),  # somebody deletes a copy, for a moment
    ],
)
async def test_what_changed_on_the_way_is_no_reason_to_rest(
    seen: list[int], leaving: list[str], reads: bool, asked: int
) -> None:
    links, claims = Links(reads=reads), Claims()
    world = World(lambda: 5.0, lambda: 5.0, lambda: 0.5, lambda: "", in_thread, lambda: 5.0)
    cluster = Cluster(
        cast(Any, Rows(seen)),
        cast(Any, links),
        claims,
        world,
        lambda workspace: 2,
        asyncio.sleep,
        cast(Any, asyncio.gather),
    )
    repairing = Repairing(cluster)
    with claims.deleting(leaving):
        for _ in range(4):  # no time passes: a stock that rests is not looked at
            await repairing.step()
    assert links.asked == asked
