"""What is reserved on a disk: missing bytes, in whole blocks, in the order of the files."""

import errno
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cargo_sync.local.root import Root
from cargo_sync.local.space import RESERVE, TOGETHER, FreeSpace, Shortage, SpaceLedger
from cargo_sync.local.system import System, Volume
from cargo_sync.model.problems import ProblemError

MIB = 2**20
GIB = 2**30


def disk(on: System, free: int, size: int = 100 * GIB, block: int = 1) -> None:
    on.volume = lambda fd: Volume(free, size, block)  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("size", "has_state", "stays"),
    [
        (100 * GIB, False, RESERVE),
        (100 * GIB, True, RESERVE),
        (140 * MIB, False, 140 * MIB // 50),
        (140 * MIB, True, RESERVE),
    ],
)
def test_a_small_volume_keeps_two_percent_and_the_one_with_the_state_64_mib(
    root: Root, on: System, top: Path, size: int, has_state: bool, stays: int
) -> None:
    disk(on, 10 * GIB, size)
    ledger = SpaceLedger(str(top) if has_state else None)
    assert ledger.space(root) == FreeSpace(10 * GIB, stays, 0)


def test_each_file_that_fits_has_room_and_the_others_have_none(root: Root, on: System) -> None:
    disk(on, RESERVE + 100)
    ledger = SpaceLedger()
    room = ledger.reservation(root)
    assert room.take({0: 4 * 2**40, 1: 60, 2: 50, 3: 40, 4: 0, 5: 1}) == {
        0: Shortage(4 * 2**40, 100),
        2: Shortage(50, 40),
        5: Shortage(1, 0),
    }
    assert ledger.space(root).left == 0


def test_files_take_whole_blocks(root: Root, on: System) -> None:
    disk(on, RESERVE + 3 * 4096, block=4096)
    room = SpaceLedger().reservation(root)
    assert room.take({0: 1, 1: 4097, 2: 1}) == {2: Shortage(1, 0)}


def test_what_is_written_or_given_up_is_not_reserved_any_more(root: Root, on: System) -> None:
    disk(on, RESERVE + 100 * MIB)
    ledger = SpaceLedger()
    room = ledger.reservation(root)
    reserved: Callable[[], int] = lambda: ledger.space(root).reserved // MIB  # noqa: E731
    room.take({0: 50 * MIB, 1: 30 * MIB, 2: 20 * MIB})
    room.wrote(0, 20 * MIB)
    assert reserved() == 80
    room.wrote(0, 40 * MIB)  # more than was announced: only what it had is given back
    assert reserved() == 50
    room.end(1)
    room.end(1)
    room.end(7)
    assert reserved() == 20
    room.close()
    room.close()
    assert reserved() == 0


def test_small_files_give_back_what_they_had_in_portions(root: Root, on: System) -> None:
    disk(on, RESERVE + MIB)
    ledger = SpaceLedger()
    room = ledger.reservation(root)
    files = range(10)
    room.take(dict.fromkeys(files, TOGETHER // 4))
    reserved = []
    for file in files:
        room.end(file)
        reserved.append(ledger.space(root).reserved * 4 // TOGETHER)
    assert reserved == [10, 10, 10, 6, 6, 6, 6, 2, 2, 2]
    room.close()
    assert ledger.space(root).reserved == 0


def test_all_roots_of_a_disk_share_one_ledger_and_other_disks_do_not(
    root: Root, on: System, tmp_path: Path
) -> None:
    disk(on, RESERVE + 100)
    ledger = SpaceLedger()
    (tmp_path / "other").mkdir()
    other = Root.open(str(tmp_path / "other"), on)
    elsewhere = Root.open("/proc", on)
    try:
        assert ledger.reservation(root).take({0: 60}) == {}
        assert ledger.reservation(other).take({0: 60}) == {0: Shortage(60, 40)}
        assert ledger.reservation(elsewhere).take({0: 100}) == {}
    finally:
        other.close()
        elsewhere.close()


def test_a_disk_that_says_nothing_reserves_nothing(root: Root, on: System) -> None:
    def broken(fd: int) -> Volume:
        raise OSError(errno.EIO, "broken")

    ledger = SpaceLedger()
    on.volume = broken  # type: ignore[method-assign]
    with pytest.raises(ProblemError, match="input/output error"):
        ledger.reservation(root).take({0: 1})
    disk(on, RESERVE + 1)
    assert ledger.space(root).reserved == 0


def test_a_disk_that_does_not_answer_holds_up_no_other(tmp_path: Path) -> None:
    """A network file system may take minutes to say what is free."""
    ledger, asked, answer = SpaceLedger(), threading.Event(), threading.Event()
    hanging, fine = System.portable(), System.portable()
    disk(fine, RESERVE + 100)

    def volume(fd: int) -> Volume:
        asked.set()
        answer.wait(60.0)
        return Volume(RESERVE + 100, GIB, 1)

    hanging.volume = volume  # type: ignore[method-assign]
    roots = [Root.open(str(tmp_path), one) for one in (hanging, fine)]
    roots[0].device += 1
    with ThreadPoolExecutor(2) as threads:
        waits = threads.submit(ledger.reservation(roots[0]).take, {0: 1})
        assert asked.wait(60.0)
        try:
            assert threads.submit(ledger.reservation(roots[1]).take, {0: 60}).result(10.0) == {}
        finally:
            answer.set()
        assert waits.result() == {}
    assert [ledger.space(root).reserved for root in roots] == [1, 60]
    for root in roots:
        root.close()
