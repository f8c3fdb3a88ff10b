"""A server cannot make a job keep names without an end."""

from pathlib import Path

import pytest

from cargo_sync.model.entries import FILE, FOLDER, Entry, encode
from cargo_sync.model.problems import ProblemError
from cargo_sync.state import listed
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.listed import BYTES, FREE, HARMLESS, refused
from cargo_sync.state.observations import Observed
from cargo_sync.state.sqlite.database import SqliteDatabase


@pytest.mark.parametrize(
    ("size", "free", "words"),
    [
        (0, FREE, None),
        (BYTES, FREE, None),
        (BYTES + 1, FREE, "more than a job can keep: 8.0 GiB of names"),
        (HARMLESS, 0, None),
        (HARMLESS + 1, FREE - 1, "'/state' has only 2,048 MiB free"),
    ],
)
def test_what_a_job_keeps_and_what_stays_free(size: int, free: int, words: str | None) -> None:
    problem = refused(size, free, FREE, "/state")
    assert (problem is None) == (words is None)
    if problem is not None and words is not None:
        assert problem.code == "too_large" and words in problem.message


def test_a_listing_without_an_end_is_refused_and_the_job_beside_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "EVERY", 50)
    monkeypatch.setattr(listed, "BYTES", 2500)
    database = SqliteDatabase.open(str(tmp_path / "state.db"), "daemon")
    rows = JobRows(database)
    hostile, other = (Folders(database, rows.get_or_create(name).id) for name in ("a", "b"))

    def page(start: int) -> list[tuple[str, Entry | None]]:
        return [(f"{number}", Entry(f"{number}", FILE)) for number in range(start, start + 50)]

    for start in (0, 50):
        hostile.observe_far(page(start))
    for _ in range(2):  # also when it is tried again
        with pytest.raises(ProblemError) as raised:
            hostile.observe_far(page(100))
        assert raised.value.problem.code == "too_large"
    [kept] = hostile.below("")
    assert kept.far is not None and len(kept.far) == 100
    other.observe_far(page(0))
    database.close()


def test_so_is_one_of_whole_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "EVERY", 50)
    monkeypatch.setattr(listed, "BYTES", 5000)
    database = SqliteDatabase.open(str(tmp_path / "state.db"), "daemon")
    folders = Folders(database, JobRows(database).get_or_create("a").id)
    listing = encode(tuple(Entry(f"{number:02}", FILE) for number in range(50)))

    def look(number: int) -> None:
        folders.observe_far_whole([Observed(f"{number}", listing, 50)])

    for number in (0, 1, 1):
        look(number)
    with pytest.raises(ProblemError) as raised:
        for number in range(2, 10):
            look(number)
    assert raised.value.problem.code == "too_large"
    database.close()


def test_a_page_of_folders_ends_when_their_listings_are_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cargo_sync.state.folders._LISTINGS", 100)
    database = SqliteDatabase.open(str(tmp_path / "state.db"), "daemon")
    folders = Folders(database, JobRows(database).get_or_create("a").id)
    names = [f"{number}" for number in range(10)]
    folders.observe_near(
        [Observed("", encode(tuple(Entry(name, FOLDER) for name in names)), len(names))]
    )
    folders.observe_near([Observed(name, encode((Entry("x" * 60, FILE),)), 1) for name in names])
    assert [state.path for state in folders.unsettled(None, None, 100)] == [""]
    assert [state.path for state in folders.unsettled(b"", None, 100)] == ["0"]
    assert [state.path for state in folders.below("")] == ["", *names]
    database.close()
