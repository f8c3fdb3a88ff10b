import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.local import commit
from cargo_sync.local import staging_sink as sinks
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.publish import Published
from cargo_sync.local.read import FolderSource
from cargo_sync.local.root import Root
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.local.system import System, Volume
from cargo_sync.model.entries import LATEST, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.trees.pump import pump
from cargo_sync.wire.messages import decode_offers, encode_offers
from tests.local.samples import (
    IN_1601,
    IN_2300,
    MTIME,
    RUN,
    LooseJudge,
    dated,
    everything,
    offer,
    present,
    tree,
)
from tests.local.systems import failing_in

MIB = 2**20
BIG = b"".join(bytes([number]) * MIB for number in range(10))


def feed(sink: FolderSink, batch: int, index: int, content: bytes, *mebibytes: int) -> None:
    for number in mebibytes or range(len(content) // MIB):
        sink.part(
            batch, index, number * MIB, memoryview(content)[number * MIB : (number + 1) * MIB]
        )


def whole(sink: FolderSink, batch: int, contents: dict[str, bytes]) -> list[Receipt]:
    """Begins, fills and commits a batch of small files."""
    sink.begin(batch, [offer(path, content) for path, content in contents.items()])
    for index, content in enumerate(contents.values()):
        sink.whole(batch, index, memoryview(content))
    return sink.commit(batch)


@pytest.fixture
def checkpoints() -> MemoryCheckpoints:
    return MemoryCheckpoints()


@pytest.fixture
def staging(root: Root, checkpoints: MemoryCheckpoints) -> Iterator[Staging]:
    opened = Staging(root, checkpoints, SpaceLedger())
    yield opened
    opened.close()


def test_content_goes_from_one_folder_to_another(
    staging: Staging, top: Path, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "small").write_text("small")
    (here / "big").write_bytes(BIG)
    near = Root.open(str(here))
    offers = []
    for path in ("small", "big", "small"):
        entry = present(near, path)
        offers.append(
            Offer(
                path, entry.size, entry.mtime_ns, entry.mode, entry.version, entry.ident, "ab" * 16
            )
        )
    offers[2] = offers[2]._replace(path="vanished")
    receipts = pump(FolderSource(near), FolderSink(staging, LooseJudge(), RUN), 1, offers)
    assert [one.code for one in receipts] == ["done", "done", "vanished"]
    assert tree(top) == tree(here)
    near.close()


@pytest.mark.parametrize("seconds", [IN_2300, IN_1601])
def test_a_time_that_cannot_be_kept_becomes_the_nearest(
    staging: Staging, root: Root, top: Path, tmp_path: Path, seconds: int
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    for name in ("before", "odd"):
        (here / name).write_text(name)
    dated(here / "odd", seconds)
    near = Root.open(str(here))
    offers = []
    for path in ("before", "odd"):
        one = present(near, path)
        offers.append(
            Offer(path, one.size, one.mtime_ns, one.mode, one.version, one.ident, "ab" * 16)
        )
    decoded = decode_offers(encode_offers(offers))
    receipts = pump(FolderSource(near), FolderSink(staging, LooseJudge(), RUN), 1, decoded)
    assert [one.code for one in receipts] == ["done", "done"]
    assert present(root, "odd").mtime_ns == present(near, "odd").mtime_ns
    near.close()


def test_a_link_comes_with_its_own_time(staging: Staging, top: Path) -> None:
    sink = FolderSink(staging, LooseJudge(), RUN)
    (top / "to").touch()
    before = (top / "to").stat()
    dated = offer("link", target="to")._replace(mtime_ns=1_600_000_000_123_456_789)
    odd = offer("odd", target="to")._replace(mtime_ns=LATEST)
    assert [want.code for want in sink.begin(1, [dated, odd])] == ["all", "all"]
    receipts = sink.commit(1)
    assert [one.code for one in receipts] == ["done", "done"]
    assert receipts[0].mtime_ns == (top / "link").lstat().st_mtime_ns
    assert (top / "link").lstat().st_mtime_ns == dated.mtime_ns
    assert (top / "to").stat().st_mtime_ns == before.st_mtime_ns, "what it leads to is not touched"


def test_a_batch_of_all_kinds(staging: Staging, root: Root, top: Path) -> None:
    (top / "old").write_text("old")
    judge = LooseJudge(
        expected={"old": present(root, "old")},
        answers={
            "there": Want("none"),
            "refused": Want(Code.CHANGED, message="not what you think"),
        },
    )
    sink = FolderSink(staging, judge, RUN)
    offers = [
        offer("old", b"new"), offer("there", b"x"), offer("refused", b"x"),
        offer("../escape", b"x"),
        offer("a/link", target="../b"), offer("a/big", BIG), offer("a/empty"),
        offer("a/lost", b"lost"),
    ]  # fmt: skip
    wants = [want.code for want in sink.begin(1, offers)]
    assert wants == ["all", "none", "changed", "bad_path", "all", "all", "all", "all"]
    sink.whole(1, 0, memoryview(b"new"))
    feed(sink, 1, 5, BIG)
    sink.whole(1, 6, memoryview(b""))
    sink.failed(1, 7, Problem(Code.CHANGED, "'a/lost' changed while it was read", "a/lost"))
    receipts = sink.commit(1)
    assert [receipt.code for receipt in receipts] == [
        "done", "done", "changed", "bad_path", "done", "done", "done", "changed",
    ]  # fmt: skip
    assert judge.recorded == ["old", "a/link", "a/big", "a/empty", "there"]
    first = receipts[0]
    entry = present(root, "old")
    assert first == Receipt(
        "done",
        entry.version,
        entry.ident,
        MTIME,
        0o640,
        blake3(b"new").hexdigest(),
        f".cargo_sync/trash/{RUN}/old",
    )
    assert receipts[2].message == "not what you think"
    assert not receipts[3].retry
    assert tree(top) == {
        "old": "new",
        "a/link": "-> ../b",
        "a/big": BIG.decode("latin-1"),
        "a/empty": "",
    }
    assert os.listdir(top / ".cargo_sync" / "staging") == []


@pytest.mark.parametrize(
    "bad",
    [
        offer(""),
        offer("/etc/passwd"),
        offer("a/../b"),
        offer(".cargo_sync/marker"),
        offer("a\0b"),
        offer("a/.Cargo_SYNC/trash/x"),
        offer("a")._replace(size=-1),
        offer("a")._replace(size=2**63),
        offer("a")._replace(mtime_ns=2**63),
        offer("a", target="x\0y"),
        offer("a", target="x" * 5000),
        offer("x" * 256),
    ],
)
def test_offers_of_a_hostile_end_are_refused(staging: Staging, top: Path, bad: Offer) -> None:
    sink = FolderSink(staging, LooseJudge(), RUN)
    good = offer("good", b"good")
    reserved = ".cargo_sync" in bad.path.lower()
    code = "reserved_name" if reserved else "bad_path"
    assert [want.code for want in sink.begin(1, [bad, good])] == [code, "all"]
    sink.whole(1, 1, memoryview(b"good"))
    assert [(one.code, one.retry) for one in sink.commit(1)] == [
        (code, False),
        ("done", True),
    ]
    assert tree(top) == {"good": "good"}


def test_content_that_is_not_what_was_offered_is_not_published(staging: Staging, top: Path) -> None:
    sink = FolderSink(staging, LooseJudge(), RUN)
    announced = offer("wrong", b"right")._replace(hash=blake3(b"right").hexdigest())
    sink.begin(
        1, [offer("short", b"12345"), announced, offer("missing", b"x"), offer("twice", b"x")]
    )
    sink.whole(1, 0, memoryview(b"1234"))
    sink.whole(1, 1, memoryview(b"wrong"))
    sink.whole(1, 3, memoryview(b"x"))
    sink.whole(1, 3, memoryview(b"y"))
    assert [one.code for one in sink.commit(1)] == ["protocol", "corrupt", "incomplete", "protocol"]
    assert everything(top) == {}


def test_what_was_not_asked_for_ends_the_lane(staging: Staging) -> None:
    sink = FolderSink(staging, LooseJudge(answers={"there": Want("none")}), RUN)
    sink.begin(1, [offer("there", b"x")])
    for batch, index in ((1, 0), (1, 1), (1, -1), (2, 0)):
        with pytest.raises(ProblemError):
            sink.whole(batch, index, memoryview(b"x"))
    with pytest.raises(ProblemError):
        sink.begin(1, [])
    for batch in range(2, sinks.BATCHES + 1):
        sink.begin(batch, [])
    with pytest.raises(ProblemError):
        sink.begin(sinks.BATCHES + 1, [])
    sink.commit(2)
    with pytest.raises(ProblemError):
        sink.commit(2)
    sink.begin(sinks.BATCHES + 1, [])


def test_batches_overlap(staging: Staging, top: Path) -> None:
    sink = FolderSink(staging, LooseJudge(), RUN)
    for batch in (1, 2, 3):
        sink.begin(batch, [offer(f"file{batch}", b"x")])
    for batch in (3, 1, 2):
        sink.whole(batch, 0, memoryview(b"x"))
        assert sink.commit(batch)[0].code == "done"
    assert sorted(tree(top)) == ["file1", "file2", "file3"]


def test_a_cut_lane_goes_on_at_its_checkpoint(
    staging: Staging, checkpoints: MemoryCheckpoints, top: Path
) -> None:
    offers = [offer("big", BIG), offer("small", b"small")]
    first = FolderSink(staging, LooseJudge(), RUN)
    first.begin(1, offers)
    feed(first, 1, 0, BIG, 0, 1, 2, 3)
    first.whole(1, 1, memoryview(b"small"))
    first.close()
    assert os.listdir(top / ".cargo_sync" / "staging") == [f"{offers[0].transfer}.part"]
    second = FolderSink(staging, LooseJudge(), RUN)
    assert second.begin(7, offers) == [Want("ranges", ((4 * MIB, 10 * MIB),)), Want("all")]
    feed(second, 7, 0, BIG, *range(4, 10))
    second.whole(7, 1, memoryview(b"small"))
    assert [one.code for one in second.commit(7)] == ["done", "done"]
    assert tree(top) == {"big": BIG.decode("latin-1"), "small": "small"}
    assert checkpoints.kept == {}


def test_a_file_that_was_staged_whole_before_the_cut_is_not_sent_again(
    staging: Staging, top: Path
) -> None:
    first = FolderSink(staging, LooseJudge(), RUN)
    first.begin(1, [offer("big", BIG)])
    feed(first, 1, 0, BIG, *range(9))
    first.checkpoint()
    part = first._batches[1].parts[0]
    part.write(9 * MIB, memoryview(BIG)[9 * MIB :])
    first.close()
    second = FolderSink(staging, LooseJudge(), RUN)
    assert second.begin(1, [offer("big", BIG)]) == [Want("none")]
    assert second.commit(1)[0].hash == blake3(BIG).hexdigest()
    assert tree(top) == {"big": BIG.decode("latin-1")}


def test_a_large_file_given_up_keeps_its_checkpoint(
    staging: Staging, checkpoints: MemoryCheckpoints, top: Path
) -> None:
    sink = FolderSink(staging, LooseJudge(), RUN)
    sink.begin(1, [offer("kept", BIG), offer("lost", BIG)])
    feed(sink, 1, 0, BIG, 0, 1)
    sink.checkpoint()
    feed(sink, 1, 1, BIG, 0, 1)
    for index in (0, 1):
        sink.failed(1, index, Problem(Code.CHANGED, "changed"))
    assert [one.code for one in sink.commit(1)] == ["changed", "changed"]
    assert list(checkpoints.kept) == [offer("kept").transfer]
    assert os.listdir(top / ".cargo_sync" / "staging") == [f"{offer('kept').transfer}.part"]


def test_of_a_large_file_that_was_cancelled_nothing_is_kept(
    staging: Staging, checkpoints: MemoryCheckpoints, top: Path
) -> None:
    first = FolderSink(staging, LooseJudge(), RUN)
    first.begin(1, [offer("begun", BIG), offer("before", BIG)])
    for index in (0, 1):
        feed(first, 1, index, BIG, 0, 1)
    first.close()
    assert len(checkpoints.kept) == 2
    sink = FolderSink(staging, LooseJudge(), RUN)
    sink.begin(1, [offer("begun", BIG), offer("before", BIG)])
    feed(sink, 1, 0, BIG, 2)
    for index in (0, 1):
        sink.failed(1, index, Problem(Code.CANCELLED, "cancelled"))
    assert [one.code for one in sink.commit(1)] == ["cancelled", "cancelled"]
    assert not checkpoints.kept and os.listdir(top / ".cargo_sync" / "staging") == []
    assert sink.begin(2, [offer("begun", BIG)]) == [Want("all")], (
        "it may come again, from its beginning"
    )


def test_a_large_file_whose_target_drifted_is_not_sent_again(
    staging: Staging, root: Root, top: Path
) -> None:
    (top / "big").write_text("somebody's")
    sink = FolderSink(staging, LooseJudge(), RUN)
    sink.begin(1, [offer("big", BIG)])
    feed(sink, 1, 0, BIG, *range(9))
    sink.checkpoint()
    feed(sink, 1, 0, BIG, 9)
    assert sink.commit(1)[0].code == "occupied"
    again = FolderSink(staging, LooseJudge({"big": present(root, "big")}), RUN)
    assert again.begin(1, [offer("big", BIG)]) == [Want("ranges", ((9 * MIB, 10 * MIB),))]
    feed(again, 1, 0, BIG, 9)
    assert again.commit(1)[0].code == "done"
    assert everything(top)[f".cargo_sync/trash/{RUN}/big"] == "somebody's"


def test_a_full_disk_fails_the_files_and_keeps_what_can_go_on(
    top: Path, kind: str, checkpoints: MemoryCheckpoints
) -> None:
    on = failing_in(kind, "write", errno.ENOSPC, time=4)
    sink = FolderSink(
        Staging(Root.open(str(top), on), checkpoints, SpaceLedger()), LooseJudge(), RUN
    )
    sink.begin(1, [offer("big", BIG), offer("small", b"small")])
    feed(sink, 1, 0, BIG, 0, 1, 2)
    sink.checkpoint()
    feed(sink, 1, 0, BIG, *range(3, 10))
    sink.whole(1, 1, memoryview(b"small"))
    receipts = sink.commit(1)
    assert [(one.code, one.retry) for one in receipts] == [("disk_full", True), ("done", True)]
    assert receipts[0].message.endswith("(free some space on that disk)")
    assert list(checkpoints.kept) == [offer("big").transfer]


def test_a_file_too_large_for_the_disk_fails_alone(
    root: Root, on: System, checkpoints: MemoryCheckpoints
) -> None:
    on.volume = lambda fd: Volume(len(BIG) + 8, 0, 1)  # type: ignore[method-assign]
    ledger = SpaceLedger()
    staging = Staging(root, checkpoints, ledger)
    sink = FolderSink(staging, LooseJudge(answers={"there": Want("none")}), RUN)
    huge = offer("huge")._replace(size=4 * 2**40)
    link = offer("link", target="x" * 100)
    offers = [huge, offer("big", BIG), offer("there", BIG), offer("small", b"12345"), link]
    wants = sink.begin(1, [*offers, offer("late", b"1234")])
    assert [want.code for want in wants] == ["disk_full", "all", "none", "all", "all", "disk_full"]
    assert ledger.space(root).left == 3
    sink.whole(1, 3, memoryview(b"12345"))
    feed(sink, 1, 1, BIG, *range(9))
    assert ledger.space(root).reserved == MIB, "what is written, the disk counts itself"
    feed(sink, 1, 1, BIG, 9)
    assert ledger.space(root).reserved == 0
    receipts = [one.code for one in sink.commit(1)]
    assert receipts == ["disk_full", "done", "done", "done", "done", "disk_full"]
    staging.close()


def test_a_cut_file_reserves_only_what_is_missing(
    root: Root, on: System, checkpoints: MemoryCheckpoints
) -> None:
    ledger = SpaceLedger()
    staging = Staging(root, checkpoints, ledger)
    sink = FolderSink(staging, LooseJudge(), RUN)
    sink.begin(1, [offer("big", BIG), offer("other", BIG)])
    feed(sink, 1, 0, BIG, *range(7))
    sink.close()
    assert ledger.space(root).reserved == 0
    on.volume = lambda fd: Volume(3 * MIB, 0, 1)  # type: ignore[method-assign]
    again = FolderSink(staging, LooseJudge(), RUN)
    offers = [offer("other", BIG), offer("big", BIG)]
    assert [want.code for want in again.begin(1, offers)] == ["disk_full", "ranges"]
    again.failed(1, 1, Problem(Code.UNREADABLE, "it cannot be read any more"))
    assert ledger.space(root).reserved == 0
    staging.close()


def test_descriptors_are_bounded(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "OPEN", 4)
    sink = FolderSink(staging, LooseJudge(), RUN)
    offers = [offer(f"file{number}", b"ab") for number in range(20)]
    sink.begin(1, offers)
    assert staging.fd
    before = len(os.listdir("/dev/fd"))
    for index in range(20):
        sink.part(1, index, 0, memoryview(b"a"))
    assert len(os.listdir("/dev/fd")) <= before + 4
    for index in range(20):
        sink.part(1, index, 1, memoryview(b"b"))
    assert {one.code for one in sink.commit(1)} == {"done"}


def test_when_descriptors_are_few_one_file_stays_open_at_a_time(staging: Staging) -> None:
    sink = FolderSink(staging, LooseJudge(), RUN)
    sink.begin(1, [offer(f"file{number}", b"ab") for number in range(20)])
    before = len(os.listdir("/dev/fd"))
    spare = os.dup(staging.fd)
    os.close(spare)
    staging.root.system.line = 2 * spare
    for index in range(20):
        sink.part(1, index, 0, memoryview(b"a"))
        assert len(os.listdir("/dev/fd")) == before + 1
    for index in range(20):
        sink.part(1, index, 1, memoryview(b"b"))
    assert {one.code for one in sink.commit(1)} == {"done"}


def test_the_owners_lock_is_held_for_few_files_and_not_while_the_disk_is_synced(
    staging: Staging, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    monkeypatch.setattr(commit, "RENAMES", 2)
    monkeypatch.setattr(staging.root, "sync", lambda *args, **kind: steps.append("synced"))

    class Locking(LooseJudge):
        @contextlib.contextmanager
        def lock(self):  # type: ignore[no-untyped-def]
            steps.append("locked")
            yield
            steps.append("unlocked")

        def expected(self, offers: Sequence[Offer]) -> list[Entry | Problem | None]:
            steps.append(f"expected {[one.path for one in offers]}")
            newer = Problem(Code.CHANGED, "a newer version is there", "refused")
            return [newer if one.path == "refused" else None for one in offers]

        def record(
            self, batch: int, offers: Sequence[Offer], published: Published
        ) -> list[Receipt]:
            steps.append(f"recorded {[one.path for one in offers]}")
            return super().record(batch, offers, published)

    files = {"a": b"a", "refused": b"b", "b": b"b"}
    receipts = whole(FolderSink(staging, Locking(), RUN), 1, files)
    assert [one.code for one in receipts] == ["done", "changed", "done"]
    assert steps == [
        "locked", "expected ['a', 'refused']", "unlocked",
        "locked", "expected ['b']", "unlocked",
        "synced",
        "locked", "recorded ['a', 'b']", "unlocked",
    ]  # fmt: skip


def test_what_is_replaced_before_it_is_recorded_is_not_recorded(
    staging: Staging, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(*args: object, **kind: object) -> None:
        (top / "b").unlink()
        (top / "b").write_text("another program's")

    monkeypatch.setattr(staging.root, "sync", replace)
    receipts = whole(FolderSink(staging, LooseJudge(), RUN), 1, {"a": b"a", "b": b"b"})
    assert [one.code for one in receipts] == ["done", "changed"]
    assert (top / "b").read_text() == "another program's"


def test_when_the_owner_cannot_record_nothing_stays_staged(staging: Staging, top: Path) -> None:
    class Broken(LooseJudge):
        def expected(self, offers: Sequence[Offer]) -> list[Entry | Problem | None]:
            raise RuntimeError("the database is gone")

    sink = FolderSink(staging, Broken(), RUN)
    with pytest.raises(RuntimeError):
        whole(sink, 1, {"a": b"a"})
    assert everything(top) == {}
