"""A fault at each call that writes: no content is lost, and the old file or the new one stays."""

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cargo_sync.local import parts
from cargo_sync.local import staging_sink as sinks
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.root import Root
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.local.system import System
from cargo_sync.local.trash import displace
from cargo_sync.model import checkpoints
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.transfers import Offer, Receipt
from tests.local.samples import RUN, LooseJudge, everything, offer, tree
from tests.local.systems import Stop, failing, stopping, system

OLD = {
    "a/file": "old file",
    "a/big": "old big",
    "folder/below": "old below",
    "gone": "old gone",
    "still": "still",
}
NEW = {
    "a/file": "new file",
    "a/big": "new big " * 8,
    "folder": "new in place of a folder",
    "fresh/new": "new",
    "holes": "data " * 8 + "\0" * 64,
}
ABSENT = "absent"


@pytest.fixture(autouse=True)
def small_files_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes files with checkpoints small, so that they are written quickly, by another thread."""
    monkeypatch.setattr(checkpoints, "RESUMABLE", 32)
    monkeypatch.setattr(parts, "LONGEST", 48)
    monkeypatch.setattr(sinks, "behind_from", lambda: 8)


def plant(top: Path) -> None:
    for path, content in OLD.items():
        (top / path).parent.mkdir(exist_ok=True)
        (top / path).write_text(content)


def bring(top: Path, on: System, checkpoints: MemoryCheckpoints, run: str = RUN) -> list[Receipt]:
    """Publishes NEW over the old files in one batch, then displaces "gone"."""
    root = Root.open(str(top), on)
    staging = Staging(root, checkpoints, SpaceLedger())
    try:
        there = tree(top)
        wanted = {path: content for path, content in NEW.items() if there.get(path) != content}
        looks = {path: root.entry(path) for path in wanted}
        judge = LooseJudge({path: entry for path, entry in looks.items() if entry is not None})
        sink = FolderSink(staging, judge, run)
        offers = [offer(path, content.encode()) for path, content in wanted.items()]
        wants = sink.begin(1, offers)
        for index, (one, want) in enumerate(zip(offers, wants, strict=True)):
            if want.code in ("all", "ranges"):
                send(
                    sink,
                    index,
                    one,
                    want.ranges or ((0, one.size),),
                    memoryview(wanted[one.path].encode()),
                )
        sink.checkpoint()
        receipts = sink.commit(1)
        sink.close()
        if root.entry("gone") is not None:
            displace(root, "gone", run)
        return receipts
    finally:
        staging.close()
        root.close()


def send(
    sink: FolderSink,
    index: int,
    one: Offer,
    ranges: tuple[tuple[int, int], ...],
    content: memoryview,
) -> None:
    if one.size < 32:
        sink.whole(1, index, content)
        return
    for start, end in ranges:
        for at in range(start, end, 16):
            if any(content[at:end]):
                sink.part(1, index, at, content[at : min(at + 16, end)])
                sink.checkpoint()
            else:
                sink.hole(1, index, at, end - at)
                sink.checkpoint()
                break


def check_nothing_is_lost(top: Path) -> None:
    kept = list(everything(top).values())
    for content in OLD.values():
        assert content in kept, f"{content!r} is lost"


def check_old_or_new(top: Path, kind: str) -> None:
    present = tree(top)
    for path in OLD | NEW:
        allowed = {OLD.get(path, ABSENT), NEW.get(path, ABSENT)}
        if kind == "portable" or path in ("gone", "folder/below"):
            allowed.add(ABSENT)  # without an exchange it is only in the trash for a moment
        assert present.get(path, ABSENT) in allowed, path
    assert set(present) <= set(OLD | NEW)


def calls(top: Path, kind: str) -> int:
    """How many calls that write a run without faults makes."""
    count = 0

    def on_call(_: str) -> None:
        nonlocal count
        count += 1

    plant(top)
    bring(top, system(kind, on_call), MemoryCheckpoints())
    assert tree(top) == NEW | {"still": "still"}
    check_nothing_is_lost(top)
    return count


def clean(top: Path, kind: str, checkpoints: MemoryCheckpoints) -> None:
    """What an owner does when it starts."""
    root = Root.open(str(top), system(kind))
    Staging(root, checkpoints, SpaceLedger()).sweep(MemoryAges(float), 0.0)
    root.close()


def sweep(
    tmp_path: Path, kind: str, disturb: Callable[[int], System], check: Callable[[Path], None]
) -> None:
    """Makes a fault at each call, checks the folder, then finishes the work without faults."""
    (tmp_path / "0").mkdir()
    last = calls(tmp_path / "0", kind)
    assert last > 30
    for at in range(1, last + 1):
        top = tmp_path / str(at)
        top.mkdir()
        plant(top)
        checkpoints = MemoryCheckpoints()
        with contextlib.suppress(Stop, ProblemError):
            bring(top, disturb(at), checkpoints)
        check(top)
        clean(top, kind, checkpoints)
        check_nothing_is_lost(top)
        receipts = bring(top, system(kind), checkpoints, "20260102T030406Z-again")
        assert {receipt.code for receipt in receipts} <= {"done"}
        assert tree(top) == NEW | {"still": "still"}, f"after call {at}"
        clean(top, kind, MemoryCheckpoints())
        check_nothing_is_lost(top)
        assert os.listdir(top / ".cargo_sync" / "staging") == []


def test_a_process_that_dies_at_any_call(tmp_path: Path, kind: str) -> None:
    sweep(tmp_path, kind, lambda at: stopping(kind, at), lambda top: check_old_or_new(top, kind))


def test_any_call_that_fails(tmp_path: Path, kind: str) -> None:
    errors = (errno.EIO, errno.ENOSPC)
    sweep(
        tmp_path,
        kind,
        lambda at: failing(kind, at, errors[at % 2]),
        lambda top: check_old_or_new(top, kind),
    )
