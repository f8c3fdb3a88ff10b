"""The rows of unfinished uploads."""

from pathlib import Path

from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.uploads import USED, UploadRow, UploadRows


def test_they_are_kept_until_they_are_dropped_or_old(tmp_path: Path) -> None:
    now = [1_000.0]
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        space = StoredCatalogue(database).workspace("/srv", lambda: "e").id
        rows = UploadRows(database, lambda: now[0])
        some = [UploadRow(f"{n}", "ana", space, "default", f"p{n}", 9, 7, n) for n in range(3)]
        assert [rows.add(row, 2) for row in some] == [True, True, False]
        assert rows.get("1") == some[1]
        assert rows.get("2") is None
        now[0] += USED
        rows.use("0")
        assert rows.of("ana") == some[:2]
        assert rows.of("ben") == []
        rows.expect("0", 77)
        found = rows.get("0")
        assert found is not None and found.expected == 77
        assert rows.purge(now[0], 10) == 1
        assert [row.id for row in rows.of("ana")] == ["0"]
        rows.drop("0")
        assert rows.of("ana") == []
