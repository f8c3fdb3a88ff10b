"""Pieces of a content that arrives stay in memory until all lanes that keep up have sent them."""

import os
from functools import partial
from pathlib import Path

import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.stores.contract import ComingFile
from cargo_sync.stores.nodes.arriving import TOGETHER, ArrivingContent, ArrivingReader
from cargo_sync.stores.nodes.recent_pieces import RECENT, RecentPieces, RecordMemory
from cargo_sync.wire import records, shared
from cargo_sync.wire.frames import BODY_MAX, new_buffer
from cargo_sync.wire.records import LentRecord
from cargo_sync.wire.shared import SharedRecord

PIECE = 1 << 20
SIZE = 20 * PIECE


class House:
    """A content that arrives; in its file are zeros, so it is seen what comes from memory."""

    def __init__(self, tmp_path: Path) -> None:
        path = tmp_path / "staged"
        path.write_bytes(b"")
        os.truncate(path, SIZE)
        self.memory = RecordMemory()
        self.woken = 0
        coming = ComingFile(SIZE, 0, partial(os.open, path, os.O_RDONLY))
        self.content = ArrivingContent("f" * 32, coming, lambda _: None, lambda: 0.0, self.memory)
        self.came = 0

    def reader(self, *, shares: bool = False) -> ArrivingReader:
        return self.content.open(self.wake, shares=shares)

    def wake(self) -> None:
        self.woken += 1

    def come(self, count: int = 1) -> None:
        for _ in range(count):
            self.content.came(self.came, memoryview(bytes([1 + self.came // PIECE]) * PIECE))
            self.came += PIECE
            self.content.reached(self.came)


def lent(reader: ArrivingReader, number: int, *, batch: int = 0) -> LentRecord | None:
    """The record of a piece, if it is lent."""
    header = records.HEADER.pack(records.DATA, 0, 0, batch, PIECE, number * PIECE)
    found = reader.record(header, number * PIECE, PIECE)
    assert not isinstance(found, SharedRecord), "it is not sealed yet"
    if found is not None:
        assert found.memory == header + bytes([number + 1]) * PIECE
    return found


def sent(reader: ArrivingReader, number: int) -> bool:
    """Whether a piece is lent; then it is let go."""
    record = lent(reader, number)
    if record is not None:
        record.let_go()
    return record is not None


def shared_of(reader: ArrivingReader, number: int, *, batch: int = 0) -> SharedRecord | None:
    """The record of a piece, if it is lent sealed."""
    header = records.HEADER.pack(records.DATA, 0, 0, batch, PIECE, number * PIECE)
    found = reader.record(header, number * PIECE, PIECE)
    if not isinstance(found, SharedRecord):
        return None
    content = memoryview(bytearray(PIECE))
    shared.open_sealed(found.key, found.content, content)
    assert content == bytes([number + 1]) * PIECE and found.header == header
    return found


def test_a_lane_that_keeps_up_is_lent_what_comes(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.come()
    reader, view = house.reader(), memoryview(bytearray(PIECE))
    assert not sent(reader, 0), "nobody was there to read it"
    assert reader.read_into(view, 0) == PIECE
    assert not sent(reader, 1) and house.woken == 0
    house.come(TOGETHER // PIECE - 1)
    assert house.woken == 0, "it is not woken for each piece"
    house.come()
    assert house.woken == 1
    for number in range(1, house.came // PIECE):
        assert lent(reader, number, batch=1) is None, "it has another header"
        assert sent(reader, number)
    assert not sent(reader, house.came // PIECE)
    house.content.give_up()
    with pytest.raises(ProblemError):
        lent(reader, 0)
    reader.close()


def test_memory_is_used_again_when_all_lanes_have_sent_it(tmp_path: Path) -> None:
    house = House(tmp_path)
    one, other = house.reader(), house.reader()
    assert lent(one, 0) is None
    house.come(2)
    assert house.memory.taken == 2
    first, second = lent(one, 0), lent(other, 0)
    assert first is not None and second is not None
    first.let_go()
    assert house.memory.taken == 2, "the other one still sends it"
    second.let_go()
    assert house.memory.taken == 1 and sent(one, 1)
    last = lent(other, 1)
    other.close()
    assert last is not None and house.memory.taken == 1, "its reader has gone, its frame has not"
    last.let_go()
    assert not sent(one, 2) and house.memory.taken == 0
    house.come()
    assert house.memory.taken == 1
    one.close()
    assert house.memory.taken == 0
    house.come()
    assert house.memory.taken == 0, "nobody reads"


def test_memory_is_given_back_if_the_last_lane_goes_while_a_piece_comes() -> None:
    class Memory(RecordMemory):
        def take(self) -> memoryview | None:
            recent.leave()
            return super().take()

    memory = Memory()
    recent = RecentPieces(memory)
    recent.enter()
    recent.follow()
    recent.keep(0, memoryview(bytes(PIECE)))
    assert memory.taken == 0


def test_slow_lanes_take_no_memory(tmp_path: Path) -> None:
    house = House(tmp_path)
    reader = house.reader()
    assert lent(reader, 0) is None
    house.come(1)
    record = lent(reader, 0)
    house.come(RECENT + 3)
    assert record is not None and record.memory[-1] == 1, "nobody else writes what is lent"
    assert house.memory.taken == RECENT + 1
    record.let_go()
    assert house.memory.taken == RECENT
    assert not sent(reader, 1), "it comes from the file"
    assert sent(reader, 3)
    assert not sent(reader, RECENT + 3), "nothing more was kept then"
    assert not sent(reader, house.came // PIECE)
    house.come()
    assert sent(reader, house.came // PIECE - 1), "it keeps up again"
    reader.close()
    assert house.memory.taken == 0


def test_who_brings_it_waits_before_each_piece_for_the_lanes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, waited = House(tmp_path), list[tuple[int, int, int]]()
    reader = house.reader()
    front = house.content.lanes._fronts[0]
    wait = house.content.lanes.wait

    def waits(until: int, size: int) -> None:
        waited.append((until, size, front.at))
        wait(until, size)

    monkeypatch.setattr(house.content.lanes, "wait", waits)
    house.come(2)
    assert lent(reader, 0) is None and lent(reader, 1) is None
    house.come()
    assert waited == [(0, PIECE, 0), (PIECE, PIECE, 0), (2 * PIECE, PIECE, PIECE)]
    reader.close()
    assert not house.content.lanes._fronts


def test_the_memory_in_which_a_piece_came_is_kept_instead_of_a_copy(tmp_path: Path) -> None:
    house, given = House(tmp_path), list[memoryview]()
    is_free = True

    def exchange(_content: memoryview, other: memoryview) -> bool:
        if is_free:
            given.append(other)
        return is_free

    def come(number: int) -> memoryview:
        body = new_buffer(BODY_MAX)
        content = body[records.SIZE : records.SIZE + PIECE]
        content[:] = bytes([number + 1]) * PIECE
        house.content.came(number * PIECE, content, exchange)
        house.content.reached((number + 1) * PIECE)
        return body

    reader = house.reader()
    assert lent(reader, 0) is None
    body = come(0)
    record = lent(reader, 0)
    assert record is not None and record.memory.obj is body.obj and len(given) == 1
    record.let_go()
    assert not sent(reader, 1) and house.memory.taken == 0
    is_free = False  # there are other records in its frame
    other = come(1)
    record = lent(reader, 1)
    assert record is not None
    assert record.memory.obj is body.obj, "the memory is used again, for a copy"
    other[:] = bytes(BODY_MAX)
    assert record.memory[-1] == 2
    record.let_go()
    reader.close()
    assert house.memory.taken == 0


def test_what_two_lanes_send_is_sealed_once(tmp_path: Path) -> None:
    house = House(tmp_path)
    one, other = house.reader(shares=True), house.reader(shares=True)
    assert lent(one, 0) is None
    house.come(3)
    assert one.record(b"of a slow lane", 0, PIECE // 2) is None
    first, second = shared_of(one, 0), shared_of(other, 0, batch=1)
    assert other.record(b"of a slow lane", 0, PIECE // 2) is None
    assert first is not None and second is not None
    assert first.content.obj is second.content.obj and first.key == second.key
    again = shared_of(one, 1)
    assert again is not None and again.key != first.key, "each piece has a key of its own"
    first.let_go()
    assert house.memory.taken == 3, "the other one still sends it"
    second.let_go()
    assert house.memory.taken == 2
    again.let_go()
    house.content.give_up()
    assert house.memory.taken == 0


def test_what_is_being_sent_is_not_used_again(tmp_path: Path) -> None:
    house = House(tmp_path)
    one, other = house.reader(shares=True), house.reader(shares=True)
    assert lent(one, 0) is None
    house.come()
    found = shared_of(one, 0)
    assert found is not None
    one.close()
    other.close()
    house.content.give_up()
    assert house.memory.taken == 1
    before = bytes(found.content)
    later = RecentPieces(house.memory)
    later.enter()
    later.follow()
    for number in range(3):
        later.keep(number * PIECE, memoryview(bytes(PIECE)))
    assert found.content == before
    found.let_go()
    free = [house.memory.take() for _ in range(4)]
    assert any(each is not None and each.obj is found.content.obj for each in free), "then it is"


@pytest.mark.parametrize("shares", [(True,), (True, False), (False, False)])
def test_one_lane_or_one_that_cannot_gets_it_as_it_came(
    tmp_path: Path, shares: tuple[bool, ...]
) -> None:
    house = House(tmp_path)
    readers = [house.reader(shares=each) for each in shares]
    assert lent(readers[0], 0) is None
    house.come()
    assert all(lent(each, 0) is not None for each in readers)


def test_a_lane_that_cannot_take_it_reads_the_file(tmp_path: Path) -> None:
    house = House(tmp_path)
    sharing = [house.reader(shares=True) for _ in range(2)]
    assert lent(sharing[0], 0) is None
    house.come()
    assert shared_of(sharing[0], 0) is not None
    late = house.reader()
    assert lent(late, 0) is None and late.read_into(memoryview(bytearray(PIECE)), 0) == PIECE
    assert shared_of(sharing[1], 0) is not None
