"""What a removed user had added to drop boxes."""

from pathlib import Path

from cargo_sync.catalogue.contract import Put
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.state.drop_boxes import drop_box_root, end_drop_boxes, forget_drop_boxes
from cargo_sync.state.sqlite.database import SqliteDatabase


def test_it_is_forgotten_in_parts_and_that_of_others_stays(tmp_path: Path) -> None:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        catalogue = StoredCatalogue(database)
        ids = {}
        for user in ("ana", "an", "ana'"):
            root = drop_box_root(user, "/srv/box", "in/it's")
            ids[user] = catalogue.workspace(root, lambda: "epoch").id
            some = [Put(name, Entry(name, FILE), 0, 0) for name in "abcde"]
            catalogue.record(ids[user], some)
        with database.transaction() as connection:
            end_drop_boxes(connection, "ana")
        again = catalogue.workspace(drop_box_root("ana", "/srv/box", "in/it's"), lambda: "new")
        assert again.id not in ids.values()
        parts = 0
        while forget_drop_boxes(database, 2):
            parts += 1
        assert parts == 3
        left = {one: len(catalogue.listing(ids[one], "")) for one in ("an", "ana'")}
        assert left == {"an": 5, "ana'": 5}
        with database.read() as connection:
            found = connection.execute("SELECT count(*) FROM workspace").fetchone()
            rows = connection.execute(
                "SELECT count(*) FROM entry WHERE workspace = ?", (ids["ana"],)
            ).fetchone()
        assert (found, rows) == ((3,), (0,))
