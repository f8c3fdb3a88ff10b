"""A workspace: the folder is the truth, an older version is refused, and what was displaced is
kept."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from blake3 import blake3

from cargo_sync.catalogue import unfinished
from cargo_sync.catalogue.contract import (
    CatalogueMove,
    Change,
    PutColumns,
    Recorded,
    changed_paths,
)
from cargo_sync.lanes import waiting
from cargo_sync.local import commit
from cargo_sync.local.folders import Folder
from cargo_sync.local.listing import listed_in
from cargo_sync.local.publish import Placing
from cargo_sync.local.root import Root
from cargo_sync.local.staging_sink import LOOKED_AT
from cargo_sync.model.entries import LATEST, Entry
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, Unread, Want
from cargo_sync.server.workspace.folder import catalogued_folder
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.comparison import Compared
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.operations import (
    Delete,
    Done,
    Exchange,
    Mkdir,
    Move,
    Operation,
)
from cargo_sync.server.workspace.rows import tree as tree_of_rows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.local.samples import IN_2300, dated
from tests.server.house import NOW, Heard, tokens, tracked
from tests.server.surroundings import Clock


@dataclass(slots=True)
class Ground:
    """A workspace over a real folder; another program's hands are the test's own."""

    place: Path
    folder: CataloguedFolder
    workspace: FolderWorkspace
    heard: Heard

    def scan(self) -> None:
        pending = [""]
        while pending:
            pending += self.scan_one(pending.pop()).below

    def scan_one(self, folder: str) -> Compared:
        return self.workspace.compare(folder, lambda path, entry: True)

    def there(self) -> str:
        """`path:kind,version` of everything that stands, by path."""
        rows = self.workspace.changes(0, "", 1_000).rows
        return " ".join(
            f"{path}:{entry.kind}{entry.version}"
            for path, entry in sorted(rows, key=_path)
            if entry
        )

    def entry(self, path: str) -> Entry:
        held = self.folder.look(path)
        assert held is not None
        return held.entry

    def change(self, *operations: Operation) -> list[str | Done]:
        """Done, or the problem's code, of each."""
        results = self.workspace.change(operations, "run")
        return [result.code if isinstance(result, Problem) else result for result in results]

    def bring(self, *files: tuple[Offer, bytes]) -> tuple[list[Want], list[Receipt]]:
        """One batch, as a flow brings it."""
        sink = self.workspace.sink("run")
        wants = sink.begin(1, [offer for offer, _ in files])
        for index, (offer, content) in enumerate(files):
            if wants[index].code == "all" and not offer.target:
                sink.whole(1, index, memoryview(content))
        return wants, waiting.commit(sink, 1)

    def trash(self) -> dict[str, bytes]:
        runs = self.place / ".cargo_sync" / "trash"
        return {
            str(path.relative_to(runs)).partition("/")[2]: path.read_bytes()
            for path in runs.rglob("*")
            if path.is_file()
        }


def _path(row: tuple[str, object]) -> str:
    return row[0]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        heard = Heard()
        folder = tracked(tmp_path / "files", database, Clock(NOW), heard)
        workspace = FolderWorkspace(folder, tokens())
        yield Ground(tmp_path / "files", folder, workspace, heard)
        workspace.close()


def offer(path: str, content: bytes = b"", expected: int = 0, **rest: object) -> Offer:
    made = Offer(path, len(content), 1_600_000_000_000_000_000, 0o640, 1, 1, "ab" * 16, expected)
    return made._replace(**rest)  # type: ignore[arg-type]


# -- taking in -------------------------------------------------------------------------------------


def test_what_another_program_does_is_taken_in(ground: Ground) -> None:
    (ground.place / "a").mkdir()
    (ground.place / "a" / "file").write_text("x")
    (ground.place / "link").symlink_to("a/file")
    ground.scan()
    assert ground.there() == "a:d1 a/file:f3 link:l2"
    ground.scan()
    assert ground.there() == "a:d1 a/file:f3 link:l2"  # nothing new: no new versions
    (ground.place / "a" / "file").write_text("xy")
    (ground.place / "link").unlink()
    ground.scan()
    assert ground.there() == "a:d1 a/file:f5"
    assert ground.heard.paths[-2:] == ["link", "a/file"]


def test_a_file_that_is_still_written_keeps_the_version_it_had(ground: Ground) -> None:
    (ground.place / "file").write_text("x")
    ground.scan()
    (ground.place / "file").write_text("half of")
    found = ground.workspace.compare("", lambda path, entry: False)
    assert (found.unsettled, ground.there()) == (True, "file:f1")


def test_a_large_folder_is_compared_in_parts_that_others_come_between(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["a", "b", "\udcff", "\ue000", "\U0001f600"]  # one is not UTF-8
    monkeypatch.setattr(catalogued_folder, "PART", 2)
    for name in names:
        (ground.place / name).write_text("x")
    asked: list[list[str]] = []
    listed = ground.folder.store.root.listed

    def between(path: str, some: Sequence[str], *args: Any) -> Any:
        asked.append([*some])
        if "a" in some:  # the names are known already
            (ground.place / "a").unlink()
            (ground.place / "d").write_text("new")
            ground.entry("d")
        return listed(path, some, *args)

    monkeypatch.setattr(ground.folder.store.root, "listed", between)
    ground.scan()
    # "d" was recorded since the names were read: it is looked for, and it is there.
    second = ["b", "\udcff"]
    assert asked == [[".cargo_sync", "a"], second, second, ["d"], ["\ue000", "\U0001f600"]]
    assert ground.there() == "b:f2 d:f1 \ue000:f3 \U0001f600:f4"
    (ground.place / "b").unlink()
    (ground.place / "\U0001f600").unlink()
    ground.scan()
    assert ground.there() == "d:f1 \ue000:f3"


def test_a_new_folder_is_read_once_and_a_changed_one_twice(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look at a changed one is with the lock."""
    (ground.place / "a").mkdir()
    (ground.place / "a" / "file").write_text("x")
    ground.scan_one("")
    read: list[str] = []

    def listed(folder: Folder, *args: Any) -> Any:
        read.append(folder.path)
        return listed_in(folder, *args)

    monkeypatch.setattr("cargo_sync.local.root.listed_in", listed)
    ground.scan_one("a")
    assert read == ["a"]
    (ground.place / "a" / "file").write_text("xy")
    ground.scan_one("a")
    assert read == ["a"] * 3
    assert ground.there() == "a:d1 a/file:f3"


def test_an_empty_folder_in_the_place_of_a_file_is_recorded(ground: Ground) -> None:
    (ground.place / "a").write_text("x")
    ground.scan()
    (ground.place / "a").unlink()
    (ground.place / "a").mkdir()
    ground.scan_one("a")
    assert ground.there() == "a:d2"


def test_a_folder_that_another_took_the_place_of_is_to_be_looked_into(ground: Ground) -> None:
    (ground.place / "a").mkdir()
    (ground.place / "b").mkdir()
    ground.scan()
    (ground.place / "a").rmdir()
    (ground.place / "b").rename(ground.place / "a")
    found = ground.workspace.compare("", lambda path, entry: True)
    assert (found.below, found.fresh) == (["a"], ["a"])


def test_looking_at_one_path_takes_in_the_folders_above_it(ground: Ground) -> None:
    (ground.place / "a" / "b").mkdir(parents=True)
    (ground.place / "a" / "b" / "file").write_text("x")
    assert ground.entry("a/b/file").version == 3
    assert ground.there() == "a:d1 a/b:d2 a/b/file:f3"
    assert ground.folder.look("a/b/nothing") is None


def test_an_unreadable_folder_deletes_nothing(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ground.place / "a").mkdir()
    (ground.place / "a" / "file").write_text("x")
    ground.scan()

    def refuse(folder: Folder) -> None:
        raise ProblemError(Problem(Code.UNREADABLE, "no", folder.path))

    monkeypatch.setattr("cargo_sync.local.root.names_in", refuse)
    with pytest.raises(ProblemError):
        ground.workspace.compare("a", lambda path, entry: True)
    assert ground.there() == "a:d1 a/file:f2"


def test_a_missing_root_deletes_nothing_and_comes_back(ground: Ground, tmp_path: Path) -> None:
    (ground.place / "file").write_text("x")
    ground.scan()
    ground.place.rename(tmp_path / "away")
    for attempt in (ground.scan, lambda: ground.folder.look("file"), ground.workspace.attach):
        with pytest.raises(ProblemError) as refused:
            attempt()
        assert refused.value.problem.code == "root_gone"
    ground.place.mkdir()  # an empty mount point
    with pytest.raises(ProblemError) as refused:
        ground.workspace.attach()
    assert refused.value.problem.code == "root_replaced"
    assert ground.there() == "file:f1"
    ground.place.rmdir()
    (tmp_path / "away").rename(ground.place)
    assert ground.workspace.attach()
    ground.scan()
    assert ground.there() == "file:f1"


def test_an_earlier_roots_own_folder_is_not_offered(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash = ground.place / "old" / ".cargo_sync" / "trash"
    trash.mkdir(parents=True)
    (trash / "x").write_text("x")
    (ground.place / "old" / "f").write_text("f")
    with monkeypatch.context() as earlier:  # a version that offered it
        earlier.setattr("cargo_sync.model.paths.is_reserved", lambda name: False)
        earlier.setattr("cargo_sync.model.paths.check", lambda path, **_: path)
        ground.scan()
    assert "old/.cargo_sync/trash/x" in ground.there()
    ground.scan()
    assert [word.partition(":")[0] for word in ground.there().split()] == ["old", "old/f"]
    assert (trash / "x").read_text() == "x"
    for operation in (
        Mkdir("old/.cargo_sync/y", 0o755, 0),
        Delete("old/.cargo_sync", 2, None),
        Move("old/f", "old/.Cargo_Sync", 3),
    ):
        assert ground.change(operation) == ["reserved_name"]
    wants, _ = ground.bring((offer("old/.CARGO_SYNC/x", b"x"), b"x"))
    assert [want.code for want in wants] == ["reserved_name"]


def test_reserved_and_foreign_paths_are_refused(ground: Ground) -> None:
    for path in ("a/.cargo_sync/marker", "..", "a/../b", "/etc", "a\0b"):
        with pytest.raises(ProblemError) as refused:
            ground.folder.look(path)
        code = "reserved_name" if "cargo_sync" in path else "bad_path"
        assert refused.value.problem.code == code


# -- flows -----------------------------------------------------------------------------------------


def test_a_batch_is_published_and_recorded(ground: Ground) -> None:
    wants, receipts = ground.bring(
        (offer("a/one", b"one"), b"one"), (offer("two"), b""), (offer("link", target="a/one"), b"")
    )
    assert [want.code for want in wants] == ["all", "all", "all"]
    assert [(one.code, one.version, one.ident) for one in receipts] == [
        ("done", 2, 2), ("done", 3, 3), ("done", 4, 4),
    ]  # fmt: skip
    assert receipts[0].hash == blake3(b"one").hexdigest()
    assert receipts[0].mode == 0o640
    assert ground.there() == "a:d1 a/one:f2 link:l4 two:f3"
    assert (ground.place / "a" / "one").stat().st_mtime_ns == 1_600_000_000_000_000_000
    ground.scan()
    assert ground.there() == "a:d1 a/one:f2 link:l4 two:f3"  # it is recorded as it stands


def test_replacing_keeps_the_id_and_what_was_there(ground: Ground) -> None:
    ground.bring((offer("file", b"one"), b"one"))
    _, [receipt] = ground.bring((offer("file", b"two", expected=1), b"two"))
    assert (receipt.code, receipt.version, receipt.ident) == ("done", 2, 1)
    assert receipt.displaced.endswith("-run/file")
    assert ground.trash() == {"file": b"one"}


@pytest.mark.parametrize("expected", [0, 1, 7])
def test_an_older_version_is_refused_before_anything_is_sent(ground: Ground, expected: int) -> None:
    ground.bring((offer("file", b"one"), b"one"))
    (ground.place / "file").write_text("by hand")
    [want], [receipt] = ground.bring((offer("file", b"two", expected=expected), b"two"))
    assert (want.code, receipt.code) == ("changed", "changed")
    assert (ground.place / "file").read_text() == "by hand"
    _, [receipt] = ground.bring((offer("file", b"two", expected=2), b"two"))
    assert (receipt.code, ground.trash()) == ("done", {"file": b"by hand"})


def test_it_is_looked_at_again_at_the_moment_of_replacement(ground: Ground) -> None:
    ground.bring((offer("file", b"one"), b"one"))
    sink = ground.workspace.sink("run")
    offers = [offer("file", b"two", expected=1), offer("new", b"x")]
    assert [want.code for want in sink.begin(1, offers)] == ["all", "all"]
    sink.whole(1, 0, memoryview(b"two"))
    sink.whole(1, 1, memoryview(b"x"))
    (ground.place / "file").write_text("meanwhile")
    (ground.place / "new").write_text("meanwhile")
    assert [receipt.code for receipt in waiting.commit(sink, 1)] == ["changed", "changed"]
    assert (ground.place / "file").read_text() == "meanwhile"
    assert (ground.place / "new").read_text() == "meanwhile"
    assert ground.trash() == {}


def test_what_came_and_went_meanwhile_gives_a_new_file_no_id(ground: Ground) -> None:
    sink = ground.workspace.sink("run")
    sink.begin(1, [offer("file", b"two")])
    ground.bring((offer("file", b"one"), b"one"))
    (ground.place / "file").unlink()
    sink.whole(1, 0, memoryview(b"two"))
    [receipt] = waiting.commit(sink, 1)
    assert (receipt.code, receipt.version, receipt.ident) == ("done", 2, 2)
    assert ground.entry("file").ident == 2


def test_a_folder_that_could_not_be_closed_in_time_is_used_on(ground: Ground) -> None:
    with ground.folder.lock, ThreadPoolExecutor(1) as other:
        ground.workspace.stop()
        assert not other.submit(ground.workspace.close, 0.0).result(60)
    assert not ground.workspace.attach()
    ground.bring((offer("file", b"one"), b"one"))
    assert ground.there() == "file:f1"


def test_the_receipts_of_a_batch_in_slices_have_the_entries_ids(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "RECORDED", 2)
    names = "abcde"
    _, first = ground.bring(*((offer(name, b"one"), b"one") for name in names))
    newer = [
        (offer(name, b"two", expected=old.version), b"two")
        for name, old in zip(names, first, strict=True)
    ]
    _, second = ground.bring(*newer)
    assert [one.ident for one in second] == [one.ident for one in first] == [1, 2, 3, 4, 5]


def test_a_folder_that_is_moved_before_it_is_synced_costs_no_other_file(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.bring((offer("d/x", b"1"), b"1"), (offer("e/x", b"1"), b"1"))
    sync = Placing.sync

    def sync_late(placing: Placing) -> None:
        (ground.place / "d").rename(ground.place / "moved")
        sync(placing)

    monkeypatch.setattr(Placing, "sync", sync_late)
    _, receipts = ground.bring((offer("d/y", b"1"), b"1"), (offer("e/y", b"1"), b"1"))
    assert [one.code for one in receipts] == ["vanished", "done"]


@pytest.mark.parametrize("names", [["d/x"], ["d/x", "d/y"]])
def test_files_that_another_program_takes_away_at_once_cost_no_other_batch(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    """Such a program waits for files, and moves each of them away as soon as it is there."""
    sync = Placing.sync

    def sync_late(placing: Placing) -> None:
        for name in names:
            (ground.place / name).rename(ground.place.parent / Path(name).name)
        sync(placing)

    with monkeypatch.context() as patch:
        patch.setattr(Placing, "sync", sync_late)
        _, receipts = ground.bring(*((offer(name, b"1"), b"1") for name in names))
    assert {one.code for one in receipts} == {"changed"}
    _, receipts = ground.bring((offer("e", b"1"), b"1"))
    assert [one.code for one in receipts] == ["done"]


def test_the_files_of_a_new_folder_may_come_with_another_folder(ground: Ground) -> None:
    """Its row stays: the clients have seen it, and nothing of it has changed."""
    [made] = ground.change(Mkdir("new", 0o750, 0))
    before = (ground.place / "new").stat()
    _, receipts = ground.bring(*((offer(f"new/{at}", b"x"), b"x") for at in range(16)))
    assert [one.version for one in receipts] == list(range(2, 18))
    assert (ground.place / "new").stat().st_ino != before.st_ino
    assert (ground.place / "new").stat().st_mode == before.st_mode
    rows = ground.there()
    assert ground.entry("new").ident == made.ident  # type: ignore[union-attr]
    ground.scan()
    assert ground.there() == rows
    assert not ground.workspace.compare("", lambda path, entry: True).fresh


def test_a_new_folder_that_others_take_away_with_its_files_is_not_recorded_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.change(Mkdir("new", 0o750, 0))
    sync = Placing.sync

    def sync_late(placing: Placing) -> None:
        (ground.place / "new").rename(ground.place.parent / "taken")
        ground.scan()
        sync(placing)

    monkeypatch.setattr(Placing, "sync", sync_late)
    names = ["a", *(f"new/{at}" for at in range(16))]
    _, receipts = ground.bring(*((offer(name, b"x"), b"x") for name in names))
    assert [one.code for one in receipts] == ["done", *["vanished"] * 16]
    assert [part.partition(":")[0] for part in ground.there().split()] == ["a"]


@pytest.mark.parametrize("names", [None, frozenset({"3"})])
def test_what_others_write_into_a_new_folder_is_looked_at_when_it_is_recorded(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, names: frozenset[str] | None
) -> None:
    """The hint may come while the disk is synced; then it must not be spent."""
    ground.change(Mkdir("new", 0o750, 0))
    sync, looks = Placing.sync, [False]

    def look() -> None:
        looks.append(ground.workspace.compare("new", lambda path, entry: True, names).unsettled)

    def sync_late(placing: Placing) -> None:
        (ground.place / "new" / "3").write_text("theirs")
        look()
        sync(placing)

    monkeypatch.setattr(Placing, "sync", sync_late)
    ground.bring(*((offer(f"new/{at}", b"x"), b"x") for at in range(16)))
    if looks[-1]:
        look()
    held = ground.folder.catalogue.entry(ground.folder.id, "new/3")
    assert held is not None and held.entry.size == 6
    assert len(ground.there().split()) == 17


class Watching(NamedTuple):
    """One who watches a workspace, and writes down what it is told."""

    coming: list[str]
    looks: list[str]

    def comes(self, folder: str, place: str) -> None:
        self.coming.append(folder)

    def look_at(self, folder: str) -> None:
        self.looks.append(folder)


@pytest.mark.parametrize("gone", [[], ["theirs"]])
def test_a_new_folder_in_which_something_was_is_looked_through(
    ground: Ground, gone: list[str]
) -> None:
    """Hints of before are dropped when a folder arrives: also that of the deletion."""
    ground.change(Mkdir("new", 0o750, 0))
    for name in gone:
        (ground.place / "new" / name).touch()
        ground.scan()
        (ground.place / "new" / name).unlink()
    watching, before = Watching([], []), (ground.place / "new").stat().st_ino
    ground.workspace.watched_by(watching)
    ground.bring(*((offer(f"new/{at}", b"x"), b"x") for at in range(16)))
    assert (ground.place / "new").stat().st_ino != before
    assert watching.coming == ([] if gone else ["new"])


@pytest.mark.parametrize("broken", ["move", "sync", "confirm"])
def test_a_new_folder_whose_files_are_not_all_recorded_is_looked_at(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ProblemError(Problem(Code.DISK_ERROR, "the disk has an error"))

    def unforeseen(*_: object) -> None:
        raise RuntimeError("nobody foresaw it")

    ground.change(Mkdir("new", 0o750, 0))
    watching = Watching([], [])
    ground.workspace.watched_by(watching)
    files = [(offer(f"new/{at}", b"x"), b"x") for at in range(16)]
    with monkeypatch.context() as patch:
        if broken == "sync":
            patch.setattr(Root, "sync", fails)
            _, receipts = ground.bring(*files)
            assert {one.code for one in receipts} == {"disk_error"}
        elif broken == "move":
            patch.setattr(Watching, "comes", unforeseen)
            with pytest.raises(RuntimeError):
                ground.bring(*files)
        else:
            patch.setattr(Placing, "confirm", fails)
            with pytest.raises(ProblemError):
                ground.bring(*files)
    assert watching.looks == ["new"]
    assert not ground.workspace.compare("new", lambda path, entry: True).unsettled
    assert len(ground.there().split()) == (1 if broken == "move" else 17)


def test_the_files_of_a_folder_that_others_made_come_into_it(ground: Ground) -> None:
    (ground.place / "inbox").mkdir()
    ground.scan()
    before = (ground.place / "inbox").stat().st_ino
    ground.change(Mkdir("inbox", 0o755, 0))
    ground.bring(*((offer(f"inbox/{at}", b"x"), b"x") for at in range(16)))
    assert (ground.place / "inbox").stat().st_ino == before


def test_no_batch_is_published_in_a_new_folder_without_permission(ground: Ground) -> None:
    def revoked() -> None:
        raise ProblemError(Problem(Code.LOGGED_OUT, "not any more"))

    ground.change(Mkdir("new", 0o750, 0))
    sink = ground.workspace.sink("run", revoked)
    offers = [offer(f"new/{at}", b"x") for at in range(16)]
    sink.begin(1, offers)
    for index in range(16):
        sink.whole(1, index, memoryview(b"x"))
    assert {one.code for one in waiting.commit(sink, 1)} == {"logged_out"}
    assert list((ground.place / "new").iterdir()) == []


def test_what_stands_unknown_in_the_way_becomes_a_version(ground: Ground) -> None:
    """Where nothing is known, only large files are worth a look before they are sent."""
    for name in ("small", "large", "fine"):
        (ground.place / name).write_text("by hand")
    (ground.place / "fine").unlink()
    large = offer("large", b"x" * LOOKED_AT)
    wants, receipts = ground.bring(
        (offer("small", b"one"), b"one"), (large, b""), (offer("fine", b"two"), b"two")
    )
    assert [want.code for want in wants] == ["all", "changed", "all"]
    assert [receipt.code for receipt in receipts] == ["changed", "changed", "done"]
    assert ground.there() == "fine:f3 large:f1 small:f2"
    assert (ground.place / "small").read_text() == "by hand" and ground.trash() == {}
    assert list((ground.place / ".cargo_sync" / "staging").iterdir()) == []
    _, [receipt] = ground.bring((offer("small", b"one", expected=2), b"one"))
    assert (receipt.code, ground.trash()) == ("done", {"small": b"by hand"})


def test_what_is_there_already_is_not_sent(ground: Ground) -> None:
    """A reply was lost, and the same comes again: no duplicate, no conflict with oneself."""
    [_], [first] = ground.bring((offer("file", b"one"), b"one"))
    again = offer("file", b"one", hash=first.hash)
    [want], [receipt] = ground.bring((again, b"one"))
    assert (want.code, receipt) == ("none", first)
    [want], [receipt] = ground.bring((again._replace(mode=0o600), b"one"))
    assert want.code == "changed"
    sink = ground.workspace.sink("run")
    assert sink.begin(1, [again])[0].code == "none"
    (ground.place / "file").unlink()
    assert waiting.commit(sink, 1)[0].code == "changed"


def test_a_file_of_the_year_2300_stops_nothing(ground: Ground) -> None:
    for name in ("a", "odd", "z"):
        (ground.place / name).write_text(name)
    dated(ground.place / "odd", IN_2300)
    ground.scan()
    assert ground.there() == "a:f1 odd:f2 z:f3"
    (ground.place / "z").write_text("again")
    ground.scan()
    assert ground.there() == "a:f1 odd:f2 z:f4"
    _, receipts = ground.bring(
        (offer("new", b"new"), b"new"),
        (offer("odd", b"new", expected=2), b"new"),
        (offer("late", b"x")._replace(mtime_ns=LATEST), b"x"),
    )
    assert [one.code for one in receipts] == ["done", "done", "done"]
    assert ground.entry("late").mtime_ns == LATEST
    assert ground.trash() == {"odd": b"odd"}
    dated(ground.place / "a", IN_2300)
    assert ground.change(Move("a", "b", ground.entry("a").version)) != ["changed"]
    held, reader = ground.workspace.open("b")
    assert held is not None and reader is not None
    reader.close()
    assert isinstance(ground.change(Delete("b", held.entry.version, None))[0], Done)
    ground.scan()
    assert ground.there() == "late:f7 new:f5 odd:f6 z:f4"


def test_only_the_version_that_was_offered_is_read(ground: Ground) -> None:
    (ground.place / "file").write_text("one")
    entry = ground.entry("file")
    asked = offer("file", b"one", version=entry.version, ident=entry.ident)
    source = ground.workspace.source()
    with closing(source.open(asked)) as reader:
        content = bytearray(3)
        assert (reader.read_into(memoryview(content), 0), bytes(content)) == (3, b"one")
    for other in (
        asked._replace(version=9),
        asked._replace(ident=9),
        asked._replace(path="../file"),
    ):
        with pytest.raises(ProblemError) as problem:
            source.open(other)
        views = [memoryview(bytearray(3)) for _ in range(3)]
        unread = source.read([asked, other, asked], views)
        assert unread == Unread(1, problem.value.problem)
        assert bytes(views[0]) == b"one"
    (ground.place / "file").write_text("two")
    with pytest.raises(ProblemError) as refused:
        source.open(asked)
    assert refused.value.problem.code == "changed"


# -- operations ------------------------------------------------------------------------------------


def test_folders_are_made_with_those_above(ground: Ground) -> None:
    made = ground.change(Mkdir("a/b/c", 0o750, 0), Mkdir("a/b", 0o700, 0), Mkdir("a/d", 0o755, 0))
    assert made == [
        Done(3, 3), Done(2, 2), Done(4, 4),
    ]  # fmt: skip
    assert ground.there() == "a:d1 a/b:d2 a/b/c:d3 a/d:d4"
    assert (ground.place / "a/b/c").stat().st_mode & 0o777 == 0o750


def test_a_folder_takes_the_place_of_a_file_that_was_expected(ground: Ground) -> None:
    ground.bring((offer("a", b"one"), b"one"))
    assert ground.change(Mkdir("a", 0o755, 0)) == ["changed"]
    [done] = ground.change(Mkdir("a", 0o755, 1))
    assert isinstance(done, Done)
    assert done.displaced.endswith("-run/a")
    assert (ground.there(), ground.trash()) == ("a:d2", {"a": b"one"})


def test_deleting_from_the_inside_out_in_one_request(ground: Ground) -> None:
    (ground.place / "a" / "b").mkdir(parents=True)
    (ground.place / "a" / "b" / "file").write_text("x")
    ground.scan()
    assert ground.change(Delete("a", 1, None), Delete("a/b", 2, None)) == ["not_empty", "not_empty"]
    results = ground.change(
        Delete("a/b/file", 3, None), Delete("a/b", 2, None), Delete("a", 1, None)
    )
    assert [isinstance(one, Done) and one.version for one in results] == [4, 5, 6]
    assert (ground.there(), ground.trash()) == ("", {"a/b/file": b"x"})


def test_deleting_twice_is_harmless_and_an_older_version_is_refused(ground: Ground) -> None:
    (ground.place / "file").write_text("x")
    ground.scan()
    (ground.place / "file").write_text("by hand")
    assert ground.change(Delete("file", 1, None)) == ["changed"]
    assert isinstance(ground.change(Delete("file", 2, None))[0], Done)
    assert ground.change(Delete("file", 2, None)) == [Done(0, 0)]


def test_a_whole_folder_goes_only_when_all_in_it_was_seen(ground: Ground) -> None:
    (ground.place / "a").mkdir()
    (ground.place / "a" / "seen").write_text("x")
    ground.scan()
    (ground.place / "a" / "unseen").write_text("y")
    assert ground.change(Delete("a", 1, 2)) == ["changed"]
    assert (ground.place / "a" / "unseen").exists()
    assert isinstance(ground.change(Delete("a", 1, 3))[0], Done)
    assert (ground.there(), sorted(ground.trash())) == ("", ["a/seen", "a/unseen"])


def test_a_move_keeps_ids_and_never_replaces(ground: Ground) -> None:
    (ground.place / "a").mkdir()
    (ground.place / "a" / "file").write_text("x")
    (ground.place / "other").write_text("y")
    ground.scan()
    ids = ground.entry("a").ident, ground.entry("a/file").ident
    assert ground.change(Move("a", "other", 1)) == ["occupied"]
    assert ground.change(Move("a", "a/b", 1)) == ["bad_path"]
    assert ground.change(Move("a", "b", 9)) == ["changed"]
    assert ground.change(Move("none", "b", 9)) == ["vanished"]
    [done] = ground.change(Move("a", "new/b", 1))
    assert isinstance(done, Done)
    assert done.ident == ids[0]
    assert (ground.entry("new/b").ident, ground.entry("new/b/file").ident) == ids
    assert (done.version, ground.entry("new/b/file").version) == (1, 3)
    before = ground.there()
    ground.scan()
    assert ground.there() == before


def test_a_move_tells_its_numbers_in_the_feed_also_of_a_large_folder(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "LARGE", 5)
    monkeypatch.setattr(tree_of_rows, "ROWS", 4)
    (ground.place / "a").mkdir()
    for number in range(9):
        (ground.place / "a" / f"{number}").write_text("x")
    ground.scan()
    [done] = ground.change(Move("a", "b/c", 1))
    assert isinstance(done, Done)
    sequence = ground.workspace.position(0).sequence
    told = {one for first, last in done.changed for one in range(first, last + 1)}
    assert told == set(range(12, sequence + 1)), "b is made, and is news to the one who asked"


def test_of_a_move_with_something_unseen_the_feed_tells_everything(ground: Ground) -> None:
    (ground.place / "a").mkdir()
    (ground.place / "a" / "file").write_text("x")
    ground.scan()
    seen = ground.workspace.position(0).sequence
    (ground.place / "a" / "new").write_text("y")
    ground.scan()
    [done] = ground.change(Move("a", "b", 1, seen))
    assert isinstance(done, Done)
    assert done.changed == ()
    [done] = ground.change(Move("b", "a", 1, ground.workspace.position(0).sequence))
    assert isinstance(done, Done)
    assert done.changed != ()


def test_nobody_is_told_of_half_a_moved_folder(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "LARGE", 5)
    monkeypatch.setattr(tree_of_rows, "ROWS", 4)
    (ground.place / "a").mkdir()
    for number in range(9):
        (ground.place / "a" / f"{number}").write_text("x")
    ground.scan()
    seen = ground.workspace.position(0).sequence
    ground.change(Move("a", "b", 1))
    workspace = ground.workspace
    workspace._folder.catalogue.record(workspace.id, [CatalogueMove("b", "c", 0)])
    told = {path for path, entry in workspace.news(seen, "", 100).page.rows if entry is not None}
    assert told == {"c", *(f"c/{number}" for number in range(9))}


def test_two_names_change_places_in_one_step(ground: Ground) -> None:
    (ground.place / "a").mkdir()
    (ground.place / "a" / "file").write_text("x")
    (ground.place / "b").write_text("y")
    ground.scan()
    folder, file = ground.entry("a"), ground.entry("b")
    assert ground.change(Exchange("a", "b", 1, 9)) == ["changed"]
    assert ground.change(Exchange("a", "none", 1, 0)) == ["vanished"]
    assert ground.change(Exchange("a", "a/file", 1, ground.entry("a/file").version)) == ["bad_path"]
    [done] = ground.change(Exchange("a", "b", folder.version, file.version))
    assert done == Done(folder.version, folder.ident, "", ((4, 11),))
    assert (ground.place / "b" / "file").read_text() == "x"
    assert (ground.place / "a").read_text() == "y"
    assert (ground.entry("a").ident, ground.entry("b").ident) == (file.ident, folder.ident)
    before = ground.there()
    ground.scan()
    assert ground.there() == before


def test_one_after_the_other_in_one_request(ground: Ground) -> None:
    (ground.place / "a").write_text("x")
    ground.scan()
    results = ground.change(
        Delete("a", 1, None),
        Mkdir("a", 0o755, 0),
        Move("a", "b", 3),
        Mkdir("a/c", 0o755, 0),
        Delete("b", 3, None),
    )
    assert all(isinstance(one, Done) for one in results), results
    assert sorted(path.name for path in ground.place.iterdir()) == [".cargo_sync", "a"]
    before = ground.there()
    ground.scan()
    assert ground.there() == before


# -- hashes ----------------------------------------------------------------------------------------


def test_a_hash_is_computed_once_and_told_of_that_version_only(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ground.place / "file").write_bytes(b"x" * 10_000)
    ground.scan()
    expected = blake3(b"x" * 10_000).hexdigest()
    assert ground.workspace.hash("file", 1) == expected
    monkeypatch.setattr("cargo_sync.server.workspace.folder.workspace.hash_reader", None)
    assert ground.workspace.hash("file", 1) == expected
    assert ground.entry("file").version == 1
    (ground.place / "file").write_text("other")
    with pytest.raises(ProblemError):
        ground.workspace.hash("file", 1)


def test_hashing_ends_when_the_server_does(ground: Ground) -> None:
    (ground.place / "file").write_text("x")
    ground.scan()
    ground.workspace.stop()
    with pytest.raises(ProblemError) as refused:
        ground.workspace.hash("file", 1)
    assert refused.value.problem.code == "stopped"


def test_a_batch_with_a_new_folder_is_recorded_in_one_transaction(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that was made is replaced by the one with the files: its row has to say so."""
    ground.change(Mkdir("a", 0o755, 0), Mkdir("a/b", 0o755, 0))
    before = (ground.place / "a" / "b").stat().st_ino
    recorded: list[list[str]] = []
    record = ground.folder.catalogue.record

    def told(
        workspace: int, changes: Sequence[Change | PutColumns], *cause: ChangeCause
    ) -> Recorded:
        recorded.append(changed_paths(changes))
        return record(workspace, changes, *cause)

    monkeypatch.setattr(ground.folder.catalogue, "record", told)
    paths = [f"a/b/{number:02d}" for number in range(20)]
    _, receipts = ground.bring(*((offer(path, b"x"), b"x") for path in paths))
    assert recorded == [["a/b", *paths]]
    assert [one.version for one in receipts] == list(range(3, 23))
    after = (ground.place / "a" / "b").stat().st_ino
    assert after != before
    held = ground.folder.catalogue.entry(ground.folder.id, "a/b")
    assert held is not None and (held.inode, held.entry.version) == (after, 2)
