"""What gets copies first, where, how fast; and when surplus goes."""

import pytest

from cargo_sync.machines.nodes.repair import (
    Missing,
    Stock,
    SurplusWatch,
    is_drained,
    missing,
    pause,
    plan,
    targets,
)
from cargo_sync.machines.nodes.states import NodeState
from tests.machines.nodes.members import members


def stock(number: int, on: str, wanted: int = 2, blobs: int = 10) -> Stock:
    nodes = frozenset(int(id) for id in on.split())
    return Stock(number, 1, nodes, wanted, blobs, blobs * 100)


@pytest.mark.parametrize(
    ("nodes", "stocks", "order"),
    [
        ("1a+ 2b+ 3c+", [stock(1, "1 2"), stock(2, "1")], [2]),
        # The fewest that can be read come first, then those that lack most.
        ("1a+ 2b+ 3c+", [stock(1, "1 2", 3), stock(2, "2", 2), stock(3, "3", 3)], [3, 2, 1]),
        # Nothing can be read, or nobody can take it.
        ("1a- 2b+ 3c+", [stock(1, "1"), stock(2, "")], []),
        ("1a+ 2a+", [stock(1, "1 2")], []),
        ("1a+ 2a+ 3b+", [stock(1, "1 2")], [1]),
        ("1a+ 2b=", [stock(1, "1")], []),
        # A node that joins is about to say what it has.
        ("1a+ 2b+ 3c*", [stock(1, "1")], []),
        # An hour of silence; a person who wants a node empty.
        ("1a- 2b+ 3c+", [stock(1, "1 2")], []),
        ("1ax 2b+ 3c+", [stock(1, "1 2")], [1]),
        ("1a> 2b+ 3c+", [stock(1, "1 2")], [1]),
        ("1a> 2b+", [stock(1, "1", 1)], [1]),
    ],
)
def test_the_order_of_repairs(nodes: str, stocks: list[Stock], order: list[int]) -> None:
    assert [one.stock.placement for one in plan(stocks, members(nodes))] == order


@pytest.mark.parametrize(
    ("nodes", "on", "never", "chosen"),
    [
        ("1a+ 2b+ 3c+", "1", {3}, [2]),
        ("1a+ 2b+ 3c+", "1", {2, 3}, []),
        ("1a+ 2a+ 3a+ 4b+", "1 2", (), [4]),
        ("1a+ 2a+", "1", (), [2]),
    ],
)
def test_where_repairs_go(nodes: str, on: str, never: set[int], chosen: list[int]) -> None:
    assert targets(stock(1, on), members(nodes), 0, never, lambda: 0.0) == chosen


def test_what_is_missing() -> None:
    nodes = members("1a+ 2bx 3c-")
    stocks = [stock(1, "1 2"), stock(2, "1 3"), stock(3, ""), stock(4, "3 2", 3), stock(5, "1", 1)]
    assert missing(stocks, nodes) == Missing(
        blobs=30, copies=10 + 20 + 20, bytes=1_000 + 2_000 + 2_000, lost=10, waits=10
    )
    assert missing([], nodes) == Missing()
    # What is nowhere may be found on a node that has not given its inventory.
    for more in ({4: members("4d*")[4]}, {4: members("4d-")[4]._replace(known=False)}):
        found = missing(stocks, {**nodes, **more})
        assert (found.lost, found.waits) == (0, 20)


@pytest.mark.parametrize(
    ("nodes", "on", "drained"),
    [
        ("1a> 2b+ 3c+", "1 2 3", True),
        ("1a> 2b+ 3c+", "1 2", False),
        ("1a> 2b+ 3c+", "2", True),
        ("1a> 2b+ 3c-", "1 2 3", False),
        ("1a> 2b+ 3b+", "1 2 3", False),
    ],
)
def test_a_node_is_drained_when_nothing_needs_it(nodes: str, on: str, drained: bool) -> None:
    known = members(nodes)
    assert is_drained([stock(1, on)], known, 1) is drained
    # It may have what is nowhere else, as long as nobody has looked through its folder.
    unknown = {**known, 1: known[1]._replace(known=False)}
    assert not is_drained([stock(1, on)], unknown, 1)
    joining = {**known, 1: known[1]._replace(state=NodeState.JOINING)}
    assert not is_drained([stock(1, on)], joining, 1)


@pytest.mark.parametrize(
    ("size", "seconds", "rest"), [(25_000_000, 0.25, 0.75), (25_000_000, 2.0, 0.0), (0, 0.0, 0.0)]
)
def test_a_repair_keeps_to_its_rate(size: int, seconds: float, rest: float) -> None:
    assert pause(size, seconds, 200_000_000) == rest


def test_surplus_goes_after_a_day_of_it() -> None:
    watch, nodes = SurplusWatch(), members("1a+ 2b+ 3c+9")
    some = [stock(1, "1 2 3"), stock(2, "1 2")]
    assert not watch.due(some, nodes, 0.0)
    assert not watch.due(some, nodes, 86_399.0)
    found = watch.due(some, nodes, 86_400.0)
    assert {one.placement: extra.spare for one, extra in found.items()} == {1: (3,)}
    # A node was away meanwhile: the day begins again.
    assert not watch.due(some, members("1a- 2b+ 3c+9"), 90_000.0)
    assert not watch.due(some, nodes, 90_001.0)
