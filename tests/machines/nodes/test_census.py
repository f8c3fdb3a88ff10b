"""What is missing, what of it can be made now, and which nodes have contents that lack copies."""

import pytest

from cargo_sync.machines.nodes.census import Census, MissingCopies, census
from cargo_sync.machines.nodes.repair import Stock, missing
from tests.machines.nodes.members import members
from tests.machines.nodes.test_repair import stock

ONE, TWO, THREE = (
    MissingCopies(10, 10, 1_000),
    MissingCopies(10, 20, 2_000),
    MissingCopies(20, 20, 2_000),
)


@pytest.mark.parametrize(
    ("nodes", "stocks", "possible", "on"),
    [
        ("1a+ 2b+ 3c+", [stock(1, "1 2")], MissingCopies(), {}),
        ("1a+ 2b+ 3c+", [stock(1, "1"), stock(2, "2 3")], ONE, {1: ONE}),
        ("1a+ 2b+ 3c+", [stock(1, "1"), stock(2, "1")], THREE, {1: THREE}),
        # Two are missing, and one node is left that takes them.
        ("1a+ 2b+ 3c=", [stock(1, "1", 3)], ONE, {1: TWO}),
        # No copy can be read; none is known.
        ("1ax 2b+ 3c+", [stock(1, "1"), stock(2, "")], MissingCopies(), {1: TWO}),
        # There is no other zone.
        ("1a+ 2a+", [stock(1, "1 2")], MissingCopies(), {1: ONE, 2: ONE}),
        # A person wants it empty, and a node that is gone: both have what lies elsewhere alone.
        ("1a> 2b+ 3c+", [stock(1, "1 2")], ONE, {1: ONE, 2: ONE}),
        ("1ax 2b+ 3c+", [stock(1, "1 2")], ONE, {1: ONE, 2: ONE}),
        # One that joins is about to say what it has.
        ("1a+ 2b+ 3c*", [stock(1, "1")], MissingCopies(), {1: ONE}),
        # A node that was removed meanwhile.
        ("1a+ 2b+", [stock(1, "1 7")], ONE, {1: ONE}),
    ],
)
def test_what_is_missing_and_where(
    nodes: str, stocks: list[Stock], possible: MissingCopies, on: dict[int, MissingCopies]
) -> None:
    found = members(nodes)
    assert census(stocks, found) == Census(missing(stocks, found), possible, on)
