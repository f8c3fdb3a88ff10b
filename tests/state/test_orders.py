from collections.abc import Callable
from itertools import count
from pathlib import Path

from cargo_sync.model.checkpoints import Checkpoint
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.orders import Left, Orders, Way
from cargo_sync.state.sqlite.database import SqliteDatabase

WAY = Way("get", "https://h:1", "ana", "default")
SOURCE = Entry("f", FILE, 9_000_000, version=3, ident=2)


def ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"id{next(numbers)}"


def test_the_same_order_has_the_same_id_across_restarts(tmp_path: Path) -> None:
    make = ids()
    for _ in range(2):
        with SqliteDatabase.open(str(tmp_path / "s.db"), "daemon") as database:
            orders = Orders(database, lambda: 1.0)
            assert orders.transfer_id(WAY, "a", "/n", SOURCE, "/r", make) == "id1"
    with SqliteDatabase.open(str(tmp_path / "s.db"), "daemon") as database:
        orders = Orders(database, lambda: 1.0)
        others = (
            (WAY._replace(verb="put"), "a", "/n"),
            (WAY._replace(url="u"), "a", "/n"),
            (WAY._replace(user="ben"), "a", "/n"),
            (WAY._replace(workspace="w"), "a", "/n"),
            (WAY, "b", "/n"),
            (WAY, "a", "/m"),
        )
        found = [orders.transfer_id(*other, SOURCE, "/r", make) for other in others]
        assert found == [f"id{number}" for number in range(2, 8)]


def test_another_version_takes_the_place_and_what_is_done_is_forgotten(tmp_path: Path) -> None:
    make = map("{:032x}".format, count(1)).__next__
    with SqliteDatabase.open(str(tmp_path / "s.db"), "daemon") as database:
        orders = Orders(database, lambda: 1.0)
        first = orders.transfer_id(WAY, "a", "/n", SOURCE, "/r", make)
        newer = SOURCE._replace(version=4)
        second = orders.transfer_id(WAY, "a", "/n", newer, "/r", make)
        third = orders.transfer_id(WAY, "a", "/n", SOURCE, "/r", make)
        assert [first, second, third] == [
            "0" * 31 + "1",
            "0" * 19 + "1" + "0" * 11 + "2",
            "0" * 19 + "2" + "0" * 11 + "3",
        ]
        orders.done(third)
        assert orders.transfer_id(WAY, "a", "/n", SOURCE, "/r", make) == "0" * 31 + "4"


def test_what_nobody_goes_on_with_is_dropped_once_its_checkpoint_has_gone(tmp_path: Path) -> None:
    make, now = ids(), [1.0]
    with SqliteDatabase.open(str(tmp_path / "s.db"), "daemon") as database:
        orders, checkpoints = (
            Orders(database, lambda: now[0]),
            Checkpoints(database, lambda: now[0]),
        )
        orders.transfer_id(WAY, "a", "/n", SOURCE, "/r", make)
        orders.transfer_id(WAY, "b", "/m", SOURCE, "", make)
        orders.transfer_id(WAY, "c", "/n", SOURCE, "", make)
        checkpoints.put(Checkpoint("id2", "b", 3, 2, 9, 0))
        assert orders.purge(1.0) == []
        now[0] = 10.0
        parts = [orders.purge(5.0, most=1) for _ in range(3)]
        assert parts == [[Left("id1", "/r")], [Left("id3", "")], []]
        checkpoints.drop("id2")
        assert orders.purge(5.0) == [Left("id2", "")]
