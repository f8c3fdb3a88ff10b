"""What the SQLite catalogue adds to the contract: kills, and the order of its own table."""

from pathlib import Path

import pytest

from cargo_sync.catalogue.contract import CatalogueMove, Change, Gone, Put
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.state.database import Database
from tests.state.crash import crashes


def put(path: str, kind: str = FILE, size: int = 1) -> Put:
    return Put(path, Entry(paths.name(path), kind, size), 1, 1)


def tree(database: Database) -> tuple[int, list[tuple[str, int]]]:
    catalogue = StoredCatalogue(database)
    workspace = catalogue.workspace("/srv", lambda: "e")
    page = catalogue.changes(workspace.id, 0, "", 1000)
    return workspace.sequence, [(path, entry.version if entry else 0) for path, entry in page.rows]


@pytest.mark.sqlite
def test_a_kill_at_any_write_leaves_the_old_rows_or_the_new_ones(tmp_path: Path) -> None:
    def before(database: Database) -> None:
        catalogue = StoredCatalogue(database)
        workspace = catalogue.workspace("/srv", lambda: "e").id
        catalogue.record(workspace, [put("a", FOLDER), put("a/x"), put("b")])

    def work(database: Database) -> None:
        many: list[Change] = [put(f"n{number}") for number in range(12)]
        changes: list[Change] = [put("b", size=2), CatalogueMove("a", "c", 9), Gone("c/x"), *many]
        StoredCatalogue(database).record(1, changes)

    seen = [tree(database) for database in crashes(tmp_path, "server", before, work, 10)]
    assert seen[0] == (3, [("a", 1), ("a/x", 2), ("b", 3)])
    assert seen[:-1] == [seen[0]] * (len(seen) - 1)
    assert seen[-1][0] == 21
    assert seen[-1][1][:5] == [("b", 4), ("c", 1), ("a", 0), ("a/x", 0), ("c/x", 0)]


def test_no_two_rows_share_a_number_and_none_is_ahead_of_the_sequence(server: Database) -> None:
    catalogue = StoredCatalogue(server)
    workspace = catalogue.workspace("/srv", lambda: "e").id
    for turn in range(40):
        folder, other = f"d{turn % 3}", f"d{(turn + 1) % 3}"
        catalogue.record(
            workspace, [Gone(other), put(folder, FOLDER), put(f"{folder}/x", size=turn)]
        )
        catalogue.record(
            workspace, [CatalogueMove(folder, other, turn), put("f", (FILE, FOLDER)[turn % 2])]
        )
        with server.read() as connection:
            rows, numbers, versions, newest = connection.execute(
                "SELECT count(*), count(DISTINCT changed), count(DISTINCT version), max(changed) "
                "FROM entry"
            ).fetchone()
        assert rows == numbers == versions
        assert newest == catalogue.workspace("/srv", lambda: "").sequence
