"""The history in a server's state: batches in, pages of files out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model.history import ChangeCause, HistoryFiles, HistoryKind
from cargo_sync.model.path_pattern import PathPattern
from cargo_sync.state import history
from cargo_sync.state.database import Database
from cargo_sync.state.history import HistoryFilter, HistoryRows, MovedTotals
from cargo_sync.state.sqlite.database import SqliteDatabase

ANA, BEN = ChangeCause("ana", "10.0.0.7", "run", "1f2e3d4c"), ChangeCause("ben")
ALL = HistoryFilter()
UPLOADED, DELETED, MOVED = HistoryKind.UPLOADED, HistoryKind.DELETED, HistoryKind.MOVED
DOWNLOADED = HistoryKind.DOWNLOADED


class Shelf:
    """A history whose clocks are the test's."""

    def __init__(self, database: Database) -> None:
        self.now = 1_000.0
        self.rows = HistoryRows(database, lambda: self.now, lambda: self.now)

    def add(
        self, words: str, cause: ChangeCause = ANA, kind: HistoryKind = UPLOADED, workspace: int = 1
    ) -> None:
        """`a b=3 x>y`: files, with sizes, or moved."""
        paths, sizes, before = [], [], []
        for word in words.split():
            source, arrow, path = word.rpartition(">")
            path, _, size = path.partition("=")
            paths.append(path)
            sizes.append(int(size or 1))
            before += [source] if arrow else []
        count = len(paths)
        files = HistoryFiles(paths, sizes, [""] * count, [1] * count, before)
        self.rows.add(workspace, cause, kind, files)

    def after(self, cursor: int, limit: int = 100, **wanted: Any) -> str:
        page = self.rows.after(cursor, HistoryFilter(**wanted), limit)
        return f"{_words(page.rows)} ({page.next}{' more' if page.more else ''})"

    def before(self, cursor: int = 2**62, limit: int = 100, **wanted: Any) -> str:
        page = self.rows.before(cursor, HistoryFilter(**wanted), limit)
        return f"{_words(page.rows)} ({page.next if page.more else ''})"


def _words(rows: list[Any]) -> str:
    return " ".join(f"{row.path}@{row.cursor}" for row in rows)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        yield Shelf(database)


def test_pages_cut_batches_anywhere(shelf: Shelf) -> None:
    assert (shelf.after(0), shelf.before(), shelf.rows.bounds()) == (" (0)", " ()", (1, 0))
    shelf.add("a b c")
    shelf.add("d")
    shelf.add("e f")
    assert shelf.rows.bounds() == (1, 6)
    assert shelf.after(0) == "a@1 b@2 c@3 d@4 e@5 f@6 (6)"
    assert shelf.after(0, 2) == "a@1 b@2 (2 more)"
    assert shelf.after(2, 2) == "c@3 d@4 (4 more)"
    assert shelf.after(4, 2) == "e@5 f@6 (6)"
    assert shelf.after(9) == " (9)"
    assert shelf.before(limit=2) == "f@6 e@5 (5)"
    assert shelf.before(5, 3) == "d@4 c@3 b@2 (2)"
    assert shelf.before(2, 3) == "a@1 ()"
    assert shelf.before(1) == " ()"


def test_a_row_says_who_did_what_and_how_fast(shelf: Shelf) -> None:
    shelf.add("in/a=500 in/b=500", ANA._replace(seconds=4.0))
    [_, row] = shelf.rows.after(0, ALL, 9).rows
    batch = row.batch
    assert (batch.time, batch.workspace, batch.kind) == (1_000.0, 1, UPLOADED)
    assert (batch.user, batch.address, batch.origin, batch.flow) == ANA[:4]
    assert (batch.files, batch.bytes, batch.speed, row.size) == (2, 1_000, 2_000, 500)


def test_filters(shelf: Shelf) -> None:
    shelf.add("clip1 in/clip2")
    shelf.now += 10
    shelf.add("clip1", BEN, DELETED, workspace=2)
    shelf.now += 10
    shelf.add("in/>out/ in/x>out/x", BEN, MOVED)
    assert shelf.after(0, user="ben") == "clip1@3 out/@4 out/x@5 (5)"
    assert shelf.before(kind=DELETED) == "clip1@3 ()"
    assert shelf.before(workspaces=(2, 7)) == "clip1@3 ()"
    assert shelf.before(workspaces=()) == " ()"
    assert shelf.before(since=1_010.0, until=1_020.0) == "clip1@3 ()"
    assert shelf.after(0, since=1_020.5) == " (5)"
    assert shelf.after(0, pattern=PathPattern("clip*")) == "clip1@1 in/clip2@2 clip1@3 (5)"
    # A path also finds what happened to the folder that it was in, before and after.
    assert shelf.after(0, pattern=PathPattern("in/clip2")) == "in/clip2@2 out/@4 (5)"
    assert shelf.after(0, pattern=PathPattern("out/x")) == "out/@4 out/x@5 (5)"
    assert shelf.after(0, pattern=PathPattern("in/x")) == "out/@4 out/x@5 (5)"
    assert shelf.after(0, pattern=PathPattern("in/clip")) == "out/@4 (5)"
    assert shelf.after(0, pattern=PathPattern("i")) == " (5)"


def test_a_page_ends_when_it_has_looked_at_enough(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        shelf.add(f"a{number} b{number}")
    wanted = PathPattern("b5")
    monkeypatch.setattr(history, "LOOKED_AT", 4)
    assert shelf.after(0, pattern=wanted) == " (4 more)"
    assert shelf.after(4, pattern=wanted) == " (8 more)"
    assert shelf.after(8, pattern=wanted) == "b5@12 (12)"
    assert shelf.before(9, pattern=wanted) == " (5)"
    monkeypatch.setattr(history, "LOOKED_AT", 10**9)
    monkeypatch.setattr(history, "BATCHES", 2)
    assert shelf.after(0, pattern=wanted) == " (4 more)"
    assert shelf.before(5, pattern=wanted) == " (1)"


def test_a_large_batch_becomes_several_rows(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST", 2)
    shelf.add("a b c d e")
    assert shelf.after(1) == "b@2 c@3 d@4 e@5 (5)"
    assert [row.batch.files for row in shelf.rows.after(0, ALL, 9).rows] == [2, 2, 2, 2, 1]


def test_how_much_a_user_moved(shelf: Shelf) -> None:
    shelf.add("a=5 b=6")
    shelf.add("a=5", kind=DELETED)
    shelf.add("a=7", kind=DOWNLOADED)
    shelf.add("a=9", BEN)
    shelf.now += 100
    shelf.add("c=1")
    assert shelf.rows.moved("ana", 0.0) == MovedTotals(3, 12, 1, 7)
    assert shelf.rows.moved("ana", 1_050.0) == MovedTotals(1, 1, 0, 0)
    assert shelf.rows.moved("nobody", 0.0) == MovedTotals()


def test_old_batches_and_too_many_files_go(shelf: Shelf) -> None:
    for words in ("a b", "c", "d e f"):
        shelf.add(words)
        shelf.now += 100
    assert shelf.rows.prune(1_050.0, 99, 1) == 1
    assert shelf.rows.prune(1_050.0, 99, 1) == 0
    assert (shelf.after(0), shelf.rows.bounds()) == ("c@3 d@4 e@5 f@6 (6)", (3, 6))
    assert shelf.rows.prune(0.0, 3, 9) == 1
    assert shelf.rows.bounds() == (4, 6)
    assert shelf.rows.prune(1e9, 99, 9) == 1
    assert shelf.rows.bounds() == (7, 6)
    shelf.add("g")
    assert shelf.after(0) == "g@7 (7)"  # no cursor is used twice
