"""A spool keeps small contents in memory, as long as there is room and somebody holds them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.blob_source import SpoolSource
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.packets import as_content, offer_of
from cargo_sync.stores.small_contents import LARGEST, SmallContents
from cargo_sync.stores.spool import BlobSpool, HoldCounts
from tests.stores.blobs import content_of, opened

ONE, OTHER = b"one", b"another"
ROOM = 1_200
"""For two small contents."""


class Scene:
    """A spool, in whose folder the files of contents are counted."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.blobs: BlobFolder = opened(place, durable=False)
        self.holds = HoldCounts()
        self.spool = BlobSpool(self.blobs, self.holds, SmallContents(ROOM))

    def add(self, content: bytes) -> bool:
        """A content comes; whether it lies in memory."""
        staged = self.spool.write("f", memoryview(content))
        if staged is None:
            offer = Offer("f", len(content), 0, 0o600, 0, 0, "")
            self.spool.place([self.spool.staging.write(offer, memoryview(content))])
            return False
        assert self.spool.place([staged]) == [None]
        return True

    def release(self, content: bytes) -> None:
        self.spool.remove(self.holds.release([content_of(content).hash]))

    def read(self, content: bytes) -> bytes:
        [known] = [content_of(content)]
        buffer = bytearray(known.size)
        for reader in (self.spool.open(known), self.spool.open_as_is(known)):
            assert reader.read_into(memoryview(buffer), 0) == known.size and reader.unchanged()
            assert reader.extent(0, known.size) == (known.size, False)
            reader.close()
        return bytes(buffer)

    def read_packet(self, contents: list[bytes]) -> bytes:
        known = [content_of(one) for one in contents]
        packet = as_content(known)
        memory = memoryview(bytearray(packet.size))
        source, offers = SpoolSource(self.spool), [offer_of(packet)]
        assert source.read(offers, [memory]) is None
        read = bytearray(packet.size)
        assert source.open(offers[0]).read_into(memoryview(read), 0) == packet.size
        assert read == memory
        return bytes(memory)

    def is_there(self, content: bytes) -> bool:
        return self.spool.holds([content_of(content)])[0]

    def files(self) -> int:
        return self.blobs.room().blobs


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    found = Scene(tmp_path / "spool")
    yield found
    found.blobs.close()


def test_small_contents_need_no_file(scene: Scene) -> None:
    assert scene.add(ONE) and scene.add(OTHER)
    assert scene.read(ONE) == ONE and not scene.files()
    scene.add(ONE)
    scene.release(ONE)
    assert scene.is_there(ONE), "it is held once more"
    scene.release(ONE)
    assert not scene.is_there(ONE) and scene.is_there(OTHER)
    with pytest.raises(ProblemError) as raised:
        scene.spool.open(content_of(ONE))
    assert raised.value.problem.code is Code.VANISHED


def test_what_has_no_room_becomes_a_file(scene: Scene) -> None:
    assert scene.add(ONE) and scene.add(OTHER)
    assert not scene.add(b"a third") and not scene.add(bytes(LARGEST + 1))
    assert scene.read(b"a third") == b"a third" and scene.files() == 2
    assert scene.read_packet([OTHER, b"a third", ONE]) == OTHER + b"a third" + ONE
    scene.release(ONE)
    unused = scene.spool.write("f", memoryview(b"a fourth"))
    assert unused is not None
    scene.spool.discard(unused)
    assert scene.add(b"a fifth"), "what was discarded or removed gives its room back"


@pytest.mark.parametrize("first", [True, False])
def test_one_in_memory_and_in_a_file_goes_from_both(scene: Scene, first: bool) -> None:
    """A repair brings it as a file, and a client sends it."""

    def fetched() -> None:
        offer = Offer("f", len(ONE), 0, 0o600, 0, 0, "")
        scene.spool.place([scene.spool.staging.write(offer, memoryview(ONE))])

    if first:
        fetched()
    assert scene.add(ONE)
    if not first:
        fetched()
    scene.release(ONE)
    assert scene.read(ONE) == ONE
    scene.release(ONE)
    assert not scene.is_there(ONE) and not scene.files()


def test_files_without_bytes_take_nothing(scene: Scene) -> None:
    staged = scene.spool.write("f", memoryview(b""))
    assert staged is not None and scene.spool.place([staged]) == [None]
    assert scene.add(ONE) and scene.add(OTHER) and not scene.files()
