"""Small contents that a lane will read are fetched in packets, whatever becomes of these."""

import asyncio
import os
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import pytest

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.blob_source import BlobSource
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.ports import Results
from cargo_sync.stores.packets import PACKET_BYTES, SMALL, as_content
from cargo_sync.stores.reading.ahead import AHEAD_BYTES, AheadContents, SmallAsk, SmallAsks
from cargo_sync.stores.reading.held_pieces import HeldPieces
from cargo_sync.stores.reading.packet_memory import MOST, SMALLEST, PacketMemory
from cargo_sync.stores.reading.pieces import Exchange, PieceRun, Take
from cargo_sync.stores.reading.windows import ContentReading
from cargo_sync.wire.frames import BODY_MAX, new_buffer
from cargo_sync.wire.records import SIZE
from tests.stores.blobs import content_of, flip, opened, place_of, put
from tests.stores.nodes.house import House, house
from tests.stores.nodes.linked import linked_house

FILES = [bytes([number]) * (1 + number * 7) for number in range(200)]
GONE = Problem(Code.STOPPED, "the server stops")


class Ahead:
    """What is fetched for one lane; a test brings it."""

    def __init__(self, files: Sequence[bytes] = FILES) -> None:
        self.woken = 0
        self.files = {content_of(one): one for one in files}
        self.held, self.asks = HeldPieces(lambda: None), SmallAsks(lambda: None)
        self.reading = ContentReading(self.held, self.asks)
        self.lane = self.begin([content_of(one) for one in files])

    def begin(self, contents: Sequence[Content]) -> AheadContents:
        return self.reading.ahead(1, contents, self._wake)

    def _wake(self) -> None:
        self.woken += 1

    def bring(self, most: int | None = None) -> list[Content]:
        """So much of what is asked for next comes."""
        ask = self.asks.next()
        assert ask is not None, "something is asked for"
        some = list(islice(ask.contents, most))
        ask.ahead.came([(one.hash, memoryview(self.files[one])) for one in some])
        ask.ahead.over(ask.contents)
        return list(ask.contents)

    def pieces(self) -> list[PieceRun]:
        """What is asked for as pieces."""
        return self.held.batch()[1]


def read(lane: AheadContents, *contents: Content) -> tuple[list[bytes], bool]:
    views = [memoryview(bytearray(one.size)) for one in contents]
    count, is_coming = lane.read(contents, views)
    return list(map(bytes, views[:count])), is_coming


def test_what_has_come_is_read_in_its_order() -> None:
    ahead = Ahead()
    contents = list(ahead.files)
    assert read(ahead.lane, *contents[:3]) == ([], True)
    assert ahead.bring() == contents
    assert ahead.woken == 1
    assert read(ahead.lane, *contents[:60]) == (FILES[:60], False)
    assert read(ahead.lane, *contents[100:]) == (FILES[100:], False), "some were cancelled"
    assert ahead.lane.is_over() and ahead.asks.next() is None
    assert ahead.pieces() == [] and ahead.woken == 1


def test_what_does_not_come_in_a_packet_is_asked_for_as_pieces() -> None:
    ahead = Ahead()
    contents = list(ahead.files)
    ahead.bring(150)
    assert [run.content for run in ahead.pieces()] == contents[150:]
    assert read(ahead.lane, *contents) == (FILES[:150], False)
    reader = ahead.reading.open(1, contents[150], lambda: None)
    reader.close()
    assert not ahead.lane.is_over()
    assert read(ahead.lane, Content("ab" * 32, 5)) == ([], False)
    ahead.lane.close()
    assert ahead.lane.is_over()


def test_the_same_content_comes_once_and_is_read_as_often_as_there_are_files() -> None:
    ahead = Ahead([b"same", b"other", b"same", b"same"])
    same, other = ahead.files
    assert ahead.bring() == [same, other]
    assert read(ahead.lane, same, other, same) == ([b"same", b"other", b"same"], False)
    assert not ahead.lane.is_over()
    assert read(ahead.lane, same) == ([b"same"], False)
    assert ahead.lane.is_over() and read(ahead.lane, same) == ([], False)


def test_memory_is_bounded_and_given_back_at_the_end() -> None:
    ahead = Ahead([number.to_bytes(4, "big") * (SMALL // 4) for number in range(1_500)])
    contents = list(ahead.files)
    first = ahead.bring()
    assert AHEAD_BYTES // 2 < len(first) * SMALL <= AHEAD_BYTES
    assert read(ahead.lane, *first[:10])[1] is False and ahead.asks.next() is None
    read(ahead.lane, *first[10:400])
    ask = ahead.asks.next()
    assert ask is not None and ask.contents[0] == contents[len(first)]
    ahead.lane.close()
    ask.ahead.came([(ask.contents[0].hash, memoryview(b""))])
    ask.ahead.over(ask.contents)
    assert read(ahead.lane, *ask.contents) == ([], False) and ahead.pieces() == []


def test_when_the_store_stops_nobody_waits() -> None:
    ahead = Ahead()
    content, *_ = ahead.files
    assert read(ahead.lane, content) == ([], True)
    ahead.held.stop(GONE)
    ahead.asks.stop()
    assert ahead.woken == 1 and read(ahead.lane, content) == ([], False)
    later = ahead.begin(list(ahead.files))
    assert read(later, content) == ([], False)
    ahead.asks.start()
    assert read(ahead.begin([content]), content) == ([], True)


# -- with nodes ------------------------------------------------------------------------------------


def lane_of(store: House) -> Callable[[Sequence[Content]], list[bytes | Problem]]:
    """Reads as a lane does, but in a thread that waits."""
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(woken.set)

    def wait() -> None:
        asyncio.run_coroutine_threadsafe(asyncio.wait_for(woken.wait(), 60.0), loop).result()
        woken.clear()

    def one_by_one(contents: Sequence[Content]) -> list[bytes | Problem]:
        lane, found = store.store.coming(1, contents, wake), list[bytes | Problem]()
        while len(found) < len(contents):
            some = contents[len(found) :]
            views = [memoryview(bytearray(one.size)) for one in some]
            count, is_coming = lane.read(some, views)
            found += map(bytes, views[:count])
            if is_coming:
                wait()
            elif count < len(some):
                reader = store.store.open(1, some[count], wake)
                try:
                    while reader.read_into(views[count], 0) is None:
                        wait()
                    found.append(bytes(views[count]))
                except ProblemError as error:
                    found.append(error.problem)
                finally:
                    reader.close()
        lane.close()
        return found

    return one_by_one


async def test_small_files_come_over_lanes_and_rotten_ones_from_another_copy(
    tmp_path: Path,
) -> None:
    async with linked_house(tmp_path, nodes=2, copies=2) as one:
        contents = await one.upload(FILES)
        await one.until(lambda: not any(one.spool.holds(contents)))
        rotten, other, lost, away = contents[3], contents[7], contents[5], contents[150]
        for node in one.linked:
            flip(place_of(node.kept, away), 0)
        asked = one.linked[-1].kept  # chance is always the same here
        for content in (rotten, other):
            flip(place_of(asked, content), 0)
        place_of(asked, lost).unlink()
        found = await asyncio.to_thread(lane_of(one), contents)
        number = contents.index(away)
        assert isinstance(why := found[number], Problem) and why.code is Code.DAMAGED
        assert found[:number] + found[number + 1 :] == FILES[:number] + FILES[number + 1 :]
        await one.until(lambda: one.copies(rotten) == one.copies(lost) == 2)


async def test_nodes_that_have_the_same_files_share_the_reading(tmp_path: Path) -> None:
    files = [number.to_bytes(4, "big") * 12_000 for number in range(50)]
    async with house(tmp_path, nodes=2, copies=2) as one:
        contents = await one.upload(files)
        await one.until(lambda: all(one.copies(content) == 2 for content in contents))
        assert await asyncio.to_thread(lane_of(one), contents) == files
        assert all(node.given for node in one.nodes.values())


@pytest.mark.parametrize("given", [0, 1])
async def test_a_node_that_dies_costs_the_lane_nothing(tmp_path: Path, given: int) -> None:
    files = [number.to_bytes(4, "big") * 4_000 for number in range(40)]
    async with house(tmp_path, nodes=2) as one:
        contents = await one.upload(files)
        other, asked = one.nodes.values()
        asked.dies_after = given
        assert await asyncio.to_thread(lane_of(one), contents) == files
        assert asked.is_away and other.given


async def test_a_node_that_gives_other_bytes_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path, nodes=2) as one:
        contents = await one.upload(FILES)
        _, asked = one.nodes.values()
        honest, lies = asked.stream, 0

        async def lying(runs: Sequence[PieceRun], take: Take) -> Results:
            def spoilt(
                run: int,
                number: int,
                memory: memoryview | None,
                exchange: Exchange | None = None,
            ) -> bool:
                nonlocal lies
                lies += 1
                other = bytearray(memory or b"")
                other[len(other) // 2] ^= 1
                return take(run, number, memoryview(other))

            return await honest(runs, spoilt)

        monkeypatch.setattr(asked, "stream", lying)
        assert await asyncio.to_thread(lane_of(one), contents) == FILES
        assert lies


def test_a_node_gives_packets_to_slow_lanes_too(tmp_path: Path) -> None:
    blobs = opened(tmp_path / "kept")
    put(blobs, FILES[:90])
    some = [content_of(one) for one in FILES[:90]]
    name, size = as_content(some)
    source, whole = BlobSource(blobs), b"".join(FILES[:90])
    asked = Offer(name, size, 0, 0, 1, 1, "")
    view = memoryview(bytearray(size))
    assert source.read([asked], [view]) is None and view == whole
    reader = source.open(asked)
    part = memoryview(bytearray(1_000))
    assert reader.read_into(part, 500) == 1_000 and part == whole[500:1_500]
    assert reader.extent(0, size) == (size, False) and reader.unchanged()
    assert reader.read_into(part, size - 3) == 3
    reader.close()
    flip(place_of(tmp_path / "kept", some[4]), 0)
    assert source.read([asked], [view]) is None, "who gets it checks it"
    for spoil, code in (
        (lambda place: os.truncate(place, 3), Code.DAMAGED),
        (lambda place: place.symlink_to(place_of(tmp_path / "kept", some[6])), Code.SYMLINK),
        (lambda place: None, Code.VANISHED),
    ):
        place = place_of(tmp_path / "kept", some[5])
        if code is Code.SYMLINK:
            place.unlink(missing_ok=True)
        spoil(place)
        unread = source.read([asked], [view])
        assert unread is not None and unread.problem is not None
        assert unread.problem.code is code
        place.unlink(missing_ok=True)
    blobs.close()
    assert size < PACKET_BYTES


class Frames:
    """What `Link.exchange` does with the memory of frames."""

    def __init__(self) -> None:
        self.body = new_buffer(BODY_MAX)
        self.left = 0

    def put(self, content: bytes) -> memoryview:
        """A packet is opened."""
        view = self.body[SIZE : SIZE + len(content)]
        view[:] = content
        return view

    def exchange(self, _content: memoryview, memory: memoryview) -> bool:
        self.body, self.left = memory, self.left + 1
        return True


def test_a_packet_stays_where_it_came_until_all_of_it_was_read() -> None:
    files = [bytes([number]) * SMALL for number in range(6)]
    ahead, frames = Ahead(files), Frames()
    contents, packets = list(ahead.files), ahead.reading.packets
    ask = ahead.asks.next()
    assert ask is not None

    def came(some: Sequence[int]) -> None:
        view = frames.put(b"".join(files[number] for number in some))
        kept = ahead.lane.keep(view, frames.exchange)
        parts = [kept.bytes[at * SMALL : (at + 1) * SMALL] for at in range(len(some))]
        hashes = [contents[number].hash for number in some]
        ahead.lane.came(list(zip(hashes, parts, strict=True)), kept)

    came((0, 1))
    came((2, 3))
    assert packets.taken == frames.left == 2
    assert read(ahead.lane, contents[0]) == ([files[0]], False) and packets.taken == 2
    assert read(ahead.lane, contents[1]) == ([files[1]], False) and packets.taken == 1
    came((4, 5))  # into the memory that is free
    assert read(ahead.lane, *contents[2:]) == (files[2:], False) and packets.taken == 0
    came((0, 1))  # nobody waits for it any more
    assert packets.taken == 0
    again = ahead.begin(contents)
    ask = ahead.asks.next()
    assert ask is not None and ask.ahead is again
    ahead.lane = again
    came((0, 1))
    again.close()
    assert packets.taken == 0


def test_only_so_many_packets_are_kept_where_they_came() -> None:
    memory, frames = PacketMemory(), Frames()
    content = bytes(range(256)) * (SMALLEST // 256)
    kept = [memory.keep(frames.put(content), frames.exchange) for _ in range(MOST + 1)]
    kept.append(memory.keep(frames.put(content[1:]), frames.exchange))
    frames.put(bytes(len(content)))
    assert [one.bytes for one in kept] == [content] * (MOST + 1) + [content[1:]]
    assert memory.taken == frames.left == MOST
    for one in kept:
        one.give()
    assert memory.taken == 0
    copied = memory.keep(memoryview(content))
    assert copied.bytes == content and memory.taken == 1


def test_asks_are_taken_in_turn() -> None:
    asks = SmallAsks(lambda: None)
    ahead = Ahead([])
    some = [SmallAsk(1, [content_of(one)], ahead.lane) for one in FILES[:2]]
    for ask in some:
        asks.add(ask)
    assert [asks.next(), asks.next(), asks.next()] == [*some, None]
