"""The scrub: finds what is rotten, goes on after a restart, and stops between two reads."""

import os
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

from cargo_sync.local.content_hash import tagging
from cargo_sync.local.piece_lists import KEY, PIECE
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.blob_scrub import EACH, KEPT, BlobScrub, ScrubPlace
from cargo_sync.stores.blobs import BlobFolder, for_blobs
from tests.local.systems import failing_in
from tests.stores.blobs import LARGE, content_of, flip, kept, opened, place_of, put, read

CONTENTS = [LARGE, *(f"content {number}".encode() for number in range(20))]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def blobs(top: Path) -> Iterator[BlobFolder]:
    with closing(opened(top)) as folder:
        put(folder, CONTENTS)
        yield folder


def test_it_reads_everything_once(blobs: BlobFolder, clock: Clock) -> None:
    scrub = BlobScrub(blobs, clock)
    assert scrub.place == ScrubPlace() and not scrub.is_under_way
    read = sum(scrub.walk())
    assert read == len(LARGE) + 20 * EACH
    whole = sum(map(len, CONTENTS))
    assert scrub.place == ScrubPlace("", 1000.0, 1000.0, 21, whole, 0)
    assert BlobScrub(blobs, clock).place == scrub.place, "it is known after a restart"


def test_it_finds_what_is_rotten_and_nothing_else(
    blobs: BlobFolder, top: Path, clock: Clock
) -> None:
    flip(place_of(top, content_of(LARGE)), len(LARGE) - 1)
    flip(place_of(top, content_of(CONTENTS[5])), 0)
    os.truncate(place_of(top, content_of(CONTENTS[6])), 3)
    list = place_of(top, content_of(LARGE)).with_suffix(".pieces")
    assert list.exists()
    scrub = BlobScrub(blobs, clock)
    for _ in scrub.walk():
        pass
    assert scrub.place.damaged == 3
    assert blobs.damaged == sorted(content_of(CONTENTS[at]).hash for at in (0, 5, 6))
    assert blobs.room().blobs == 18 and not list.exists()
    put(blobs, CONTENTS)
    for _ in scrub.walk():
        pass
    assert (scrub.place.blobs, scrub.place.damaged, blobs.damaged) == (21, 0, [])


def test_a_wrong_list_is_made_again(blobs: BlobFolder, top: Path, clock: Clock) -> None:
    list = place_of(top, content_of(LARGE)).with_suffix(".pieces")
    whole = list.read_bytes()
    for is_gone in (False, True):
        if is_gone:
            list.unlink()
        else:
            flip(list, 70)
        scrub = BlobScrub(blobs, clock)
        for _ in scrub.walk():
            pass
        assert (scrub.place.damaged, list.read_bytes()) == (0, whole)


@pytest.mark.parametrize("rotten", ["", "content", "tag", "key"])
def test_a_content_that_came_in_pieces_is_checked_by_its_tags(
    top: Path, clock: Clock, rotten: str
) -> None:
    """As at a node."""
    content = content_of(LARGE)
    list = place_of(top, content).with_suffix(".pieces")
    with closing(opened(top, hashes=tagging(os.urandom))) as blobs:
        [offer] = for_blobs([Offer("a", len(LARGE), 0, 0, 0, 0, "a" * 32)])
        part = blobs.staging.part(offer)
        part.write(0, memoryview(LARGE))
        assert blobs.place([part.finish()]) == [None]
        whole = list.read_bytes()
        assert len(whole) == 1 + KEY + 3 * 16
        if rotten:
            file = place_of(top, content) if rotten == "content" else list
            flip(file, {"content": PIECE, "tag": len(whole) - 1, "key": 1}[rotten])
        scrub = BlobScrub(blobs, clock)
        for _ in scrub.walk():
            pass
        assert scrub.place.damaged == (rotten == "content") == bool(blobs.damaged)
        if rotten != "content":
            assert (list.read_bytes() == whole) is (not rotten)
            assert read(blobs, content) == LARGE


def test_it_goes_on_after_a_restart(blobs: BlobFolder, top: Path, clock: Clock) -> None:
    walk = BlobScrub(blobs, clock).walk()
    for _ in islice(walk, 8):
        clock.now += 1
    clock.now += KEPT
    next(walk)  # its place was written just before; from here on it is as after a kill
    again = BlobScrub(blobs, clock)
    assert again.is_under_way
    assert 6 <= again.place.blobs <= 8
    clock.now += 100
    for _ in again.walk():
        pass
    assert (again.place.blobs, again.place.begun, again.place.ended) == (21, 1000.0, clock.now)
    assert not again.is_under_way
    walk.close()


def test_one_that_is_left_keeps_its_place(blobs: BlobFolder, clock: Clock) -> None:
    walk = BlobScrub(blobs, clock).walk()
    done = 0
    for _ in islice(walk, 10):
        done += 1
    walk.close()
    assert BlobScrub(blobs, clock).place.blobs in (done - 1, done - 3)  # LARGE has three pieces


def test_what_comes_and_goes_meanwhile_is_no_problem(
    blobs: BlobFolder, top: Path, clock: Clock
) -> None:
    scrub = BlobScrub(blobs, clock)
    walk = scrub.walk()
    next(walk)
    blobs.remove([content_of(each).hash for each in CONTENTS[::2]])
    put(blobs, [b"new"])
    for _ in walk:
        pass
    assert scrub.place.damaged == 0
    assert 11 <= scrub.place.blobs <= 12


def test_a_list_without_its_blob_is_removed(blobs: BlobFolder, top: Path, clock: Clock) -> None:
    known = content_of(LARGE)
    place_of(top, known).unlink()
    assert f"{known.hash}.pieces" in kept(top)
    for _ in BlobScrub(blobs, clock).walk():
        pass
    assert kept(top) == {content_of(each).hash for each in CONTENTS[1:]}


def test_a_place_that_cannot_be_read_begins_again(
    blobs: BlobFolder, top: Path, clock: Clock
) -> None:
    for text in (b"", b"{", b"[]", b'{"after": ""}', b'{"unknown": 1}', b'{"after": 7}'):
        (top / ".cargo_sync" / "scrub").write_bytes(text)
        scrub = BlobScrub(blobs, clock)
        assert scrub.place == ScrubPlace()
        assert sum(scrub.walk()) == len(LARGE) + 20 * EACH


def test_a_disk_that_cannot_be_written_to_ends_it_with_a_problem(top: Path, clock: Clock) -> None:
    with closing(opened(top, failing_in("native", "rename", 30))) as blobs:
        put(blobs, [b"one"])
        with pytest.raises(ProblemError) as failed:
            list(BlobScrub(blobs, clock).walk())
        assert failed.value.problem.code is Code.READ_ONLY
        assert read(blobs, content_of(b"one")) == b"one"
