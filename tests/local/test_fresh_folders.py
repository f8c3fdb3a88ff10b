"""The files of a new folder: they come with one rename, or one by one, and never over anything."""

import contextlib
import errno
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cargo_sync.local import commit, fresh_folders
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.fresh_folders import MOST, FreshFolders
from cargo_sync.local.new_folders import NewFolders
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.root import Root
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.local.system import System
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Receipt, Want
from tests.local.samples import RUN, LooseJudge, everything, offer, tree
from tests.local.systems import Stop, failing, failing_in, stopping, system

FILES = {f"new/{number:02d}": f"content {number}" for number in range(20)}


class Bringing:
    """A new folder in a root, and a sink into which its files come."""

    def __init__(self, top: Path, on: System, judge: LooseJudge | None = None) -> None:
        self.top = top
        self.root = Root.open(str(top), on)
        self.staging = Staging(self.root, MemoryCheckpoints(), SpaceLedger())
        self.sink = FolderSink(self.staging, judge or LooseJudge(), RUN)

    def make(self, path: str = "new") -> None:
        with NewFolders(self.root) as new:
            assert new.make(path, 0o750)
        self.staging.fresh.note(new.made)

    def send(self, files: dict[str, str] = FILES, batch: int = 1) -> None:
        offers = [offer(path, text.encode()) for path, text in files.items()]
        wants = self.sink.begin(batch, offers)
        assert {want.code for want in wants} == {"all"}
        for index, text in enumerate(files.values()):
            self.sink.whole(batch, index, memoryview(text.encode()))

    def staged(self) -> list[str]:
        return os.listdir(self.top / ".cargo_sync" / "staging")

    def close(self) -> None:
        self.sink.close()
        self.staging.close()
        self.root.close()


@pytest.fixture
def bringing(top: Path) -> Iterator[Bringing]:
    made = Bringing(top, system("native"))
    yield made
    made.close()


def codes(receipts: list[Receipt]) -> set[str]:
    return {receipt.code for receipt in receipts}


def inode(path: Path) -> int:
    return path.lstat().st_ino


def test_a_new_folders_files_come_with_one_rename(top: Path) -> None:
    calls: list[str] = []
    bringing = Bringing(top, system("native", calls.append))
    bringing.make()
    before = inode(top / "new")
    bringing.send()
    assert len(bringing.staged()) == 1
    calls.clear()
    receipts = bringing.sink.commit(1)
    assert calls == ["syncfs", "chmod", "rename", "syncfs"]
    assert tree(top) == FILES
    assert inode(top / "new") != before
    assert (top / "new").stat().st_mode & 0o7777 == 0o750
    for path, receipt in zip(FILES, receipts, strict=True):
        found = (top / path).stat()
        assert receipt[:5] == (
            "done",
            found.st_ctime_ns,
            found.st_ino,
            found.st_mtime_ns,
            found.st_mode & 0o7777,
        )
    assert bringing.staged() == []
    bringing.close()


def test_what_comes_later_or_is_larger_comes_by_itself(bringing: Bringing, top: Path) -> None:
    bringing.make()
    bringing.send()
    bringing.send({"new/later": "x"}, batch=2)
    assert codes(bringing.sink.commit(1)) == codes(bringing.sink.commit(2)) == {"done"}
    assert tree(top) == FILES | {"new/later": "x"}


def test_what_was_there_already_may_have_a_slice_of_its_own(
    bringing: Bringing, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = LooseJudge(answers={"there": Want("none")})
    bringing.sink = FolderSink(bringing.staging, judge, RUN)
    monkeypatch.setattr(commit, "RECORDED", len(FILES))
    bringing.make()
    offers = [*(offer(path, text.encode()) for path, text in FILES.items()), offer("there")]
    bringing.sink.begin(1, offers)
    for index, text in enumerate(FILES.values()):
        bringing.sink.whole(1, index, memoryview(text.encode()))
    receipts = bringing.sink.commit(1)
    assert (codes(receipts), len(receipts)) == ({"done"}, len(FILES) + 1)
    assert judge.recorded == [*FILES, "there"]
    assert tree(top) == FILES


def one_offer_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cargo_sync.local.staging_sink.LOOKED_AT", 10)


def test_larger_files_follow_into_the_new_folder(
    bringing: Bringing, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_offer_is_large(monkeypatch)  # "content 10" and more: only ten files are small
    bringing.make()
    files = FILES | {f"new/small{number}": "x" for number in range(10)}
    bringing.send(files)
    assert len([name for name in bringing.staged() if name.endswith(".folder")]) == 1
    receipts = bringing.sink.commit(1)
    assert codes(receipts) == {"done"}
    assert tree(top) == files
    assert [one.version for one in receipts] == [(top / path).stat().st_ctime_ns for path in files]


# -- what is not replaced --------------------------------------------------------------------------


def was_there_before(bringing: Bringing) -> None:
    (bringing.top / "new").mkdir()


def was_made_by_somebody_since(bringing: Bringing) -> None:
    bringing.make()
    (bringing.top / "other").mkdir()
    (bringing.top / "new").rmdir()
    (bringing.top / "other").rename(bringing.top / "new")


def has_a_folder(bringing: Bringing) -> None:
    bringing.make()
    bringing.make("new/below")


def has_other_attributes(bringing: Bringing) -> None:
    bringing.make()
    try:
        os.setxattr(bringing.top / "new", "user.label", b"kept")
    except OSError:
        pytest.skip("this file system keeps no such attributes")


def has_another_group(bringing: Bringing) -> None:
    bringing.make()
    if os.geteuid():
        pytest.skip("only root gives folders away")
    os.chown(bringing.top / "new", -1, 12_345)


@pytest.mark.parametrize(
    "prepare",
    [
        was_there_before,
        was_made_by_somebody_since,
        has_a_folder,
        has_other_attributes,
        has_another_group,
    ],
)
def test_another_folder_stays_the_same(
    bringing: Bringing, top: Path, prepare: Callable[[Bringing], None]
) -> None:
    prepare(bringing)
    before = inode(top / "new")
    bringing.send()
    assert codes(bringing.sink.commit(1)) == {"done"}
    assert inode(top / "new") == before
    assert tree(top) == FILES
    assert bringing.staged() == []


def test_a_folder_that_waits_for_files_stays_the_same(
    bringing: Bringing, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bringing.make()
    before = inode(top / "new")
    monkeypatch.setattr(fresh_folders, "RECENT_NS", -1)
    bringing.send()
    assert codes(bringing.sink.commit(1)) == {"done"}
    assert inode(top / "new") == before


def test_a_folder_whose_files_took_long_stays_the_same(
    bringing: Bringing, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bringing.make()
    before = inode(top / "new")
    bringing.send()
    monkeypatch.setattr(fresh_folders, "RECENT_NS", -1)
    assert codes(bringing.sink.commit(1)) == {"done"}
    assert inode(top / "new") == before
    assert tree(top) == FILES
    assert bringing.staged() == []


def test_few_files_come_one_by_one(bringing: Bringing, top: Path) -> None:
    bringing.make()
    before = inode(top / "new")
    bringing.send({f"new/{number}": "x" for number in range(15)})
    assert codes(bringing.sink.commit(1)) == {"done"}
    assert inode(top / "new") == before


def test_the_portable_system_moves_files_one_by_one(top: Path) -> None:
    bringing = Bringing(top, system("portable"))
    bringing.make()
    before = inode(top / "new")
    bringing.send()
    assert codes(bringing.sink.commit(1)) == {"done"}
    assert inode(top / "new") == before
    assert tree(top) == FILES
    bringing.close()


# -- what others do meanwhile ----------------------------------------------------------------------


def put_a_file(top: Path) -> None:
    (top / "new" / "theirs").write_text("theirs")


def take_a_name(top: Path) -> None:
    (top / "new" / "07").write_text("theirs")


def remove_it(top: Path) -> None:
    (top / "new").rmdir()


def change_its_mode(top: Path) -> None:
    (top / "new").chmod(0o711)


def put_another_there(top: Path) -> None:
    (top / "other").mkdir()
    (top / "new").rmdir()
    (top / "other").rename(top / "new")


def put_a_link_there(top: Path) -> None:
    (top / "new").rmdir()
    (top / "new").symlink_to(top.parent / "outside")


def put_a_file_there(top: Path) -> None:
    (top / "new").rmdir()
    (top / "new").write_text("theirs")


def remove_the_staging(top: Path) -> None:
    shutil.rmtree(top / ".cargo_sync" / "staging")


ALL_COME = [put_a_file, remove_it, change_its_mode, put_another_there]


@pytest.mark.parametrize("meddle", ALL_COME)
def test_a_folder_that_somebody_uses_is_not_replaced(
    bringing: Bringing, top: Path, meddle: Callable[[Path], None]
) -> None:
    bringing.make()
    bringing.send()
    meddle(top)
    theirs = tree(top)
    before = (top / "new").stat() if (top / "new").exists() else None
    assert codes(bringing.sink.commit(1)) == {"done"}
    assert tree(top) == FILES | theirs
    if before is not None:
        after = (top / "new").stat()
        assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert bringing.staged() == []


def test_a_name_that_somebody_took_stays_theirs(bringing: Bringing, top: Path) -> None:
    bringing.make()
    bringing.send()
    take_a_name(top)
    receipts = bringing.sink.commit(1)
    assert [one.code for one in receipts].count("done") == 19
    assert receipts[7].code == "occupied"
    assert tree(top) == FILES | {"new/07": "theirs"}
    assert bringing.staged() == []


@pytest.mark.parametrize("meddle", [put_a_link_there, put_a_file_there])
def test_nothing_is_written_through_what_is_in_its_place(
    bringing: Bringing, top: Path, meddle: Callable[[Path], None]
) -> None:
    (top.parent / "outside").mkdir()
    bringing.make()
    bringing.send()
    meddle(top)
    theirs = everything(top.parent / "outside"), tree(top)
    assert codes(bringing.sink.commit(1)) <= {"symlink", "not_a_folder"}
    assert (everything(top.parent / "outside"), tree(top)) == theirs


def test_another_lane_may_replace_the_folder_while_files_are_renamed(top: Path) -> None:
    calls: list[str] = []

    def on_call(name: str) -> None:
        calls.append(name)
        if calls.count("rename_noreplace") == 1 and name == "rename_noreplace":
            (top / "with files").rename(top / "new")

    bringing = Bringing(top, system("native", on_call))
    for name in ("new", "with files"):
        (top / name).mkdir()
    (top / "with files" / "theirs").write_text("theirs")
    bringing.send({"new/a": "a", "new/b": "b"})
    assert codes(bringing.sink.commit(1)) == {"done"}
    assert tree(top) == {"new/theirs": "theirs", "new/a": "a", "new/b": "b"}
    bringing.close()


def test_a_staging_that_was_removed_takes_only_what_was_in_it(
    bringing: Bringing, top: Path
) -> None:
    bringing.make()
    bringing.send()
    remove_the_staging(top)
    assert "done" not in codes(bringing.sink.commit(1))
    bringing.send(batch=2)
    assert codes(bringing.sink.commit(2)) == {"done"}
    assert tree(top) == FILES


def during_the_last_sync(top: Path, change: Callable[[Path], None]) -> System:
    """`change` is done when everything is in its place and not yet confirmed."""
    calls = [0]

    def on_call(name: str) -> None:
        calls[0] += name == "syncfs"
        if name == "syncfs" and calls[0] == 2:
            change(top)

    return system("native", on_call)


def lose_one(top: Path) -> None:
    (top / "new" / "03").unlink()


def lose_all(top: Path) -> None:
    shutil.rmtree(top / "new")


def replace_one(top: Path) -> None:
    (top / "mine").write_text("mine")
    (top / "mine").rename(top / "new" / "03")


@pytest.mark.parametrize(
    ("change", "lost"), [(lose_one, 1), (lose_all, 20), (replace_one, 1), (put_a_file, 0)]
)
def test_only_what_is_still_there_is_confirmed(
    top: Path, change: Callable[[Path], None], lost: int
) -> None:
    bringing = Bringing(top, during_the_last_sync(top, change))
    bringing.make()
    bringing.send()
    receipts = bringing.sink.commit(1)
    assert [one.code for one in receipts].count("done") == 20 - lost
    bringing.close()


def test_what_a_file_system_changes_in_the_files_is_looked_at(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does that gives every file another ctime when a folder above it moves."""

    def touch(top: Path) -> None:
        names = (top / "new").stat().st_mtime_ns
        for path in FILES:
            (top / path).chmod(0o604)
        assert (top / "new").stat().st_mtime_ns == names

    bringing = Bringing(top, during_the_last_sync(top, touch))
    bringing.make()
    bringing.send()
    receipts = bringing.sink.commit(1)
    assert [one.version for one in receipts] == [(top / path).stat().st_ctime_ns for path in FILES]
    assert {one.mode for one in receipts} == {0o604}
    bringing.close()


# -- files that fail -------------------------------------------------------------------------------


def test_a_file_that_fails_stays_away(bringing: Bringing, top: Path) -> None:
    bringing.make()
    offers = [offer(path, text.encode()) for path, text in FILES.items()]
    offers[3] = offers[3]._replace(hash="0" * 64)
    bringing.sink.begin(1, offers)
    for index, text in enumerate(FILES.values()):
        if index != 5:
            bringing.sink.whole(1, index, memoryview(text.encode()))
    bringing.sink.failed(1, 5, Problem(Code.VANISHED, "it is gone"))
    bringing.sink.failed(1, 9, Problem(Code.CANCELLED, "it was cancelled"))
    receipts = bringing.sink.commit(1)
    failed = {3: "corrupt", 5: "vanished", 9: "cancelled"}
    assert [one.code for one in receipts] == [failed.get(index, "done") for index in range(20)]
    assert sorted(tree(top)) == [path for at, path in enumerate(FILES) if at not in failed]
    assert bringing.staged() == []


def test_a_file_that_failed_and_cannot_be_removed_stays_away(top: Path) -> None:
    bringing = Bringing(top, failing_in("native", "unlink", errno.EIO))
    bringing.make()
    bringing.send()
    bringing.sink.failed(1, 9, Problem(Code.CANCELLED, "it was cancelled"))
    receipts = bringing.sink.commit(1)
    assert [one.code for one in receipts].count("done") == 19
    assert sorted(tree(top)) == [path for path in FILES if path != "new/09"]
    bringing.close()


def test_the_same_name_twice_is_one_file(bringing: Bringing, top: Path) -> None:
    bringing.make()
    offers = [offer(path, text.encode()) for path, text in FILES.items()]
    offers.append(offers[0])
    bringing.sink.begin(1, offers)
    for index, text in enumerate([*FILES.values(), FILES["new/00"]]):
        bringing.sink.whole(1, index, memoryview(text.encode()))
    assert [one.code for one in bringing.sink.commit(1)] == ["done"] * 20 + ["occupied"]
    assert tree(top) == FILES


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV, errno.EACCES])
def test_a_folder_that_cannot_be_moved(top: Path, number: int) -> None:
    bringing = Bringing(top, failing_in("native", "rename", number))
    bringing.make()
    bringing.send()
    assert codes(bringing.sink.commit(1)) == {"done"}
    assert tree(top) == FILES
    assert bringing.staged() == []
    bringing.close()


def test_a_failed_sync_takes_all_of_them(top: Path) -> None:
    bringing = Bringing(top, failing_in("native", "syncfs", errno.EIO, 1))
    bringing.make()
    bringing.send()
    assert codes(bringing.sink.commit(1)) == {"disk_error"}
    assert tree(top) == {}
    assert bringing.staged() == []
    bringing.close()


def test_a_lane_that_ends_leaves_nothing(bringing: Bringing, top: Path) -> None:
    bringing.make()
    bringing.send()
    bringing.sink.close()
    assert bringing.staged() == []
    assert tree(top) == {}


# -- a fault at each call --------------------------------------------------------------------------


def bring(top: Path, on: System) -> set[str]:
    bringing = Bringing(top, on)
    try:
        if not (top / "new").exists():
            bringing.make()
        missing = {path: text for path, text in FILES.items() if not (top / path).exists()}
        if not missing:
            return set()
        bringing.send(missing)
        return codes(bringing.sink.commit(1))
    finally:
        with contextlib.suppress(Stop, ProblemError):
            bringing.close()


def clean(top: Path) -> None:
    root = Root.open(str(top))
    staging = Staging(root, MemoryCheckpoints(), SpaceLedger())
    staging.sweep(MemoryAges(float), 0.0)
    staging.close()
    root.close()


def calls_of_a_run(top: Path) -> int:
    calls: list[str] = []
    top.mkdir()
    bring(top, system("native", calls.append))
    assert "rename" in calls
    return len(calls)


@pytest.mark.parametrize("kind", ["it dies", "it fails"])
def test_at_each_call(tmp_path: Path, kind: str) -> None:
    last = calls_of_a_run(tmp_path / "0")
    for at in sorted({*range(1, 12), *range(12, last, 11), *range(last - 6, last + 1)}):
        top = tmp_path / str(at)
        top.mkdir()
        dies = kind == "it dies"
        on = stopping("native", at) if dies else failing("native", at, errno.ENOSPC)
        with contextlib.suppress(Stop, ProblemError, OSError):
            bring(top, on)
        if dies:
            assert tree(top) in ({}, FILES), f"a part of the folder after call {at}"
        assert tree(top).items() <= FILES.items()
        clean(top)
        bring(top, system("native"))
        assert tree(top) == FILES, f"after call {at}"
        assert os.listdir(top / ".cargo_sync" / "staging") == []


# -- compared with the ordinary way ----------------------------------------------------------------


def batch_of(chance: random.Random) -> list[tuple[str, bytes, bool]]:
    """Files in a few folders, some of which are large, and what fails of them."""
    folders = ["a", "a/b", "c", "d"]
    count = chance.choice([15, 16, 40])
    paths = sorted({f"{chance.choice(folders)}/{chance.randrange(60)}" for _ in range(2 * count)})
    return [
        (path, chance.randbytes(chance.choice([0, 5, 40])), chance.random() < 0.05)
        for path in paths
    ]


def outcome(top: Path, seed: int, together: bool) -> tuple[object, ...]:
    top.mkdir()
    chance = random.Random(seed)
    judge = LooseJudge()
    bringing = Bringing(top, system("native"), judge)
    told = []
    for made in chance.sample(["a", "a/b", "c", "d"], 3):
        with contextlib.suppress(ProblemError):  # "a/b" without "a"
            bringing.make(made)
    for path in () if together else ("a", "a/b", "c", "d"):
        bringing.staging.fresh.take(path)
    for number in (1, 2):
        files = batch_of(chance)
        bringing.sink.begin(number, [offer(path, content) for path, content, _ in files])
        for index, (_, content, fails) in enumerate(files):
            if fails:
                bringing.sink.failed(number, index, Problem(Code.VANISHED, "gone"))
            else:
                bringing.sink.whole(number, index, memoryview(content))
        if chance.random() < 0.5:
            with contextlib.suppress(OSError):
                (top / chance.choice(["a/7", "c/7", "d/7"])).write_text("theirs")
        told += [one._replace(version=0, ident=0) for one in bringing.sink.commit(number)]
    bringing.close()
    return told, tree(top), judge.recorded


def test_the_results_are_those_of_the_ordinary_way(tmp_path: Path) -> None:
    for seed in range(6):
        one = outcome(tmp_path / f"{seed}", seed, together=True)
        other = outcome(tmp_path / f"{seed} ordinary", seed, together=False)
        assert one == other, f"seed {seed}"


# -- what is left, and what is remembered ----------------------------------------------------------


def test_an_owner_removes_staged_folders_of_an_earlier_process(top: Path) -> None:
    bringing = Bringing(top, system("native"))
    bringing.make()
    bringing.send()
    assert len(bringing.staged()) == 1
    clean(top)
    assert bringing.staged() == []


def test_new_folders_are_remembered_for_a_while() -> None:
    fresh = FreshFolders()
    fresh.note({f"{number}": number for number in range(MOST + 1)})
    assert fresh.take("0") is None
    assert fresh.take("1") == 1
    assert fresh.take("1") is None
    fresh.note({f"{MOST}/below": 7})
    assert fresh.take(f"{MOST}") is None
    assert fresh.take(f"{MOST}/below") == 7
