import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.local import listing as listing_module
from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.lock import lock_root, marker, read_marker
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.root import Root, above, may_keep_ours
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.local.system import System
from cargo_sync.local.trash import displace
from cargo_sync.local.trash_upkeep import keep_up
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.entries import FILE, FOLDER, LINK
from cargo_sync.model.problems import Problem, ProblemError
from tests.local.samples import RUN, offer, owned_by, present


def code(error: pytest.ExceptionInfo[ProblemError]) -> str:
    return error.value.problem.code


def test_entries_are_what_lstat_says(root: Root, top: Path) -> None:
    (top / "folder").mkdir(mode=0o750)
    file = top / "folder" / "file"
    file.write_bytes(b"12345")
    file.chmod(0o640)
    os.utime(file, ns=(5, 1234567890123456789))
    (top / "link").symlink_to("../any where")
    found = file.stat()
    entry = present(root, "folder/file")
    assert entry[:5] == ("file", FILE, 5, 1234567890123456789, 0o640)
    assert (entry.version, entry.ident, entry.hash) == (found.st_ctime_ns, found.st_ino, "")
    folder = present(root, "folder")
    assert folder == ("folder", FOLDER, 0, 0, 0o750, 0, (top / "folder").stat().st_ino, "", "")
    assert (present(root, "link").kind, present(root, "link").target) == (LINK, "../any where")
    assert present(root, "").kind == FOLDER
    assert root.entry("nothing") is None
    assert root.entry("nothing/below") is None
    assert root.entry("folder/file/below") is None


def test_no_link_below_the_root_is_followed(root: Root, top: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (top / "way").symlink_to(outside)
    with pytest.raises(ProblemError) as error:
        root.entry("way/secret")
    assert code(error) == "symlink"
    for attempt in (lambda: root.listing("way"), lambda: root.make_folder("way/new")):
        with pytest.raises(ProblemError) as error:
            attempt()
        assert code(error) == "symlink"
    assert os.listdir(outside) == ["secret"]


def test_a_folder_swapped_for_a_link_is_not_followed_although_it_was_open(
    root: Root, top: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (top / "a" / "b").mkdir(parents=True)
    assert root.listing("a/b") == ((), ())
    (top / "a").rename(tmp_path / "moved")
    (top / "a").symlink_to(outside)
    (outside / "b").mkdir()
    with pytest.raises(ProblemError) as error:
        root.make_folder("a/b/c")
    assert code(error) == "symlink"
    assert os.listdir(outside / "b") == []


@pytest.mark.parametrize("path", ["..", "../outside", "a/../../outside", "/", "a//b", "."])
def test_no_path_leads_out(root: Root, top: Path, path: str) -> None:
    (top / "a").mkdir()
    with pytest.raises(ProblemError) as error, root.folder(path):
        pass
    assert code(error) == "bad_path"


def test_a_folder_moved_out_is_not_reached_through_a_link_in_its_place(
    root: Root, top: Path, tmp_path: Path
) -> None:
    """The path leads to the same folder as before, but through a link, and out of the root."""
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / "secret").write_text("secret")
    assert root.listing("a/b")[0]
    (top / "a").rename(tmp_path / "outside")
    (top / "a").symlink_to(tmp_path / "outside")
    for attempt in (
        lambda: root.entry("a/b/secret"),
        lambda: root.listing("a/b"),
        lambda: root.make_folder("a/b/c"),
        lambda: root.open_file("a/b/secret"),
        lambda: root.sync(["a/b"]),
    ):
        with pytest.raises(ProblemError) as error:
            attempt()
        assert code(error) == "symlink"
    [problem] = root.entries(["a/b/secret"])
    assert isinstance(problem, Problem) and problem.code == "symlink"


def test_many_entries_fail_one_by_one(root: Root, top: Path) -> None:
    (top / "a").mkdir()
    (top / "a" / "x").write_text("x")
    os.mkfifo(top / "a" / "pipe")
    (top / "way").symlink_to("a")
    found = root.entries(["a/x", "a/pipe", "a/none", "none/x", "a/x/below", "way/x", "a/x"])
    assert [one.code if isinstance(one, Problem) else one and one.name for one in found] == [
        "x", "special", None, None, None, "symlink", "x",
    ]  # fmt: skip


def test_a_path_longer_than_one_call_takes(root: Root, top: Path) -> None:
    path = "/".join(["d" * 250] * 17)
    root.make_folder(path)
    assert len(path) > 4096 and root.listing(path) == ((), ())


def test_a_folder_is_made_with_few_opens(
    root: Root, on: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.make_folder("a")
    opened: list[str] = []
    open_below = on.open_below

    def told(folder: int, path: str, flags: int) -> int:
        opened.append(path)
        return open_below(folder, path, flags)

    monkeypatch.setattr(on, "open_below", told)
    assert root.make_folder("a/b") == ("a/b",)
    assert opened == ["a/b", "a", "a/b"]


def test_a_folder_that_was_moved_is_not_used_for_its_old_path(root: Root, top: Path) -> None:
    (top / "a").mkdir()
    root.listing("a")
    (top / "a").rename(top / "b")
    (top / "a").mkdir()
    root.make_folder("a/new")
    assert os.listdir(top / "a") == ["new"]
    assert os.listdir(top / "b") == []


def test_no_descriptor_is_kept(root: Root, top: Path) -> None:
    (top / "a" / "b").mkdir(parents=True)
    before = os.listdir("/dev/fd")
    with root.folder("a/b") as folder, root.folder("") as again:
        assert os.fstat(folder.fd).st_ino == (top / "a" / "b").stat().st_ino
        assert again.fd != root.fd, "the position of a listing belongs to a descriptor"
    root.make_folder("a/b/c/d")
    assert root.listing("a/b/c/d") == ((), ())
    for path in ("a/missing", "a/b/missing/c"):
        assert root.entry(path) is None
    assert os.listdir("/dev/fd") == before


def test_a_folder_that_is_removed_while_it_is_read_is_not_taken_for_empty(
    root: Root, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "a").mkdir()
    read = listing_module._read

    def removed(*args: Any) -> Any:
        found = read(*args)
        (top / "a").rmdir()
        return found

    monkeypatch.setattr(listing_module, "_read", removed)
    with pytest.raises(ProblemError) as error:
        root.listing("a")
    assert code(error) == "vanished"


def test_deep_trees(root: Root, top: Path) -> None:
    path = "/".join(["d"] * 600)
    made = root.make_folder(path)
    assert len(made) == 600
    assert root.make_folder(path) == ()
    assert present(root, path).kind == FOLDER
    assert root.listing(path) == ((), ())


def test_folders_are_made_with_their_parents(root: Root, top: Path) -> None:
    made = root.make_folder("a/b/c", 0o4511)
    assert made == ("a", "a/b", "a/b/c")
    assert above(made) == ["", "a", "a/b"]
    assert present(root, "a/b/c").mode == 0o711, (
        "no setuid, and the owner may always put something there"
    )
    (top / "file").write_text("in the way")
    with pytest.raises(ProblemError) as error:
        root.make_folder("file/below")
    assert code(error) == "not_a_folder"


def test_what_is_ours_is_private(root: Root, top: Path) -> None:
    root.make_folder(".cargo_sync/trash/run/a", 0o755)
    for path in (".cargo_sync", ".cargo_sync/trash", ".cargo_sync/trash/run/a"):
        assert present(root, path).mode == 0o700


def test_it_is_noticed_that_the_root_was_replaced(root: Root, top: Path) -> None:
    assert root.still_there()
    assert root.identity == f"{top.stat().st_dev}:{top.stat().st_ino}"
    top.rename(top.with_name("elsewhere"))
    assert not root.still_there()
    top.mkdir()
    assert not root.still_there()
    shutil.rmtree(top)
    top.with_name("elsewhere").rename(top)
    assert root.still_there()


def test_a_missing_root_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as error:
        Root.open(str(tmp_path / "nothing"))
    assert code(error) == "vanished"


def test_another_file_system_is_not_entered(root: Root, top: Path) -> None:
    (top / "mounted").mkdir()
    root.device += 1
    with pytest.raises(ProblemError) as error:
        root.listing("mounted")
    assert code(error) == "other_device"


@pytest.mark.parametrize(
    ("owner", "me", "above", "fits"),
    [(7, 7, 9, True), (0, 7, 9, True), (9, 7, 9, True), (8, 7, 9, False), (8, 0, 0, False)],
)
def test_who_may_own_our_folder(
    owner: int, me: int, above: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: me)
    assert may_keep_ours(owner, above) == fits


OWN: dict[str, Callable[[Root], object]] = {
    "the lock": lambda root: lock_root(root, "job a", leave_name=True),
    "the marker": lambda root: marker(root, "ab" * 16),
    "a known marker": read_marker,
    "staging": lambda root: Staging(root, MemoryCheckpoints(), SpaceLedger()).check(),
    "the trash": lambda root: displace(root, "file", RUN),
    "an upkeep": lambda root: keep_up(root, MemoryLedger(), TrashLimits(0)),
    "a folder of ours": lambda root: root.make_folder(".cargo_sync/new"),
}


@pytest.mark.parametrize("door", OWN)
def test_a_folder_of_ours_that_somebody_else_prepared_is_refused(
    root: Root, top: Path, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / ".cargo_sync").mkdir(mode=0o777)
    (top / "file").write_text("file")
    owned_by(monkeypatch, top / ".cargo_sync", 4711)
    with pytest.raises(ProblemError) as error:
        OWN[door](root)
    assert code(error) == "foreign_folder"
    assert os.listdir(top / ".cargo_sync") == []
    assert (top / "file").exists()


def test_at_the_line_nothing_is_opened_and_nothing_stays_behind(
    root: Root, top: Path, on: System
) -> None:
    (top / "file").write_text("file")
    (top / "a" / "b").mkdir(parents=True)
    staging = Staging(root, MemoryCheckpoints(), SpaceLedger())
    staging.check()
    before = os.listdir("/dev/fd")
    on.line = 3
    attempts: list[Callable[[], object]] = [
        lambda: Root.open(str(top), on),
        lambda: root.listing("a/b"),
        lambda: root.open_file("file"),
        lambda: staging.write(offer("new"), memoryview(b"")),
    ]
    for attempt in attempts:
        with pytest.raises(ProblemError) as error:
            attempt()
        assert code(error) == "no_descriptors"
        assert "raise the limit" in str(error.value)
    assert os.listdir("/dev/fd") == before
    assert os.listdir(top / ".cargo_sync" / "staging") == []
    staging.close()


def test_roots_leave_descriptors_for_what_moves(root: Root, top: Path, on: System) -> None:
    (top / "file").write_text("file")
    spare = os.dup(root.fd)
    os.close(spare)
    on.line = 2 * spare
    with pytest.raises(ProblemError) as error:
        Root.open(str(top), on)
    assert code(error) == "no_descriptors"
    os.close(root.open_file("file"))


def test_names_are_packed_in_their_order() -> None:
    for count in (0, 1, 255, 256, 257, 700):
        names = sorted(f"{number:04}\udcff\n" for number in range(count))
        packed = listing_module.NameList(names)
        assert len(packed) == count
        assert [packed.at(index) for index in range(count + 1)] == [*names, ""]
        for start, end in ((0, 5), (0, 256), (200, 300), (256, 512), (500, 2_000), (699, 700)):
            assert packed.between(start, end) == names[start:end]


def test_a_file_system_that_folds_names_shows_it_by_our_own_folder(
    root: Root, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not root.folds_names(), "nothing is known without it"
    (top / ".cargo_sync").mkdir()
    assert not root.folds_names()
    lstat = os.lstat
    monkeypatch.setattr(os, "lstat", lambda name, **there: lstat(name.lower(), **there))
    assert root.folds_names()
