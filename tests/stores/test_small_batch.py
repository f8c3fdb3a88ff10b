"""Small contents that get their names while they arrive: nobody finds one before it is durable."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import pytest
from blake3 import blake3

from cargo_sync.local.publish import MANY
from cargo_sync.local.system import System
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.stores import placing_journal
from cargo_sync.stores.blob_changes import BlobChanges
from cargo_sync.stores.blob_scrub import BlobScrub
from cargo_sync.stores.blob_totals import BlobAmount
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.contract import Content
from cargo_sync.stores.small_batch import SmallBatch
from tests.local.systems import Stop, recording, stopping, system
from tests.sim.losing import LosingSystem
from tests.sim.story import Story
from tests.state.crash import Killed
from tests.stores.blobs import content_of, flip, kept, opened, place_of, put, read, staged_in

SOME: Final = [bytes([number]) * (900 + number) for number in range(MANY + 4)]
KNOWN: Final = [content_of(one) for one in SOME]
HALF: Final = len(SOME) // 2
PARTS: Final = [slice(0, HALF), slice(HALF, len(SOME))]
"""What comes together."""


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(top: Path) -> Iterator[BlobFolder]:
    with closing(opened(top)) as folder:
        yield folder


def write(batch: SmallBatch, part: slice) -> int:
    """Some contents come; how many of them were staged."""
    staged = batch.write(KNOWN[part], [memoryview(one) for one in SOME[part]])
    assert batch.commit(staged)[1] == [None] * len(staged) if staged else True
    return len(staged)


def bring(blobs: BlobFolder) -> Code | None:
    """All come as one batch; why they are not there."""
    with closing(blobs.small_batch(KNOWN)) as batch:
        try:
            for part in PARTS:
                write(batch, part)
        except ProblemError as error:
            return Code(error.problem.code)
        problem, _ = batch.commit([])
    return None if problem is None else Code(problem.code)


def is_clean(blobs: BlobFolder, top: Path, contents: int | None) -> bool:
    """Whether so many contents are there, all are whole, and nothing else lies about."""
    found = list(map(Content, *blobs.inventory("", 100)))
    return (
        all(read(blobs, one) in SOME for one in found)
        and kept(top) == {one.hash for one in found}
        and len(found) == blobs.room().blobs
        and contents in (None, len(found))
        and blobs.room().used == sum(one.size for one in found)
        and not (staged_in(top) or blobs.damaged)
    )


def test_nothing_is_renamed_and_the_disk_is_asked_twice_for_a_batch(top: Path) -> None:
    told, calls = recording("native")
    with closing(opened(top, told)) as blobs:
        del calls[:]
        bring(blobs)
        assert is_clean(blobs, top, len(SOME))
        journal = ["mkdir", "create", "fsync", "fsync", "write", "datasync"]
        assert calls[:6] == journal, "it is durable before anything else is done"
        again = [bytes([number]) * 50 for number in range(MANY)]
        del calls[:]
        with closing(blobs.small_batch(list(map(content_of, again)))) as batch:
            batch.write(list(map(content_of, again)), [memoryview(one) for one in again])
            assert batch.commit([]) == (None, [])
    assert [one for one in calls if "sync" in one] == ["datasync", "syncfs"]
    assert calls.index("datasync") < calls.index("create_below")
    assert calls.count("create_below") <= MANY + 16 and "rename_noreplace" not in calls


def test_what_is_coming_is_not_there(blobs: BlobFolder, top: Path) -> None:
    hash, _ = KNOWN[0]
    with closing(blobs.small_batch(KNOWN)) as batch:
        write_only(batch, PARTS[0])
        assert blobs.has(KNOWN) == [False] * len(SOME)
        assert blobs.inventory("", 100) == ([], []) and blobs.room().blobs == 0
        assert blobs.remove([hash]) == [None]
        flip(place_of(top, KNOWN[0]), 0)  # as one that is half written
        with pytest.raises(ProblemError):
            read(blobs, KNOWN[0])
        flip(place_of(top, KNOWN[0]), 0)
        assert batch.commit([]) == (None, [])
    assert is_clean(blobs, top, HALF)
    assert blobs.remove([hash]) == [None] and blobs.has(KNOWN[:1]) == [False]


def write_only(batch: SmallBatch, part: slice) -> None:
    assert batch.write(KNOWN[part], [memoryview(one) for one in SOME[part]]) == []


@pytest.mark.parametrize("ends", [SmallBatch.close, lambda batch: batch.commit([])])
def test_the_same_contents_from_elsewhere_outlive_it(
    blobs: BlobFolder, top: Path, ends: Callable[[SmallBatch], object]
) -> None:
    with closing(blobs.small_batch(KNOWN)) as batch:
        write_only(batch, PARTS[0])
        assert put(blobs, SOME[:3]) == [None] * 3
        assert blobs.has(KNOWN[:3]) == [True] * 3
        with closing(blobs.small_batch(KNOWN)) as other:
            assert write(other, PARTS[0]) == HALF, "all are there, or coming"
        assert is_clean(blobs, top, HALF)
        ends(batch)
    assert is_clean(blobs, top, HALF)


def test_what_was_not_committed_is_gone(blobs: BlobFolder, top: Path) -> None:
    with closing(blobs.small_batch(KNOWN)) as batch:
        for part in PARTS:
            write_only(batch, part)
        batch.drop(KNOWN[PARTS[0]], [])
    assert is_clean(blobs, top, 0)
    assert bring(blobs) is None and is_clean(blobs, top, len(SOME))


@pytest.mark.parametrize(
    ("call", "time", "why", "there"),
    [
        ("syncfs", 1, Code.DISK_ERROR, 0),
        ("create_below", HALF, Code.DISK_ERROR, 0),
        ("write", HALF + 3, Code.DISK_ERROR, 0),
        ("truncate", 1, None, len(SOME)),
        ("datasync", 1, None, len(SOME)),
    ],
)
def test_a_call_that_fails(top: Path, call: str, time: int, why: Code | None, there: int) -> None:
    """One that concerns only the journal costs nothing but the way without it."""
    calls = list[str]()

    def on_call(name: str) -> None:
        calls.append(name)
        if calls[0] == "opened" and name == call and calls.count(name) == time:
            raise OSError(errno.EIO, "injected")

    with closing(opened(top, system("native", on_call))) as blobs:
        calls[:] = ["opened"]
        assert bring(blobs) is why
        assert is_clean(blobs, top, there)
    with closing(opened(top)) as blobs:
        blobs.count()
        assert is_clean(blobs, top, there)


def test_few_contents_are_staged(blobs: BlobFolder, top: Path) -> None:
    with closing(blobs.small_batch(KNOWN[:2])) as batch:
        assert write(batch, slice(0, 2)) == 2
    assert is_clean(blobs, top, 2) and not (top / placing_journal.PLACE).exists()


def test_a_content_that_comes_twice_outlives_one_of_them(blobs: BlobFolder, top: Path) -> None:
    with closing(blobs.small_batch(KNOWN)) as batch:
        write_only(batch, PARTS[0])
        again = KNOWN[HALF - 1 : HALF + 1]
        staged = batch.write(again, [memoryview(one) for one in SOME[HALF - 1 : HALF + 1]])
        assert [one.hash for one in staged] == [again[0].hash]
        batch.drop(again, staged)
        blobs.staging.discard(staged[0])
        assert batch.commit([]) == (None, [])
    assert is_clean(blobs, top, HALF)


def test_what_is_read_while_it_comes_is_not_moved_aside(
    blobs: BlobFolder, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scrub = BlobScrub(blobs, lambda: 0.0)
    with closing(blobs.small_batch(KNOWN)) as batch:
        write_only(batch, PARTS[0])
        flip(place_of(top, KNOWN[0]), 0)  # as one that is half written

        def all_came(_: BlobChanges, hash: str, fd: int) -> None:
            raise AssertionError("it may have come meanwhile")

        monkeypatch.setattr(BlobChanges, "_set_aside", all_came)
        with pytest.raises(ProblemError, match="does not exist"):
            read(blobs, KNOWN[0])
        with pytest.raises(ProblemError, match="does not exist"):
            blobs.move_out(KNOWN[0], ".cargo_sync/elsewhere", "one")
        monkeypatch.setattr(blobs, "blobs_in", lambda part, _: KNOWN[:1] if part == "00" else [])
        assert sum(scrub.walk()) and not scrub.place.damaged


@pytest.mark.parametrize("call", ["datasync", "fsync", "write"])
def test_a_journal_that_cannot_be_written_leaves_no_more_files(top: Path, call: str) -> None:
    failing = list[str]()

    def on_call(name: str) -> None:
        if name in failing:
            raise OSError(errno.ENOSPC, "injected")

    with closing(opened(top, system("native", on_call))) as blobs:
        failing[:] = [call]
        for _ in range(3):
            with closing(blobs.small_batch(KNOWN)):
                pass
        assert len(list((top / placing_journal.PLACE).iterdir())) <= 1


@pytest.mark.parametrize(("call", "left"), [("unlink", HALF - 1), ("syncfs", 0)])
def test_what_may_not_be_removed_is_read_and_counted_later(top: Path, call: str, left: int) -> None:
    failing = list[str]()

    def on_call(name: str) -> None:
        if name in failing:
            raise OSError(errno.EIO, "injected")

    with closing(opened(top, system("native", on_call))) as blobs:
        blobs.count()
        with closing(blobs.small_batch(KNOWN)) as batch:
            write_only(batch, PARTS[0])
            failing[:] = [call]
        failing.clear()
        assert blobs.has(KNOWN) == [False] * len(KNOWN)
        if left:
            place_of(top, KNOWN[0]).write_bytes(SOME[0][:9])
        assert [one.stat().st_size for one in (top / placing_journal.PLACE).iterdir()] != [0]
    with closing(opened(top)) as blobs:
        blobs.count()
        assert is_clean(blobs, top, left)


def abandoned(blobs: BlobFolder) -> None:
    """Its process is dead: only its descriptors are closed."""
    blobs.staging.close()
    blobs._journal.close()
    blobs._changes.totals.close()
    os.close(blobs.root.fd)


def test_killed_at_any_call_each_content_is_whole_or_not_there(tmp_path: Path) -> None:
    told, calls = recording("native")
    with closing(opened(tmp_path / "count", told)) as blobs:
        del calls[:]
        bring(blobs)
        count = len(calls)
    for at in range(1, count, 3):
        top = tmp_path / str(at)
        with closing(opened(top)):
            pass
        before = stopping("native", at + opening(top))
        blobs = opened(top, before)
        with pytest.raises(Stop):
            bring(blobs)
        abandoned(blobs)
        with closing(opened(top)) as found:
            found.count()
            assert is_clean(found, top, None)


def test_a_journal_may_be_of_any_length(blobs: BlobFolder, top: Path) -> None:
    others = [Content(f"{number:064x}", 5) for number in range(16_384)]
    write_only(blobs.small_batch([*others, *KNOWN]), PARTS[0])
    place_of(top, KNOWN[0]).write_bytes(SOME[0][:9])
    placing_journal.recover(blobs.root)
    assert kept(top) == {one.hash for one in KNOWN[1:HALF]}


def test_what_is_not_whole_is_durably_gone_before_the_journal_is(top: Path) -> None:
    blobs = opened(top)
    write_only(blobs.small_batch(KNOWN), PARTS[0])
    place_of(top, KNOWN[0]).write_bytes(SOME[0][:9])
    abandoned(blobs)
    told, calls = recording("native")
    with closing(opened(top, told)) as blobs:
        at = calls.index("unlink")
        assert calls[at : at + 3] == ["unlink", "syncfs", "unlink"]
        assert kept(top) == {one.hash for one in KNOWN[1:HALF]}


def test_a_damaged_content_that_comes_again_is_good(blobs: BlobFolder, top: Path) -> None:
    put(blobs, SOME[:1])
    flip(place_of(top, KNOWN[0]), 0)
    with pytest.raises(ProblemError):
        read(blobs, KNOWN[0])
    assert blobs.damaged == [KNOWN[0].hash]
    assert bring(blobs) is None and is_clean(blobs, top, len(SOME))


def test_nobody_gives_up_what_an_inventory_sees(
    blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blobs_in(part: str, after: str) -> Iterator[Content]:
        assert blobs._changes.lock.locked()
        yield KNOWN[0]

    monkeypatch.setattr(blobs, "blobs_in", blobs_in)
    assert blobs.inventory("", 1).hashes == [KNOWN[0].hash]


def test_a_folder_that_was_moved_away_shows_nothing(blobs: BlobFolder, top: Path) -> None:
    put(blobs, SOME[:1])
    assert blobs.shown() == blobs.sequence > 0
    top.rename(top.with_name("elsewhere"))
    assert blobs.shown() == 0


def test_what_comes_while_all_is_counted_counts_once(blobs: BlobFolder) -> None:
    totals = blobs._changes.totals
    totals.begin_count()
    totals.counted("7f", "80", BlobAmount())
    totals.added({"00": 3, "7f": 4, "80": 5})
    totals.end_count()
    assert totals.held == BlobAmount(2, 7), "the third will be seen in its part"


def test_what_cannot_be_read_after_a_kill_is_moved_aside(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = opened(top)
    write_only(blobs.small_batch(KNOWN), PARTS[0])
    abandoned(blobs)
    there = System.open_in

    def open_in(self: System, folder: int, name: str) -> int:
        if name == KNOWN[1].hash:
            raise OSError(errno.EIO, "injected")
        return there(self, folder, name)

    monkeypatch.setattr(System, "open_in", open_in)
    with closing(opened(top)) as found:
        assert found.damaged == [KNOWN[1].hash]
        assert found.has(KNOWN[:2]) == [True, False]


@pytest.mark.skipif(LosingSystem.load() is None, reason="the disk that loses is Linux's")
def test_what_was_dropped_is_gone_before_its_journal_is_used_again(
    tmp_path: Path,
) -> None:
    for seed in range(4):
        story, top, graves = Story(seed), tmp_path / str(seed), tmp_path / f"graves{seed}"
        graves.mkdir()
        disk = LosingSystem.load()
        assert isinstance(disk, LosingSystem)
        with ExitStack() as last:
            disk.begin(story, os.open(graves, os.O_RDONLY))
            last.callback(os.close, disk._graves)
            blobs = opened(top, disk)
            disk.syncfs(blobs.root.fd)
            with closing(blobs.small_batch(KNOWN)) as batch:
                write_only(batch, PARTS[0])
            blobs.small_batch([content_of(bytes([one])) for one in range(MANY)])
            abandoned(blobs)
            disk.lose()
        with closing(opened(top)):
            assert all(hash_of(top, one) == one for one in kept(top))


def hash_of(top: Path, name: str) -> str:
    return blake3(place_of(top, Content(name, 0)).read_bytes()).hexdigest()


def opening(top: Path) -> int:
    """The calls by which a folder is opened again."""
    told, calls = recording("native")
    with closing(opened(top, told)):
        return len(calls)


@pytest.mark.skipif(LosingSystem.load() is None, reason="the disk that loses is Linux's")
@pytest.mark.parametrize("seed", range(3))
def test_after_a_power_cut_what_was_committed_is_there_and_the_rest_is_whole(
    tmp_path: Path, seed: int
) -> None:
    story, committed = Story(seed), 0
    for number in range(12):
        top, graves = tmp_path / str(number), tmp_path / f"graves{number}"
        graves.mkdir()
        disk = LosingSystem.load()
        assert isinstance(disk, LosingSystem)
        with ExitStack() as last:
            disk.begin(story, os.open(graves, os.O_RDONLY))
            last.callback(os.close, disk._graves)
            blobs = opened(top, disk)
            disk.syncfs(blobs.root.fd)
            disk.cut_in = int(story.random.random() * 110)
            is_there = False
            try:
                is_there = bring(blobs) is None
                put(blobs, [b"another"])
                disk._moment("the end")
            except Killed:
                pass
            committed += is_there
            abandoned(blobs)
            disk.lose()
        with closing(opened(top)) as found:
            names = kept(top) - {content_of(b"another").hash}
            assert all(hash_of(top, one) == one for one in names)
            if is_there:
                assert found.has(KNOWN) == [True] * len(SOME)
    assert 0 < committed < 12
