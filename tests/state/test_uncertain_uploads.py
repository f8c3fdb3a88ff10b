"""Uploads that may have arrived: kept until something is agreed on at their paths."""

from collections.abc import Callable

import pytest

from cargo_sync.model.agreed import agree
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.state import uncertain_uploads
from cargo_sync.state.database import Database
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import Binding, JobRows

SENT = {
    path: Entry(path[-1], FILE, size, 10**18, 0o644, 7, 70, "ab" * 32)
    for path, size in (("f/a", 1), ("b", 2**50))
}


def agreed(database: Database, folders: Folders) -> None:
    folders.agree([("b", agree(SENT["b"], SENT["b"]))])


def agreed_no_more(database: Database, folders: Folders) -> None:
    folders.agree([("b", None)])


def new_sides(database: Database, folders: Folders) -> None:
    JobRows(database).bind("job", Binding("near", "far", "epoch"))


def mirrored_anew(database: Database, folders: Folders) -> None:
    JobRows(database).mirror_anew("job")


def old(database: Database, folders: Folders) -> None:
    assert uncertain_uploads.purge(database, 1.0) == 0
    assert uncertain_uploads.purge(database, 1.5, 1) == 1


def removed(database: Database, folders: Folders) -> None:
    JobRows(database).remove("job")


@pytest.mark.parametrize(
    ("happens", "left"),
    [
        (agreed, {"f/a"}),
        (agreed_no_more, {"f/a"}),
        (new_sides, set()),
        (mirrored_anew, {"f/a", "b"}),
        (old, {"b"}),
        (removed, set()),
    ],
)
def test_what_was_sent_is_known_until_it_is_settled(
    daemon: Database, happens: Callable[[Database, Folders], None], left: set[str]
) -> None:
    jobs = JobRows(daemon)
    other = Folders(daemon, jobs.get_or_create("other").id)
    folders = Folders(daemon, jobs.get_or_create("job").id)
    other.uncertain.add([("b", SENT["b"])], 1.6)
    folders.uncertain.add([("f/a", SENT["f/a"]), ("b", SENT["b"]._replace(size=3))], 1.0)
    folders.uncertain.add([("b", SENT["b"])], 1.6)
    assert folders.uncertain.all() == SENT
    happens(daemon, folders)
    assert folders.uncertain.all() == {path: SENT[path] for path in left}
    assert other.uncertain.all() == {"b": SENT["b"]}
