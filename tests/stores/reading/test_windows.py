"""Contents are read from nodes a window at a time, whatever becomes of the nodes meanwhile."""

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from cargo_sync.lanes.ports import Reader
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.blobs import Blobs
from cargo_sync.stores.blob_changes import LIST
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.ports import Results
from cargo_sync.stores.reading.ahead import AHEAD_PIECES, SmallAsks
from cargo_sync.stores.reading.held_pieces import (
    FREE,
    POOLED,
    RECENT_BYTES,
    HeldPieces,
    PieceKey,
    PieceMemory,
)
from cargo_sync.stores.reading.pieces import PieceRun, Take
from cargo_sync.stores.reading.windows import (
    ALL_WINDOWS,
    WINDOW,
    ContentReading,
    PieceReader,
)
from cargo_sync.wire import records
from cargo_sync.wire.frames import BODY_MAX
from cargo_sync.wire.records import LentRecord
from tests.stores.blobs import flip, place_of
from tests.stores.nodes.house import PATIENCE_SECONDS, house
from tests.stores.nodes.linked import linked_house

COUNT = 40
LONG = Content("ab" * 32, COUNT * PIECE - 5)
GONE = Problem(Code.CUT, "the node went away")


class Scene:
    """Readers without nodes: a test brings the pieces."""

    def __init__(self) -> None:
        self.told = 0
        self.held = HeldPieces(self._queued)
        self.asks = SmallAsks(self._queued)
        self.reading = ContentReading(self.held, self.asks)

    def _queued(self) -> None:
        self.told += 1

    def open(self, content: Content = LONG, workspace: int = 1) -> PieceReader:
        return self.reading.open(workspace, content, lambda: None)

    def asked(self) -> list[tuple[int, int]]:
        """The runs that are to be fetched now: first piece, how many."""
        found = list[tuple[int, int]]()
        while (batch := self.held.batch())[1]:
            found += [(run.first, run.pieces) for run in batch[1]]
        return found

    def bring(self, content: Content = LONG) -> list[int]:
        """All that is asked for comes; each byte of a piece is its number."""
        numbers = [first + more for first, count in self.asked() for more in range(count)]
        for number in numbers:
            key = PieceKey(1, content, number)
            self.held.came(key, memoryview(bytes([number]) * key.length))
        return numbers


def read(reader: PieceReader, offset: int, count: int = 1) -> bytes | None:
    view = memoryview(bytearray(count))
    got = reader.read_into(view, offset)
    return None if got is None else bytes(view[:got])


def test_a_file_is_read_through_a_window_that_grows() -> None:
    scene = Scene()
    reader = scene.open()
    most, came = 0, list[int]()
    for number in range(COUNT):
        while read(reader, number * PIECE, PIECE) is None:
            came += scene.bring()
            most = max(most, max(came) + 1 - number)
    assert came == list(range(COUNT)), "each piece once, in order"
    assert most == WINDOW
    assert read(reader, COUNT * PIECE, 9) == b""
    assert read(reader, LONG.size - 2, 9) == bytes([COUNT - 1] * 2)
    reader.close()
    assert scene.asked() == []


def test_pieces_of_two_contents_are_two_runs() -> None:
    scene, other = Scene(), Content("2" * 64, 2 * PIECE)
    scene.held.want([PieceKey(1, LONG, 0), PieceKey(1, other, 1), PieceKey(1, LONG, 1)])
    runs = [PieceRun(LONG, 0, 1), PieceRun(other, 1, 1), PieceRun(LONG, 1, 1)]
    assert scene.held.batch() == (1, runs)


def test_a_range_costs_little_more_than_itself_and_may_lie_across_pieces() -> None:
    scene = Scene()
    reader = scene.open()
    assert read(reader, 20 * PIECE - 2, 4) is None
    assert scene.bring() == [19, 20]
    assert read(reader, 20 * PIECE - 2, 4) == bytes([19, 19, 20, 20])
    assert read(reader, 3 * PIECE) is None, "it goes elsewhere"
    assert (3, 1) in scene.asked()
    reader.close()


def test_a_client_that_does_not_read_keeps_a_window_and_one_that_ends_nothing() -> None:
    scene = Scene()
    readers = [scene.open() for _ in range(ALL_WINDOWS // 2)]
    came = list[int]()
    for _ in range(3):
        for reader in readers:
            read(reader, 0)
        came += scene.bring()
    assert came == [0, 1], "of many readers each has a small window"
    assert read(readers[0], PIECE) == b"\1"
    assert scene.asked() == [(2, 1)]
    assert read(readers[1], 2 * PIECE) is None
    for reader in readers:
        reader.close()
    assert scene.asked() == [], "who has ended asks for nothing"
    again, other = scene.open(), scene.open(workspace=2)
    assert read(again, 0) == b"\0", "what was read lately is kept a little"
    assert read(other, 0) is None, "but for its own workspace only"
    assert RECENT_BYTES < ALL_WINDOWS * PIECE


def test_readers_of_one_file_share_what_comes() -> None:
    scene = Scene()
    one, other = scene.open(), scene.open()
    assert read(one, 0) is read(other, 0) is None
    assert scene.bring() == [0]
    assert read(one, 0) == read(other, 0) == b"\0"
    one.close()
    scene.bring()
    assert read(other, PIECE) == b"\1", "one that ends takes nothing from the other"


def test_a_piece_is_sent_where_it_lies_by_one_lane_at_a_time() -> None:
    scene = Scene()
    one, other = scene.open(), scene.open()
    header = b"H" * records.SIZE
    assert one.record(header, 0, PIECE) is None
    scene.bring()
    lent = one.record(header, 0, PIECE)
    assert lent is not None and bytes(lent.memory) == header + b"\0" * PIECE
    assert other.record(header, 0, PIECE) is None and read(other, 0, 2) == b"\0\0"
    for offset, count in ((0, PIECE - 1), (5, PIECE - 5), (COUNT * PIECE, 1)):
        assert one.record(header, offset, count) is None, "it is not just one piece"
    lent.let_go()
    again = other.record(header, 0, PIECE)
    assert again is not None and again.memory.obj is lent.memory.obj
    again.let_go()
    other.close()
    one.close()


def test_who_reads_alone_gets_the_same_memory_again() -> None:
    scene = Scene()
    reader, used = scene.open(), list[int]()
    for number in range(COUNT - 1):
        while (record := reader.record(b"H" * records.SIZE, number * PIECE, PIECE)) is None:
            scene.bring()
        used.append(id(record.memory.obj))
        record.let_go()
    reader.close()
    assert len(set(used)) <= 2 * WINDOW and set(used[:5]) & set(used[-5:])
    assert scene.asked() == []


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "one of two"])
def test_memory_that_is_still_sent_is_nobody_elses(alone: bool) -> None:
    scene = Scene()
    reader, others = scene.open(), [] if alone else [scene.open()]
    lent = list[LentRecord]()
    header = b"H" * records.SIZE
    for number in range(COUNT - 1):
        while (record := reader.record(header, number * PIECE, PIECE)) is None:
            scene.bring()
        lent.append(record)
    for one in (reader, *others):
        one.close()
    assert len({id(record.memory.obj) for record in lent}) == COUNT - 1
    expected = [header + bytes([number]) * PIECE for number in range(COUNT - 1)]
    assert [record.memory for record in lent] == expected


def test_what_fails_fails_for_those_who_wait_and_is_tried_again_by_others() -> None:
    scene = Scene()
    reader = scene.open()
    assert read(reader, 0) is None
    _, runs = scene.held.batch()
    scene.held.fail(1, runs, GONE)
    with pytest.raises(ProblemError) as caught:
        read(reader, 0)
    assert caught.value.problem is GONE
    reader.close()
    again = scene.open()
    assert read(again, 0) is None
    assert scene.bring() == [0]
    assert read(again, 0) == b"\0"


def test_who_comes_while_it_is_fetched_in_vain_has_it_fetched_once_more() -> None:
    """Another node may have it since the fetch began."""
    scene, small = Scene(), Content("cd" * 32, 100)
    first = scene.open(small)
    assert read(first, 0) is None
    _, runs = scene.held.batch()
    later = scene.open(small)
    assert read(later, 0) is None and scene.asked() == []
    before = scene.told
    scene.held.fail(1, runs, GONE)
    assert scene.told > before
    _, runs = scene.held.batch()
    assert [read(one, 0) for one in (first, later)] == [None, None]
    scene.held.fail(1, runs, GONE)
    for one in (first, later):
        with pytest.raises(ProblemError):
            read(one, 0)
    assert scene.asked() == []


def test_who_waits_for_what_cannot_be_had_is_told_although_others_come_all_the_time() -> None:
    scene, small = Scene(), Content("cd" * 32, 100)
    first = scene.open(small)
    with pytest.raises(ProblemError):
        for _ in range(9):
            assert read(first, 0) is None
            _, runs = scene.held.batch()
            assert read(scene.open(small), 0) is None
            scene.held.fail(1, runs, GONE)


def test_memory_of_pieces_is_used_again_only_when_nobody_has_it() -> None:
    memory = PieceMemory()
    one = memory.keep(memoryview(b"1" * POOLED))
    other = memory.keep(memoryview(b"2" * PIECE))
    memory.give(one)
    third = memory.keep(memoryview(b"3" * (PIECE - 1)))
    assert (bytes(other), bytes(third)) == (b"2" * PIECE, b"3" * (PIECE - 1))
    assert third.obj is one.obj and len(third) == PIECE - 1
    small = memory.keep(memoryview(b"small"))
    memory.give(small)
    again = memory.keep(memoryview(b"other"))
    assert (bytes(again), bytes(small)) == (b"other", b"small")


def test_much_memory_is_kept_only_while_somebody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, many = PieceMemory(), FREE + 3
    pieces = [memory.take(PIECE) for _ in range(many)]
    known = {id(one.obj) for one in pieces}
    for kept in (many, FREE):
        for one in pieces:
            memory.give(one)
        if kept == FREE:
            memory.rest()
        again = [memory.take(PIECE) for _ in range(many)]
        assert sum(id(one.obj) in known for one in again) == kept
    scene, rests = Scene(), list[str]()
    monkeypatch.setattr(scene.held, "rest", lambda: rests.append("rest"))
    first, last = scene.open(), scene.open()
    first.close()
    assert not rests, "there is another reader"
    last.close()
    assert rests == ["rest"]


def test_memory_that_a_lane_gives_up_is_not_copied() -> None:
    memory, given = PieceMemory(), list[memoryview]()

    def exchange(_content: memoryview, other: memoryview) -> bool:
        given.append(other)
        return len(given) == 1

    came = memoryview(b"1" * PIECE)
    assert memory.keep(came, exchange) is came
    copied = memory.keep(came, exchange)
    assert copied.obj is given[1].obj and copied == came
    assert [len(one) for one in given] == [BODY_MAX, BODY_MAX]


def test_small_files_are_fetched_ahead_in_batches_until_their_lane_ends() -> None:
    scene = Scene()
    some = [Content(f"{number:064x}", 300 << 10) for number in range(200)]
    coming = scene.reading.ahead(1, [*some, LONG])
    runs = list[PieceRun]()
    while (batch := scene.held.batch())[1]:
        runs += batch[1]
    assert [run.content for run in runs] == some[: len(runs)] and 50 < len(runs) < 150
    for content in some[:90]:
        scene.held.came(PieceKey(1, content, 0), memoryview(b"x" * content.size))
        reader = scene.open(content)
        assert read(reader, 0) == b"x"
        reader.close()
    more = scene.held.batch()[1]
    assert more[0].content == some[len(runs)], "as they are opened, the next ones are asked for"
    assert not coming.is_over()
    coming.close()
    assert coming.is_over() and scene.asked() == []
    last = scene.reading.ahead(1, [LONG])
    assert [pieces for _, pieces in scene.asked()] == [AHEAD_PIECES]
    last.close()
    last.close()
    assert scene.held.missing(1, [PieceRun(LONG, 0, COUNT)]) == []


@pytest.mark.parametrize("given", [0, 1, 3])
async def test_a_node_that_dies_in_mid_stream_costs_the_reader_nothing(
    tmp_path: Path, given: int
) -> None:
    whole = b"".join(bytes([number]) * PIECE for number in range(6)) + b"rest"
    async with house(tmp_path, nodes=2) as one:
        [content] = await one.upload([whole])
        other, asked = one.nodes.values()
        asked.dies_after = given
        assert await asyncio.to_thread(one.read, content) == whole
        assert asked.is_away and other.given == 7 - given, "no piece was read twice"
        assert not one.spool.holds([content])[0], "nothing of it went through the spool"


async def test_another_copy_that_came_meanwhile_is_read_when_the_known_node_is_gone(
    tmp_path: Path,
) -> None:
    whole = b"".join(bytes([number]) * PIECE for number in range(20))
    async with house(tmp_path, nodes=2, copies=1) as one:
        [content] = await one.upload([whole])
        reader = one.store.open(1, content, None)
        first, last = memoryview(bytearray(1)), memoryview(bytearray(1))
        assert await asyncio.to_thread(reader.read_into, first, 0) == 1
        had = next(node for node in one.nodes.values() if node.given)
        other = next(node for node in one.nodes.values() if not node.given)
        one.put([whole])
        assert (await other.place([content])).problems == [None]
        row = next(row for row in one.rows.all() if one.nodes[row.name] is other)
        one.blobs.found(row.id, row.life, [content.hash], [content.size], 0.0)
        had.is_away = True
        await one.until(lambda: one.up() == 1)
        assert await asyncio.to_thread(reader.read_into, last, 19 * PIECE) == 1
        assert bytes(first) + bytes(last) == b"\0\x13"
        reader.close()


async def test_a_rotten_piece_or_a_false_list_is_noticed_in_mid_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, lose = list[tuple[int, str]](), Blobs.lose

    def noted(self: Blobs, node: int, hashes: Sequence[str]) -> None:
        lost.extend((node, hash) for hash in hashes)
        lose(self, node, hashes)

    monkeypatch.setattr(Blobs, "lose", noted)
    whole = bytes(range(256)) * (4 * PIECE // 256) + b"rest"
    async with linked_house(tmp_path, nodes=3, copies=3) as house:
        [content] = await house.upload([whole])
        await house.until(lambda: house.copies(content) == 3)
        await house.until(lambda: not house.spool.holds([content])[0])
        rotten, false = house.linked[1], house.linked[2]
        flip(place_of(rotten.kept, content), 2 * PIECE)
        place = place_of(false.kept, content)
        flip(place, 3 * PIECE)  # and a list that agrees with it
        listed = place.with_name(place.name + LIST)
        kept, digests = place.read_bytes(), bytearray(listed.read_bytes())
        digests[96:128] = blake3(kept[3 * PIECE : 4 * PIECE]).digest()
        tags = house.blobs.pieces(1, content.hash)
        assert tags[1:33] not in digests, "no node sees the key"
        assert len(tags) == 33 + 5 * 16
        listed.write_bytes(digests)
        assert await asyncio.to_thread(house.read, content) == whole
        await house.until(lambda: {(node, content.hash) for node in (2, 3)} <= set(lost))


async def test_a_list_of_ours_that_is_wrong_costs_no_copies(tmp_path: Path) -> None:
    async with house(tmp_path, nodes=2) as one:
        [content] = await one.upload([bytes(range(256)) * (3 * PIECE // 256)])
        with one.database.transaction() as connection:
            connection.execute("UPDATE blob SET pieces = x''")
        with pytest.raises(ProblemError) as caught:
            await asyncio.to_thread(one.read, content)
        assert caught.value.problem.code is Code.CORRUPT
        rows, sets = one.blobs.find([content.hash]), one.blobs.placements()
        assert len(sets[rows[0].placement]) == 2


async def test_a_piece_that_was_passed_and_is_wanted_again_is_none_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only copy is read; who opens the file while a run of it still comes gets all of it."""
    async with house(tmp_path, nodes=1, copies=1) as one:
        [content] = await one.upload([bytes(range(256)) * (3 * PIECE // 256)])
        await one.until(lambda: not any(one.spool.holds([content])))
        [node] = one.nodes.values()
        stream, passed, ended = node.stream, threading.Event(), asyncio.Event()
        asked = list[int]()

        async def gated(runs: Sequence[PieceRun], take: Take) -> Results:
            asked.append(runs[0].first)
            if len(asked) > 1:
                await ended.wait()
                return await stream(runs, take)

            def taken(*piece: Any) -> bool:
                is_right = take(*piece)
                if piece[1] == 1:
                    passed.wait(PATIENCE_SECONDS)
                return is_right

            try:
                return await stream(runs, taken)
            finally:
                asyncio.get_running_loop().call_later(0.02, ended.set)

        monkeypatch.setattr(node, "stream", gated)
        coming = one.store.coming(1, [content])
        first, view = one.store.open(1, content, lambda: None), memoryview(bytearray(1))
        for number in range(2):  # then the first piece is passed
            await one.until(partial(_is_read, first, view, number * PIECE))
        second = one.store.open(1, content, lambda: None)
        assert second.read_into(view, 0) is None
        await one.until(lambda: len(asked) == 2)
        passed.set()
        for number in range(3):
            await one.until(partial(_is_read, second, view, number * PIECE))
        for reader in (first, second, coming):
            reader.close()


def _is_read(reader: Reader, view: memoryview, offset: int) -> bool:
    return reader.read_into(view, offset) is not None
