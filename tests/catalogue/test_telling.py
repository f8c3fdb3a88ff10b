"""What the history tells of changes to a catalogue.

Words as in the catalogue's own suite: `a/x` is a file of one byte, `a/x=7` one of seven, `a/` a
folder; `-a` is gone, `a>b` has moved.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.catalogue import unfinished
from cargo_sync.catalogue.contract import Put, PutColumns
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.model.history import OTHERS, ChangeCause, HistoryKind
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.database import Database
from cargo_sync.state.history import HistoryFilter, HistoryRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.conformance.test_catalogue import change

UP = ChangeCause("ana", puts=HistoryKind.UPLOADED)
CHANGES = ChangeCause("ben", puts=None)


class Told:
    """A catalogue and what its history tells since the last look."""

    def __init__(self, database: Database) -> None:
        self.rows = HistoryRows(database, lambda: 5.0, lambda: 5.0)
        self.catalogue = StoredCatalogue(database, self.rows)
        self.id = self.catalogue.workspace("/srv", lambda: "e").id
        self._seen = 0

    def __call__(self, words: str, cause: ChangeCause = OTHERS) -> str:
        self.catalogue.record(self.id, [change(word) for word in words.split()], cause)
        return self.since()

    def since(self) -> str:
        page = self.rows.after(self._seen, HistoryFilter(), 1_000)
        self._seen = page.next
        return ", ".join(
            f"{row.batch.user or '-'} {row.batch.kind} "
            f"{row.before}{'>' if row.before else ''}{row.path}"
            for row in page.rows
        )


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        yield Told(database)


def test_new_contents_are_told_and_folders_are_not(told: Told) -> None:
    assert told("a/ a/x b", UP) == "ana uploaded a/x, ana uploaded b"
    assert told("c") == "- changed c"
    assert told("c/") == "- deleted c"
    assert told("a/ a/x b", UP) == ""  # nothing is new


def test_what_is_replaced_is_told_first(told: Told) -> None:
    told("a b", UP)
    assert told("a=2", UP) == "ana displaced a, ana uploaded a"
    assert told("b=2") == "- changed b"  # its old content is lost
    assert told("a/", CHANGES) == "ben displaced a"
    told("a/y a/z", UP)
    assert (
        told("a=3", UP) == "ana displaced a/, ana displaced a/y, ana displaced a/z, ana uploaded a"
    )


def test_a_new_time_or_mode_is_not_told(told: Told) -> None:
    put = change("a")
    assert isinstance(put, Put)
    known = put._replace(entry=put.entry._replace(hash="ab" * 32))
    touched = known._replace(entry=known.entry._replace(mtime_ns=9))
    told.catalogue.record(told.id, [known], UP)
    told.since()
    for cause, expected in (
        (OTHERS, ""), (CHANGES, ""), (UP, "ana displaced a, ana uploaded a"),
    ):  # fmt: skip
        touched = touched._replace(entry=touched.entry._replace(mtime_ns=touched.ctime_ns))
        touched = touched._replace(ctime_ns=touched.ctime_ns + 1)
        told.catalogue.record(told.id, [touched], cause)
        assert told.since() == expected


def test_deletions_tell_each_file(told: Told) -> None:
    told("a/ a/b/ a/b/x a/y c/ d", UP)
    assert told("-a -c -d -none", CHANGES) == (
        "ben deleted a/, ben deleted a/b/x, ben deleted a/y, ben deleted c/, ben deleted d"
    )
    assert told("-a", CHANGES) == ""
    told("e f", UP)
    assert told("-") == "- deleted e, - deleted f"  # the whole workspace is empty


def test_moves_tell_their_top(told: Told) -> None:
    told("a/ a/x b", UP)
    assert told("a>c b>d", CHANGES) == "ben moved a/>c/, ben moved b>d"
    assert told("c<>d", CHANGES) == "ben moved c/>d/, ben moved d>c"


def test_of_a_large_folder_the_rest_follows_with_its_rows(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "LARGE", 3)
    told("a/ " + " ".join(f"a/{number}" for number in range(5)), UP)
    assert told("-a", ChangeCause("ben", "10.0.0.7", "run")) == "ben deleted a/"
    told.catalogue.finish(told.id, 3)
    assert told.since() == "ben deleted a/0, ben deleted a/1, ben deleted a/2"
    while told.catalogue.finish(told.id, 3):
        pass
    assert told.since() == "ben deleted a/3, ben deleted a/4"
    [first, *_] = told.rows.before(99, HistoryFilter(), 1).rows
    assert (first.batch.address, first.batch.origin) == ("10.0.0.7", "run")


def test_a_move_beside_a_large_folder_that_is_gone_tells_the_rest_first(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "LARGE", 3)
    told("b a/ " + " ".join(f"a/{number}" for number in range(4)), UP)
    told("-a", CHANGES)
    assert told("b>a") == ", ".join(
        [*(f"ben deleted a/{number}" for number in range(4)), "- moved b>a"]
    )


def test_columns_tell_as_rows_do(told: Told) -> None:
    puts = [change(word) for word in ("a=3", "b=4")]
    columns = PutColumns.of(puts)  # type: ignore[arg-type]  # they are puts
    told.catalogue.record(told.id, [columns], UP)
    assert told.since() == "ana uploaded a, ana uploaded b"
    told.catalogue.record(told.id, [columns], UP)
    assert told.since() == ""


def test_what_cannot_be_recorded_is_not_told(told: Told) -> None:
    told("a", UP)
    with pytest.raises(ProblemError, match="exist"):
        told("b c>d", UP)
    assert told.since() == ""


def test_without_a_history_nothing_is_told(tmp_path: Path) -> None:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        catalogue = StoredCatalogue(database)
        space = catalogue.workspace("/srv", lambda: "e").id
        assert catalogue.record(space, [change("a")], UP).told == []
        assert HistoryRows(database, lambda: 0.0, lambda: 0.0).newest() == 0
