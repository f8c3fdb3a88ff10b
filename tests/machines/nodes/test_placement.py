"""Which nodes get copies."""

from collections import Counter
from random import Random

import pytest

from cargo_sync.machines.nodes.placement import choose, quorum
from tests.machines.nodes.members import GIB, members


@pytest.mark.parametrize(("copies", "needed"), [(1, 1), (2, 2), (3, 2), (4, 2)])
def test_a_quorum(copies: int, needed: int) -> None:
    assert quorum(copies) == needed


@pytest.mark.parametrize(
    ("nodes", "taken", "count", "chosen"),
    [
        ("1a+ 2b+", "", 2, {1, 2}),
        # Zones that have a copy are avoided, as long as there are others.
        ("1a+ 2a+ 3b+", "1", 1, {3}),
        ("1a+ 2a+ 3b+", "1", 2, {2, 3}),
        ("1a+ 2a+", "1", 1, {2}),
        # A copy that does not count does not occupy its zone, but its node gets no second one.
        ("1ax 2a+ 3b-", "1", 1, {2}),
        # Only nodes that are up, with room.
        ("1a? 2b- 3cx 4d> 5e* 6f=", "", 3, set()),
        ("1a+0 2b+1", "", 2, {2}),
        ("1a+", "", 2, {1}),
        ("", "", 1, set()),
    ],
)
def test_nodes_are_chosen(nodes: str, taken: str, count: int, chosen: set[int]) -> None:
    ids = {int(id) for id in taken.split()}
    for seed in range(20):
        assert set(choose(members(nodes), ids, count, 0, Random(seed).random)) == chosen


def test_what_does_not_fit_is_not_placed() -> None:
    assert choose(members("1a+5 2b+9"), (), 2, 8 * GIB, lambda: 0.0) == [2]


def test_zones_are_distinct_while_there_are_enough() -> None:
    nodes = members("1a+ 2a+ 3a+ 4b+")
    for seed in range(50):
        assert 4 in choose(nodes, (), 2, 0, Random(seed).random)


def test_free_room_is_the_weight() -> None:
    random, counted = Random(7), Counter[int]()
    nodes = members("1a+10 2b+20 3c+70")
    for _ in range(2_000):
        counted.update(choose(nodes, (), 1, 0, random.random))
    shares = [round(counted[id] / 2_000, 1) for id in (1, 2, 3)]
    assert shares == [0.1, 0.2, 0.7]
    assert choose(nodes, (), 1, 0, lambda: 0.999_999_999_999) == [3]
