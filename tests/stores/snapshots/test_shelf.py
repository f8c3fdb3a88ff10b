"""The snapshots that a node keeps."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from cargo_sync.machines.nodes.snapshots import DAY, MadeSnapshot
from cargo_sync.model.problems import ProblemError
from cargo_sync.stores.blob_scrub import BlobScrub
from cargo_sync.stores.contract import Content
from cargo_sync.stores.snapshots.shelf import SnapshotShelf
from tests.stores.blobs import LARGE, TOKEN, content_of, flip, opened, put

WHO, OTHER = b"w" * 32, b"o" * 32


def test_a_snapshot_is_no_content_any_more(tmp_path: Path) -> None:
    content = content_of(LARGE)
    with closing(opened(tmp_path / "kept")) as blobs:
        assert put(blobs, [LARGE, b"another"]) == [None, None]
        before = blobs.sequence
        shelf = SnapshotShelf(blobs)
        for _ in range(2):  # the answer to the first one was lost
            shelf.keep(content, MadeSnapshot(5, 1.5), WHO)
        assert blobs.inventory("", 10).hashes == [content_of(b"another").hash]
        assert (blobs.room().blobs, blobs.room().used) == (1, len(b"another"))
        assert blobs.sequence > before
        assert blobs.remove([content.hash]) == [None]  # as an order to delete that comes too late
    with closing(opened(tmp_path / "kept", known=TOKEN)) as blobs:
        blobs.count()
        [found] = SnapshotShelf(blobs).all(WHO)
        assert (found.snapshot, found.size) == (MadeSnapshot(5, 1.5), len(LARGE))
        assert SnapshotShelf(blobs).all(OTHER) == []
        descriptor = SnapshotShelf(blobs).open(found)
        with open(descriptor, "rb") as file:
            assert file.read() == LARGE
        assert blobs.room().blobs == 1


def test_old_ones_go_when_new_ones_are_there(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "kept")) as blobs:
        shelf = SnapshotShelf(blobs)
        for number in range(30):
            content = b"%d" % number
            assert put(blobs, [content]) == [None]
            shelf.keep(content_of(content), MadeSnapshot(number, DAY * (number // 3)), WHO)
        stay = [one.snapshot.number for one in shelf.all()]
        assert stay == [*range(29, 5, -1), 5, 2]
        assert shelf.find(5, WHO).size == 1
        for number, who in ((4, WHO), (5, OTHER)):
            with pytest.raises(ProblemError):
                shelf.find(number, who)


def test_what_is_not_there_or_not_whole_becomes_no_snapshot(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "kept")) as blobs:
        put(blobs, [b"content"])
        shelf = SnapshotShelf(blobs)
        good = content_of(b"content")
        for content in (content_of(b"other"), good._replace(size=3), Content("../marker", 1)):
            with pytest.raises(ProblemError):
                shelf.keep(content, MadeSnapshot(1, 0.0), WHO)
        assert (shelf.all(), blobs.has([good])) == ([], [True])
        Path(tmp_path, "kept", ".cargo_sync", "snapshots").mkdir(exist_ok=True)
        os.close(os.open(tmp_path / "kept/.cargo_sync/snapshots/foreign", os.O_CREAT))
        assert shelf.all() == []


def test_the_scrub_reads_snapshots(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place = tmp_path / "kept" / ".cargo_sync" / "snapshots"
    with closing(opened(tmp_path / "kept")) as blobs:
        shelf = SnapshotShelf(blobs)
        for number, content in enumerate([LARGE, b"second", b"third", b"fourth"]):
            put(blobs, [content])
            shelf.keep(content_of(content), MadeSnapshot(number, 0.0), WHO)
        third, second, first = (next(place.glob(f"{number:016x}-*")) for number in (2, 1, 0))
        second.rename(place / second.name.rpartition("-")[0])  # as an earlier version kept it
        flip(first, len(LARGE) - 1)
        os.truncate(third, 3)
        scrub = BlobScrub(blobs, lambda: 5.0, [shelf.check])
        assert sum(scrub.walk()) == len(LARGE) + 3 + len(b"fourth")
        assert (scrub.place.damaged, scrub.is_under_way) == (2, False)
        assert [one.snapshot.number for one in shelf.all(WHO)] == [3, 1]
        assert sorted(each.name for each in place.glob("*.damaged")) == [
            f"{each.name}.damaged" for each in (first, third)
        ]
        assert "the snapshot 0 of the server's state is damaged" in caplog.text
        assert sum(scrub.walk()) == len(b"fourth") and scrub.place.damaged == 0
        put(blobs, [b"fifth"])
        shelf.keep(content_of(b"fifth"), MadeSnapshot(4, 0.0), WHO)
        assert not list(place.glob("*.damaged"))
        assert [one.snapshot.number for one in shelf.all(WHO)] == [4, 3, 1]
