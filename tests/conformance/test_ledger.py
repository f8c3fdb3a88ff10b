"""What every ledger of a trash keeps to: in memory, and in the states of a daemon and a server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.local.ledger import MemoryLedger, TrashLedger
from cargo_sync.model.displaced import (
    DisplacedVersion,
    TrashCause,
    TrashFilter,
    TrashState,
    TrashTotals,
)
from cargo_sync.state.displaced import DisplacedRows
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.sqlite.database import SqliteDatabase

Make = Callable[[Path, Callable[[], float], ExitStack], TrashLedger]


def in_memory(_: Path, clock: Callable[[], float], __: ExitStack) -> TrashLedger:
    return MemoryLedger(clock)


def of_a_daemon(folder: Path, clock: Callable[[], float], last: ExitStack) -> TrashLedger:
    database = last.enter_context(SqliteDatabase.open(str(folder / "state.db"), "daemon"))
    return DisplacedRows(database, JobRows(database).get_or_create("job").id, clock, clock)


def of_a_server(folder: Path, clock: Callable[[], float], last: ExitStack) -> TrashLedger:
    database = last.enter_context(SqliteDatabase.open(str(folder / "state.db"), "server"))
    owner = StoredCatalogue(database).workspace("/files", lambda: "epoch").id
    return DisplacedRows(database, owner, clock, clock)


class Scene:
    """A ledger and its clock."""

    def __init__(self, make: Make, folder: Path, last: ExitStack) -> None:
        self.now = 0.0
        self.ledger = make(folder, lambda: self.now, last)

    def add(self, path: str, size: int = 1, run: str = "r", kind: str = "f") -> None:
        place = f".cargo_sync/trash/{run}/{path}"
        version = DisplacedVersion(path, place, kind, size, "h", 7, TrashCause.DELETED, run, "ana")
        self.ledger.add([version])

    def paths(self) -> list[str]:
        """What is kept, the oldest first."""
        ids = [one.id for one in self.ledger.oldest(None, 100)]
        return [version.path for _, version in self.ledger.kept(ids)]


@pytest.fixture(params=[in_memory, of_a_daemon, of_a_server])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as last:
        yield Scene(request.param, tmp_path, last)


def test_versions_come_by_their_age(scene: Scene) -> None:
    for now, path in ((3.0, "c"), (1.0, "a"), (2.0, "b")):
        scene.now = now
        scene.add(path)
    assert scene.paths() == ["a", "b", "c"]
    first = scene.ledger.oldest(None, 1)
    assert [one.since for one in first] == [1.0]
    assert [one.since for one in scene.ledger.oldest(first[0], 10)] == [2.0, 3.0]


def test_totals_of_a_folder_leave_out_the_folder_itself(scene: Scene) -> None:
    for path, size in (("in/ben", 1), ("in/ben/a", 2), ("in/ben/x/b", 4), ("in/benny", 8)):
        scene.add(path, size)
    assert scene.ledger.totals("in/ben") == TrashTotals(2, 6)
    assert scene.ledger.totals("in") == TrashTotals(4, 15) == scene.ledger.totals()
    page = scene.ledger.page(TrashFilter(under="in/ben", within="in/ben"), None, 10)
    assert [row.version.path for row in page.rows] == ["in/ben/x/b", "in/ben/a"]


def test_pages_lose_none_of_the_same_age(scene: Scene) -> None:
    for number in range(5):
        scene.add(str(number))
    found, last = [], None
    while page := scene.ledger.oldest(last, 2):
        found += [one.id for one in page]
        last = page[-1]
    assert len(found) == len(set(found)) == 5


def test_what_ended_is_not_in_the_trash(scene: Scene) -> None:
    scene.add("a", 10)
    scene.add("b", 20, run="s")
    [a, b] = scene.ledger.oldest(None, 2)
    assert scene.ledger.totals() == TrashTotals(2, 30) and scene.ledger.runs() == {"r", "s"}
    scene.ledger.ended([a.id], TrashState.RESTORED, "elsewhere/a")
    assert scene.ledger.totals() == TrashTotals(1, 20) and scene.ledger.runs() == {"s"}
    assert [id for id, _ in scene.ledger.kept([b.id, a.id, 99, b.id])] == [b.id]


def test_a_known_place_keeps_its_row_and_its_age(scene: Scene) -> None:
    scene.add("a")
    [before] = scene.ledger.oldest(None, 9)
    scene.now = 5.0
    scene.add("a", 30)
    [after] = scene.ledger.oldest(None, 9)
    assert (after.id, after.since, after.size) == (before.id, before.since, 30)
    place = ".cargo_sync/trash/r/"
    assert scene.ledger.known([f"{place}a", f"{place}b"]) == {f"{place}a"}


def test_an_id_is_never_used_again(scene: Scene) -> None:
    scene.add("a")
    [first] = scene.ledger.oldest(None, 1)
    scene.ledger.ended([first.id], TrashState.FREED)
    scene.add("a")
    [second] = scene.ledger.oldest(None, 1)
    assert second.id != first.id and scene.paths() == ["a"]


def test_folders_are_measured_later(scene: Scene) -> None:
    scene.add("d", -1, kind="d")
    assert scene.ledger.totals() == TrashTotals(1, 0)
    [(id, place)] = scene.ledger.unmeasured(9)
    assert place.endswith("/d")
    scene.ledger.measured([(id, 40)])
    assert scene.ledger.unmeasured(9) == [] and scene.ledger.totals() == TrashTotals(1, 40)


def test_it_is_complete_once_it_was_looked_through(scene: Scene) -> None:
    scene.ledger.completed()
    assert scene.ledger.is_complete()


def test_what_was_versioned_is_read_as_it_was(scene: Scene) -> None:
    scene.add("docs/ä b", 12)
    [one] = scene.ledger.oldest(None, 1)
    [(_, version)] = scene.ledger.kept([one.id])
    assert version == DisplacedVersion(
        "docs/ä b", ".cargo_sync/trash/r/docs/ä b", "f", 12, "h", 7, TrashCause.DELETED, "r", "ana"
    )
