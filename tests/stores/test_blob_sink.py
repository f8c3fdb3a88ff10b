"""Contents that come to a node without their name: kept for one lane, for a while, with room."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.local.staging import PLACE
from cargo_sync.model.checkpoints import RESUMABLE
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.stores.blob_sink import BlobArrivals, BlobSink
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.unnamed import LONGEST, unnamed
from tests.stores.blobs import content_of, opened

SIZE = RESUMABLE + 1
ONE, OTHER = (bytes([number]) * SIZE for number in (1, 2))
CAPACITY = 2 * SIZE


class Scene:
    """A folder of blobs with room for two of these, and the sink of one lane to it."""

    def __init__(self, place: Path) -> None:
        self.now = 0.0
        self.folder: BlobFolder = opened(place, capacity=CAPACITY)
        self.arrivals = BlobArrivals(self.folder)
        self.sink = BlobSink(self.arrivals, lambda: self.now)
        self.place = place / PLACE

    def send(self, batch: int, content: bytes, upto: int = SIZE) -> None:
        """A content is offered without its name, and so much of it comes."""
        [want] = self.sink.begin(batch, [unnamed(f"{batch:032x}", SIZE)])
        assert want.code == "all"
        for start in range(0, upto, 1 << 20):
            end = min(start + (1 << 20), upto)
            self.sink.part(batch, 0, start, memoryview(content)[start:end])

    def ask(self, batch: int, content: bytes) -> str:
        """It is offered by its name; what is wanted of it."""
        hash, size = content_of(content)
        return self.sink.begin(batch, [Offer(hash, size, 0, 0, 1, 1, hash[:32], hash=hash)])[0].code

    def end(self, batch: int) -> Receipt:
        """All of a batch has come; its receipt."""
        self.sink.submit(batch)
        [(number, receipts)] = self.sink.finished()
        assert number == batch and isinstance(receipts, list)
        return receipts[0]

    def has(self, content: bytes) -> bool:
        return self.folder.has([content_of(content)])[0]

    def staged(self) -> int:
        return len(os.listdir(self.place))

    def room(self) -> int:
        """Contents of this size for which there is room."""
        fit = self.arrivals.promise([SIZE] * 9)
        self.arrivals.end(SIZE * fit)
        return fit


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    found = Scene(tmp_path / "kept")
    yield found
    found.folder.close()


def test_it_gets_its_name_when_it_is_asked_for(scene: Scene) -> None:
    scene.send(0, ONE)
    receipt = scene.end(0)
    assert (receipt.code, receipt.hash) == ("done", content_of(ONE).hash)
    assert not scene.has(ONE) and scene.room() == 1
    assert scene.ask(1, ONE) == "none"
    assert scene.end(1).code == "done"
    assert scene.has(ONE) and scene.room() == 1 and not scene.staged()


def test_only_the_last_one_is_kept_but_none_is_taken_from_who_asked_for_it(scene: Scene) -> None:
    scene.send(0, ONE)
    scene.end(0)
    scene.send(1, OTHER)
    scene.end(1)
    assert scene.staged() == 1
    assert scene.ask(2, ONE) == "all"
    assert scene.ask(3, OTHER) == "none"
    scene.sink.begin(4, [unnamed(f"{4:032x}", 1)])
    assert scene.end(3).code == "done"
    assert scene.has(OTHER) and not scene.has(ONE)


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("upto", [SIZE // 2, SIZE])
def test_nothing_of_it_outlives_the_lane(scene: Scene, upto: int, asked: bool) -> None:
    scene.send(0, ONE, upto)
    scene.sink.checkpoint()
    if upto == SIZE:
        scene.end(0)
        if asked:
            assert scene.ask(1, ONE) == "none"
    scene.sink.close()
    assert not scene.staged() and scene.room() == 2 and not scene.has(ONE)


def test_one_that_takes_too_long_is_given_up(scene: Scene) -> None:
    scene.send(0, ONE, SIZE // 2)
    scene.now = LONGEST + 1
    scene.sink.part(0, 0, SIZE // 2, memoryview(ONE)[SIZE // 2 :])
    assert scene.end(0).code == "timeout"
    assert not scene.staged() and scene.room() == 2
