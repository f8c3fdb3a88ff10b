"""The orders of deletion that a node has taken: they survive its restart."""

from contextlib import closing
from pathlib import Path

import pytest

from cargo_sync.machines.nodes.orders import DeletionOrder, OrderVerdict
from cargo_sync.state import node_orders
from cargo_sync.state.node_orders import NodeOrders
from cargo_sync.state.sqlite.database import SqliteDatabase

TAKEN, LATE, DISPLACED = OrderVerdict.TAKEN, OrderVerdict.LATE, OrderVerdict.DISPLACED


def test_what_was_taken_or_displaced_is_known_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    one, two = DeletionOrder("one", 7), DeletionOrder("two", 1)
    with closing(SqliteDatabase.open(path, "node")) as database:
        orders = NodeOrders(database)
        assert orders.last() == DeletionOrder()
        assert orders.take(one, None) is LATE
        assert orders.take(one, DeletionOrder()) is TAKEN
        assert orders.take(two, one) is TAKEN
    with closing(SqliteDatabase.open(path, "node")) as database:
        orders = NodeOrders(database)
        assert orders.last() == two
        assert orders.take(two, None) is LATE
        assert orders.take(DeletionOrder("one", 8), two) is DISPLACED
        assert orders.take(two._replace(number=2), None) is TAKEN
        assert orders.last().number == 2


def test_only_the_last_lineages_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_orders, "KEPT", 3)
    with closing(SqliteDatabase.open(str(tmp_path / "state.db"), "node")) as database:
        orders = NodeOrders(database)
        for number in range(9):
            assert orders.take(DeletionOrder(f"l{number}", 1), orders.last()) is TAKEN
        with database.read() as connection:
            found = connection.execute("SELECT lineage FROM coordinator ORDER BY turn").fetchall()
    assert [lineage for (lineage,) in found] == ["l6", "l7", "l8"]
