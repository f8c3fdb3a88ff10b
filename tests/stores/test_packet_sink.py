"""Packets that come to a node: each content becomes a file, or none of its packet does."""

import errno
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from cargo_sync.local.publish import MANY
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.blob_sink import BlobArrivals
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.contract import Content
from cargo_sync.stores.packet_sink import NodeSink
from cargo_sync.stores.packets import as_content, offer_of
from tests.stores.blobs import content_of, kept, opened, read, staged_in

SIZE = 1_000
SOME = [bytes([number]) * (SIZE - number) for number in range(6)]
ROOM = 12 * SIZE
MANY_ONES = [bytes([number]) * 100 for number in range(MANY + 1)]
MANY_HASHES = [content_of(one).hash for one in MANY_ONES]


class Scene:
    """A folder with little room, and the sink of one lane to it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder: BlobFolder = opened(place, capacity=ROOM)
        self.arrivals = BlobArrivals(self.folder)
        self.sink = NodeSink(self.arrivals, lambda: 0.0)

    def begin(self, batch: int, *packets: Sequence[bytes]) -> list[str]:
        """Packets are offered; what is wanted of each."""
        offers = [offer_of(as_content(list(map(content_of, packet)))) for packet in packets]
        return [one.code for one in self.sink.begin(batch, offers)]

    def send(self, batch: int, index: int, content: bytes, step: int = 1 << 20) -> None:
        """A packet comes, in pieces of so many bytes."""
        view = memoryview(content)
        if step >= len(content):
            self.sink.whole(batch, index, view)
        for start in range(0, len(content) if step < len(content) else 0, step):
            self.sink.part(batch, index, start, view[start : start + step])

    def end(self, batch: int) -> list[str]:
        """All of a batch has come: what its receipts say."""
        self.sink.submit(batch)
        [(number, receipts)] = self.sink.finished()
        assert number == batch and isinstance(receipts, list)
        assert all(bool(one.message) is (one.code != "done") for one in receipts)
        return [one.code for one in receipts]

    def there(self) -> list[bytes]:
        """Which of the contents can be read, whole."""
        return [one for one in SOME if self._has(content_of(one))]

    def _has(self, content: Content) -> bool:
        return self.folder.has([content])[0] and bool(read(self.folder, content))

    def is_clean(self) -> bool:
        """Whether nothing is staged, and no room is promised."""
        used = self.folder.room().used
        fit = self.arrivals.promise([1] * ROOM)
        self.arrivals.end(fit)
        return not staged_in(self.place) and used + fit == ROOM


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    found = Scene(tmp_path / "kept")
    yield found
    found.folder.close()


@pytest.mark.parametrize("step", [1 << 20, 700])
def test_each_content_becomes_a_file(scene: Scene, step: int) -> None:
    assert scene.begin(0, SOME[:3], SOME[3:4]) == ["all", "all"]
    scene.send(0, 0, b"".join(SOME[:3]), step)
    scene.send(0, 1, SOME[3], step)
    assert scene.end(0) == ["done", "done"]
    assert scene.there() == SOME[:4] and scene.is_clean()
    found = [scene.place / one.hash[:2] / one.hash for one in map(content_of, SOME[:4])]
    assert [one.stat().st_mode & 0o777 for one in found] == [0o600] * 4
    assert kept(scene.place) == {one.name for one in found}


def test_what_is_there_is_not_wanted_or_replaced(scene: Scene) -> None:
    scene.begin(0, SOME[:2])
    scene.send(0, 0, b"".join(SOME[:2]))
    scene.end(0)
    assert scene.begin(1, SOME[:2], SOME[:4]) == ["none", "all"]
    scene.send(1, 1, b"".join(SOME[:4]))
    assert scene.end(1) == ["done", "done"]
    assert scene.there() == SOME[:4] and scene.is_clean()
    assert scene.folder.room().used == sum(map(len, SOME[:4]))


def test_batches_of_contents_and_of_packets_take_turns(scene: Scene) -> None:
    hash, size = content_of(SOME[5])
    wants = scene.sink.begin(0, [Offer(hash, size, 0, 0, 1, 1, hash[:32], hash=hash)])
    assert [one.code for one in wants] == ["all"] and scene.begin(1, SOME[:2]) == ["all"]
    scene.send(1, 0, b"".join(SOME[:2]))
    scene.send(0, 0, SOME[5])
    assert scene.end(0) == ["done"] and scene.there() == SOME[5:]
    assert scene.end(1) == ["done"] and scene.there() == [*SOME[:2], SOME[5]]
    assert scene.is_clean()


def given_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.send(0, 1, MANY_ONES[0] + MANY_ONES[-1])
    scene.sink.failed(0, 1, Problem(Code.VANISHED, "it is gone"))


def no_room(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def create_below(folder: int, path: str, mode: int) -> int:
        raise FileExistsError if MANY_HASHES[0] in path else OSError(errno.ENOSPC, "injected")

    with monkeypatch.context() as patched:
        patched.setattr(scene.folder.root.system, "create_below", create_below)
        scene.send(0, 1, MANY_ONES[0] + MANY_ONES[-1])


@pytest.mark.parametrize("fails", [given_up, no_room])
def test_a_packet_that_fails_takes_nothing_of_another_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, fails: Callable[..., None]
) -> None:
    first, second = MANY_ONES[:-1], [MANY_ONES[0], MANY_ONES[-1]]
    scene.begin(0, first, second)
    scene.send(0, 0, b"".join(first))
    fails(scene, monkeypatch)
    codes = scene.end(0)
    assert codes[0] == "done" and codes[1] != "done"
    assert scene.folder.has(list(map(content_of, first))) == [True] * len(first)
    assert kept(scene.place) == {*MANY_HASHES[:-1]} and scene.is_clean()


def mixed(scene: Scene) -> None:
    """Two packets come in pieces, by turns."""
    scene.sink.part(0, 0, 0, memoryview(SOME[0]))
    scene.sink.part(0, 1, 0, memoryview(SOME[2])[:9])
    scene.sink.part(0, 0, SIZE, memoryview(SOME[1]))


@pytest.mark.parametrize(
    "bad",
    [
        lambda scene: scene.send(0, 0, b"".join(SOME[:2])[:-1] + b"?"),
        lambda scene: scene.send(0, 0, b"?" + b"".join(SOME[:2])[1:], 700),
        lambda scene: scene.sink.failed(0, 0, Problem(Code.VANISHED, "it is gone")),
        lambda scene: scene.sink.hole(0, 0, 0, 2 * SIZE - 1),
        mixed,
    ],
)
def test_one_that_is_wrong_takes_its_packet_with_it_and_no_other(
    scene: Scene, bad: Callable[[Scene], None]
) -> None:
    scene.begin(0, SOME[:2], SOME[2:3])
    bad(scene)
    scene.send(0, 1, SOME[2])
    first, second = scene.end(0)
    assert first != "done" and second == "done"
    assert scene.there() == SOME[2:3] and scene.is_clean()


def test_a_name_that_is_none_and_a_packet_without_room_are_refused_alone(scene: Scene) -> None:
    many = [bytes([number]) * SIZE for number in range(100, 113)]
    assert scene.begin(0, SOME[:1], many) == ["all", "disk_full"]
    assert scene.end(0)[1] == "disk_full"
    assert scene.is_clean()
    name, size = as_content([content_of(SOME[0])])
    for other in (name.replace(":", "?:"), f"{name},1", f"../{name}"):
        offers = [offer_of(Content(other, size)), offer_of(Content(name, size))]
        assert [one.code for one in scene.sink.begin(1, offers)] == ["bad_request", "all"]
        scene.send(1, 1, SOME[0])
        assert scene.end(1) == ["bad_request", "done"]
        scene.folder.remove([content_of(SOME[0]).hash])
    assert scene.is_clean()


@pytest.mark.parametrize("upto", [SIZE, 2 * SIZE])
def test_nothing_outlives_the_lane(scene: Scene, upto: int) -> None:
    scene.begin(0, SOME[:2], SOME[2:4])
    scene.send(0, 0, b"".join(SOME[:2]))
    scene.sink.part(0, 1, 0, memoryview(SOME[2])[:upto])
    scene.sink.close()
    assert scene.there() == [] and scene.is_clean()
