"""Blobs: whole and durable or not there at all, and nothing rotten is given out."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cargo_sync.local import content_hash, lock
from cargo_sync.local.content_hash import ContentHash
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.publish import MANY
from cargo_sync.model.checkpoints import RESUMABLE
from cargo_sync.model.contents import EMPTY_HASH
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.stores import blob_changes, blob_pieces
from cargo_sync.stores import blobs as blob_folders
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.blobs import PARTS, BlobFolder, for_blobs
from cargo_sync.stores.contract import Content
from tests.local.systems import KINDS, SYNCS, Stop, failing, failing_in, recording, stopping
from tests.stores.blobs import (
    LARGE,
    TOKEN,
    content_of,
    flip,
    kept,
    opened,
    place_of,
    put,
    read,
    staged_in,
)

SMALL = [b"one", b"two", b"three"]
LARGER = b"two pieces of sixteen bytes"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(top: Path) -> Iterator[BlobFolder]:
    with closing(opened(top)) as folder:
        yield folder


EMPTY = Content(EMPTY_HASH, 0)


def refused(blobs: BlobFolder, content: Content) -> Code:
    with pytest.raises(ProblemError) as refusal:
        read(blobs, content)
    return refusal.value.problem.code


# -- placing and reading ---------------------------------------------------------------------------


def test_what_is_placed_is_read_and_found(blobs: BlobFolder, top: Path) -> None:
    contents = [*SMALL, LARGE, b"", LARGE[:PIECE]]
    assert put(blobs, contents) == [None] * 6
    known = [content_of(each) for each in contents]
    assert blobs.has(known) == [True] * 6
    assert [read(blobs, each) for each in known] == contents
    assert blobs.room()[1:] == (sum(map(len, contents)), None, 5)
    assert blobs.has([Content(known[0].hash, 4), content_of(b"other")]) == [False, False]
    files = [place_of(top, each) for each in known if each.size]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert files[0].read_bytes() == b"one", "they are plain files"
    assert staged_in(top) == set()


def test_the_content_of_no_bytes_is_always_there(blobs: BlobFolder, top: Path) -> None:
    assert content_of(b"") == EMPTY
    assert blobs.has([EMPTY]) == [True]
    assert read(blobs, EMPTY) == b""
    assert put(blobs, [b""]) == [None]
    assert kept(top) == set()


@pytest.mark.parametrize("step", [7_919, 300_000, PIECE, PIECE + 1, 3 * PIECE])
def test_reads_of_any_length_give_the_same(blobs: BlobFolder, step: int) -> None:
    put(blobs, [LARGE])
    assert read(blobs, content_of(LARGE), step) == LARGE


def test_holes_stay_holes_and_are_believed_only_where_there_are_zeros(
    blobs: BlobFolder, top: Path
) -> None:
    size = 4 * PIECE + 5
    offer = Offer("sparse", size, 0, 0o600, 0, 0, "")
    part = blobs.staging.part(offer)
    part.write(0, memoryview(b"x" * PIECE))
    part.hole(PIECE, size - PIECE)
    staged = part.finish()
    assert blobs.place([staged]) == [None]
    content = Content(staged.hash, size)
    with closing(blobs.open_blob(content)) as reader:
        end, is_hole = reader.extent(PIECE, size)
        if not is_hole:
            pytest.skip("this file system has no holes")
        assert end == size
        assert reader.extent(PIECE + 1, size) == (2 * PIECE, False)
        assert reader.extent(2 * PIECE, 3 * PIECE) == (3 * PIECE, True)
    assert read(blobs, content) == b"x" * PIECE + bytes(size - PIECE)
    os.truncate(place_of(top, content), 0)  # a file system that lost all of it
    os.truncate(place_of(top, content), size)
    with closing(blobs.open_blob(content)) as reader:
        assert reader.extent(0, size) == (PIECE, False)
    assert refused(blobs, content) is Code.DAMAGED


def test_a_content_with_blocks_of_zeros_has_its_own_hash(
    blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_hash, "BLOCK", 2 * PIECE)
    size = 4 * PIECE + 1
    digest = ContentHash()
    digest.zeros(size - 1)
    digest.update(b"x")
    part = blobs.staging.part(Offer("zeros", size, 0, 0o600, 0, 0, "0" * 32))
    part.hole(0, size - 1)
    part.write(size - 1, memoryview(b"x"))
    assert blobs.place([part.finish()]) == [None]
    content = Content(digest.hexdigest(), size)
    assert blobs.has([content]) == [True]
    assert read(blobs, content) == bytes(size - 1) + b"x"


def test_the_same_content_again_counts_once(blobs: BlobFolder, top: Path) -> None:
    put(blobs, [b"one", LARGE])
    assert put(blobs, [b"one", LARGE, b"one"]) == [None] * 3
    assert blobs.room()[1:] == (3 + len(LARGE), None, 2)
    assert len(kept(top)) == 3


def test_what_is_not_a_hash_leads_nowhere(blobs: BlobFolder, top: Path) -> None:
    (top / "zz").mkdir()
    (top / "zz" / "zz").write_text("not a blob")
    for name in ("zz", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n", ""):
        assert blobs.has([Content(name, 10)]) == [False]
        assert refused(blobs, Content(name, 10)) is Code.BAD_REQUEST
        [problem] = blobs.remove([name])
        assert problem is not None and problem.code is Code.BAD_REQUEST
    assert (top / "zz" / "zz").exists()
    assert refused(blobs, Content("a" * 64, 10)) is Code.VANISHED


def test_capacity_and_room(top: Path) -> None:
    with closing(opened(top, capacity=10)) as blobs:
        assert blobs.room() == (10, 0, 10, 0)
        put(blobs, [b"seven.."])
        assert blobs.room() == (3, 7, 10, 1)
        put(blobs, [b"more than there is"])
        assert blobs.room().free == 0


# -- rot -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "at"), [(b"small", 2), (LARGE, PIECE + 5), (LARGE, 2 * PIECE)])
def test_not_a_byte_of_a_rotten_piece_is_given_out(
    blobs: BlobFolder, top: Path, content: bytes, at: int
) -> None:
    put(blobs, [content])
    known = content_of(content)
    flip(place_of(top, known), at)
    view = memoryview(bytearray(len(content)))
    with closing(blobs.open_blob(known)) as reader:
        first = at // PIECE * PIECE
        assert reader.read_into(view[:first], 0) == first, "the pieces before are right"
        with pytest.raises(ProblemError) as refusal:
            reader.read_into(view[at : at + 1], at)
    assert refusal.value.problem.code is Code.DAMAGED
    assert not view[at], "the piece was read elsewhere"
    assert blobs.has([known]) == [False]
    assert blobs.damaged == [known.hash]
    assert (top / ".cargo_sync" / "damaged" / known.hash).stat().st_size == len(content)
    assert blobs.room().blobs == 0 and kept(top) == set()
    assert put(blobs, [content]) == [None]
    assert read(blobs, known) == content
    assert blobs.damaged == [] and os.listdir(top / ".cargo_sync" / "damaged") == []


def test_a_blob_of_another_size_is_damaged(blobs: BlobFolder, top: Path) -> None:
    put(blobs, [b"small", LARGE])
    for content in (b"small", LARGE):
        os.truncate(place_of(top, content_of(content)), len(content) - 1)
        assert blobs.has([content_of(content)]) == [False]
        assert refused(blobs, content_of(content)) is Code.DAMAGED
    assert len(blobs.damaged) == 2


@pytest.mark.parametrize("fault", ["gone", "short", "rotten"])
def test_a_lost_list_of_a_right_content_is_made_again(
    blobs: BlobFolder, top: Path, fault: str
) -> None:
    put(blobs, [LARGE])
    known = content_of(LARGE)
    list = place_of(top, known).with_name(f"{known.hash}.pieces")
    whole = list.read_bytes()
    if fault == "gone":
        list.unlink()
    elif fault == "short":
        os.truncate(list, 32)
    else:
        flip(list, 40)
    assert read(blobs, known) == LARGE
    assert list.read_bytes() == whole
    assert blobs.damaged == []


def test_a_rotten_blob_without_its_list_is_found_too(blobs: BlobFolder, top: Path) -> None:
    put(blobs, [LARGE])
    known = content_of(LARGE)
    place_of(top, known).with_name(f"{known.hash}.pieces").unlink()
    flip(place_of(top, known), 3)
    assert refused(blobs, known) is Code.DAMAGED


def test_a_reader_goes_on_when_its_blob_is_removed_or_replaced(blobs: BlobFolder) -> None:
    put(blobs, [LARGE])
    view = memoryview(bytearray(len(LARGE)))
    with closing(blobs.open_blob(content_of(LARGE))) as reader:
        reader.read_into(view[:PIECE], 0)
        put(blobs, [LARGE])
        assert reader.read_into(view[PIECE:], PIECE) == len(LARGE) - PIECE
    assert view == LARGE


def test_what_took_the_place_of_a_rotten_blob_is_not_moved_aside(
    blobs: BlobFolder, top: Path
) -> None:
    put(blobs, [LARGE])
    known = content_of(LARGE)
    flip(place_of(top, known), 3)
    with closing(blobs.open_blob(known)) as reader:
        put(blobs, [LARGE])
        with pytest.raises(ProblemError):
            reader.read_into(memoryview(bytearray(10)), 0)
    assert blobs.damaged == [] and read(blobs, known) == LARGE


def test_what_was_not_written_as_it_arrived_is_not_placed(blobs: BlobFolder, top: Path) -> None:
    [offer] = for_blobs([Offer("large", len(LARGE), 0, 0o644, 0, 0, "0" * 32)])
    staged = blobs.staging.write(offer, memoryview(LARGE))
    flip(top / ".cargo_sync" / "staging" / staged.name, 5)
    [problem] = blobs.place([staged])
    assert problem is not None and problem.code is Code.CORRUPT
    assert kept(top) == set() and staged_in(top) == set()


# -- removing, counting, the inventory -------------------------------------------------------------


def test_removing(blobs: BlobFolder, top: Path) -> None:
    put(blobs, [*SMALL, LARGE])
    gone = [content_of(LARGE).hash, content_of(b"one").hash, content_of(b"never there").hash]
    assert blobs.remove(gone) == [None] * 3
    assert blobs.room()[1:] == (len(b"two" + b"three"), None, 2)
    assert kept(top) == {content_of(b"two").hash, content_of(b"three").hash}
    flip(place_of(top, content_of(b"two")), 0)
    assert refused(blobs, content_of(b"two")) is Code.DAMAGED
    assert blobs.remove([content_of(b"two").hash]) == [None]
    assert blobs.damaged == []


def test_the_inventory_has_each_blob_once_in_order(blobs: BlobFolder, top: Path) -> None:
    contents = [f"content {number}".encode() for number in range(300)]
    put(blobs, [*contents, LARGE])
    (top / "00").mkdir(exist_ok=True)
    (top / "00" / "notes of somebody").write_text("no blob")
    expected = sorted(map(content_of, [*contents, LARGE]))
    found: list[Content] = []
    while True:
        page = blobs.inventory(found[-1].hash if found else "", 7)
        found += map(Content, *page)
        if len(page.hashes) < 7:
            break
    assert found == expected
    assert blobs.inventory(expected[-1].hash, 7) == ([], [])
    assert blobs.inventory(f"{PARTS[-1]}ff", 1000).hashes == [
        each.hash for each in expected if each.hash > "ffff"
    ]


def test_the_sequence_grows_with_each_batch_and_survives(top: Path) -> None:
    with closing(opened(top)) as blobs:
        start = blobs.sequence
        put(blobs, SMALL)
        assert blobs.sequence == start + 1
        blobs.remove([content_of(b"one").hash])
        assert blobs.sequence == start + 2
        put(blobs, [b""])
        assert blobs.sequence == start + 2, "nothing changed"
    with closing(opened(top, known=TOKEN)) as blobs:
        assert blobs.sequence == start + 2
        assert blobs.room()[1:] == (len(b"two" + b"three"), None, 2)


def test_after_an_unclean_end_it_is_counted_again(top: Path) -> None:
    first = opened(top)
    put(first, SMALL)
    first.staging.close()
    first._changes.totals.close()
    first._held.release()
    first.root.close()
    place_of(top, content_of(b"two")).unlink()  # as after a power cut
    with closing(opened(top)) as blobs:
        assert blobs.room().blobs == 3
        blobs.count()
        assert blobs.room()[1:] == (len(b"one" + b"three"), None, 2)
        put(blobs, [b"four"])
        assert blobs.room().blobs == 3
    with closing(opened(top)) as blobs:
        place_of(top, content_of(b"one")).unlink()
        blobs.count()
        assert blobs.room().blobs == 3, "after a clean end nothing is counted"


# -- the folder ------------------------------------------------------------------------------------


def test_it_has_one_owner_and_a_marker(top: Path) -> None:
    def refusal(known: str) -> str:
        with pytest.raises(ProblemError) as refused:
            opened(top, known=known)
        return refused.value.problem.code

    assert refusal(TOKEN) == "root_gone"
    with closing(opened(top)):
        assert refusal(TOKEN) == "root_in_use"
    (top / ".cargo_sync" / "marker").unlink()
    assert refusal(TOKEN) == "root_replaced"
    assert not (top / ".cargo_sync" / "marker").exists()


# -- faults ----------------------------------------------------------------------------------------


@pytest.fixture
def pieces_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """And only those folders are looked at that can have a blob."""
    for module in (blob_pieces, blob_changes, blob_folders):
        monkeypatch.setattr(module, "PIECE", 16)
    contents = (*SMALL, LARGER, b"four")
    parts = sorted({content_of(each).hash[:2] for each in contents})
    monkeypatch.setattr(blob_folders, "PARTS", tuple(parts))
    monkeypatch.setattr(lock, "_check_alone", lambda root: None)  # looks at all processes


def bring(top: Path, blobs: BlobFolder) -> None:
    """A batch, one that replaces some of it, and a removal."""
    put(blobs, [*SMALL[:2], LARGER])
    put(blobs, [LARGER, b"four"])
    blobs.remove([content_of(b"one").hash, content_of(LARGER).hash])


def check_all_is_whole(top: Path) -> None:
    contents = {content_of(each): each for each in (*SMALL[:2], LARGER, b"four")}
    with closing(opened(top, token="f" * 32)) as blobs:
        found = list(map(Content, *blobs.inventory("", 100)))
        for each in found:
            assert read(blobs, each) == contents[each]
        assert blobs.damaged == []
        assert staged_in(top) == set()
        blobs.count()
        assert blobs.room().blobs == len(found)
        assert put(blobs, [*SMALL[:2], LARGER]) == [None] * 3
        assert all(blobs.has(list(map(content_of, [*SMALL[:2], LARGER]))))


def calls_of(top: Path, kind: str) -> int:
    system, calls = recording(kind)
    with closing(opened(top, system)) as blobs:
        bring(top, blobs)
    return len(calls)


@pytest.mark.usefixtures("pieces_are_small")
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_call_each_blob_is_whole_or_not_there(tmp_path: Path, kind: str) -> None:
    for at in range(1, calls_of(tmp_path / "count", kind)):
        top = tmp_path / str(at)
        blobs = None
        try:
            blobs = opened(top, stopping(kind, at))
            bring(top, blobs)
        except Stop:
            pass
        if blobs is not None:
            os.close(blobs._changes.totals._fd)
            blobs.staging.close()
            os.close(blobs.root.fd)
        check_all_is_whole(top)


@pytest.mark.usefixtures("pieces_are_small")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_a_call_that_fails_loses_nothing_else(tmp_path: Path, kind: str, error: int) -> None:
    for at in range(1, calls_of(tmp_path / "count", kind)):
        top = tmp_path / str(at)
        try:
            with closing(opened(top, failing(kind, at, error))) as blobs:
                bring(top, blobs)
        except ProblemError as failed:
            assert failed.problem.code in (Code.DISK_ERROR, Code.DISK_FULL)
        check_all_is_whole(top)


@pytest.mark.parametrize("kind", KINDS)
def test_a_content_that_could_not_be_synced_is_never_there(tmp_path: Path, kind: str) -> None:
    name = "fsync" if kind == "portable" else "syncfs"
    contents = [f"{number}".encode() for number in range(MANY)]
    with closing(opened(tmp_path / "blobs")):
        pass
    with closing(opened(tmp_path / "blobs", failing_in(kind, name, errno.EIO, 1))) as blobs:
        problems = put(blobs, contents)
        assert problems[0] is not None and problems[0].code is Code.DISK_ERROR
        there = blobs.has(list(map(content_of, contents)))
        assert there == [problem is None for problem in problems]


def test_a_batch_is_synced_once_and_before_anything_is_renamed(top: Path) -> None:
    system, calls = recording("native")
    with closing(opened(top, system)) as blobs:
        del calls[:]
        put(blobs, [f"{number}".encode() for number in range(100)])
        assert calls.count("syncfs") == 2 and calls.count("fsync") == 0
        assert calls.index("syncfs") < calls.index("rename_noreplace")
        assert calls[-1] == "syncfs"
        del calls[:]
        put(blobs, [LARGE])
        assert calls.count("syncfs") == 0
        assert calls.count("fsync") == 6, "content, list, root, folder, staging, totals"
        assert calls.index("rename") < calls.index("rename_noreplace"), "the list comes first"
        del calls[:]
        blobs.remove([content_of(LARGE).hash])
        assert calls.count("unlink") == 2 and calls.count("fsync") == 2


@pytest.mark.parametrize("durable", [True, False], ids=["durable", "a spool"])
def test_only_what_must_outlive_a_power_cut_is_synced(tmp_path: Path, durable: bool) -> None:
    system, calls = recording("native")
    content = memoryview(bytes(RESUMABLE))
    with closing(opened(tmp_path / "blobs", system, durable=durable)) as blobs:
        offers = for_blobs([Offer("f", len(content), 0, 0o600, 0, 0, TOKEN)])
        del calls[:]
        part = blobs.staging.part(offers[0])
        part.write(0, content)
        staged = part.finish()
        assert blobs.place([staged]) == [None] and blobs.has([content_of(bytes(content))]) == [True]
        assert staged.transfer == TOKEN and staged.durable is durable
        assert any(call in SYNCS for call in calls) is durable, calls


def test_a_resumed_content_has_no_checkpoint_when_it_is_there(top: Path) -> None:
    checkpoints = MemoryCheckpoints()
    with closing(opened(top)) as blobs:
        blobs.staging._checkpoints = checkpoints
        content = bytes(range(256)) * (9 * PIECE // 256)
        part = blobs.staging.part(Offer("large", len(content), 0, 0o600, 0, 0, "a" * 32))
        part.write(0, memoryview(content))
        part.checkpoint()
        assert checkpoints.kept
        assert blobs.place([part.finish()]) == [None]
        assert not checkpoints.kept
        assert read(blobs, content_of(content)) == content


@pytest.mark.parametrize("durable", [True, False])
def test_a_folder_that_a_power_cut_may_take_is_never_synced(tmp_path: Path, durable: bool) -> None:
    system, calls = recording("native")
    blobs = opened(tmp_path / "spool", system, durable=durable)
    del calls[:]
    contents = [*(f"{number}".encode() for number in range(40)), LARGE]
    assert put(blobs, contents) == [None] * len(contents)
    found = [content_of(one) for one in contents]
    assert all(blobs.has(found))
    with closing(blobs.open_blob(found[-1])) as reader:
        assert reader.read_into(memoryview(bytearray(9)), 0) == 9
    before = blobs.sequence
    assert blobs.remove([one.hash for one in found]) == [None] * len(found)
    assert blobs.sequence > before and blobs.room().blobs == 0
    assert bool(set(SYNCS) & set(calls)) is durable
    blobs.close()
