"""A larger file over one connection, or over several."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from cargo_sync.model.entries import BY_UMASK, FILE, Entry
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.remote.transfer import ahead
from cargo_sync.trees.remote.transfer.ahead import FileReading
from cargo_sync.trees.remote.transfer.memory import ContentRoom

PART = 10
CONTENT = bytes(range(95))


@pytest.fixture(autouse=True)
def parts_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "PART", PART)
    monkeypatch.setattr(ahead, "LEAST", 4 * PART)
    monkeypatch.setattr(ahead, "SLICE", 4)


class Bytes:
    """Content that comes in pieces of 7 bytes; from byte `fails` on it is cut."""

    mtime_ns = mode = None

    def __init__(self, server: "Server", start: int, end: int) -> None:
        self._server = server
        self._span = start, end
        server.asked.append(self._span)
        server.most = max(server.most, len(server.open))
        server.open.append(self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(*self._span, 7):
            await asyncio.sleep(0)
            stop = min(at + 7, self._span[1])
            if at <= self._server.cut_at < stop:
                return
            yield CONTENT[at:stop]

    async def close(self) -> None:
        if self in self._server.open:
            self._server.open.remove(self)


@dataclass
class Server:
    """A server: how long a first answer takes, whether it gives parts, and what it was asked."""

    answers_in: float = 0.3
    gives_parts: bool = True
    cut_at: int = -1
    is_limited: bool = False
    now: float = 0.0
    most: int = 0
    asked: list[tuple[int, int]] = field(default_factory=list)
    open: list[Bytes] = field(default_factory=list)

    async def read(self, path: str, entry: Entry, start: int = 0) -> Bytes:
        return Bytes(self, start, entry.size)

    async def read_part(self, path: str, entry: Entry, start: int, end: int) -> Bytes | None:
        self.now += self.answers_in
        await asyncio.sleep(0)
        return Bytes(self, start, end) if self.gives_parts else None

    def reading(self, room: ContentRoom, size: int = len(CONTENT)) -> FileReading:
        entry = Entry("x", FILE, size, 0, BY_UMASK, 1)
        limited = lambda: self.is_limited  # noqa: E731
        return FileReading(cast(Any, self), "x", entry, room, lambda: self.now, limited)


async def came(reading: FileReading, start: int, end: int) -> bytes:
    """What comes of these bytes."""
    found = bytearray()
    async for span in reading.of(start, end):
        assert start + len(found) == span.start
        async for some in span.content:
            found += some
            if len(found) >= span.end - start:
                break
        del found[span.end - start :]
    return bytes(found)


def spans(start: int, end: int) -> Iterator[tuple[int, int]]:
    return ((at, min(at + PART, end)) for at in range(start, end, PART))


@pytest.mark.parametrize(
    ("server", "size", "asked"),
    [
        (Server(), 95, list(spans(0, 95))),
        (Server(answers_in=0.01), 95, [(0, 10), (10, 95)]),
        (Server(answers_in=4.0), 95, [(0, 10), (10, 95)]),
        (Server(is_limited=True), 95, [(0, 10), (10, 95)]),
        (Server(gives_parts=False), 95, [(0, 95)]),
        (Server(), 39, [(0, 39)]),
    ],
)
async def test_a_file_comes_whole_over_as_many_connections_as_its_server_is_far(
    server: Server, size: int, asked: list[tuple[int, int]]
) -> None:
    reading = server.reading(ContentRoom(), size)
    await reading.begin()
    assert await came(reading, 0, size) == CONTENT[:size]
    await reading.close()
    assert server.asked == asked and not server.open


async def test_what_is_missing_comes_and_nothing_else() -> None:
    server = Server()
    reading = server.reading(ContentRoom())
    await reading.begin()
    assert await came(reading, 25, 70) == CONTENT[25:70]
    await reading.close()
    assert server.asked == [(0, 10), *spans(25, 70)] and not server.open


async def test_parts_are_under_way_together_and_wait_for_room() -> None:
    for room, most in ((ContentRoom(1000), 3), (ContentRoom(2 * PART), 1)):
        server = Server()
        reading = server.reading(room)
        await reading.begin()
        assert await came(reading, 0, len(CONTENT)) == CONTENT
        assert server.most == most, "so many were open when one more was opened"
        await asyncio.wait_for(room.take(2 * PART), 1)  # all was given back


async def test_a_part_that_is_cut_ends_the_file_after_what_came_before() -> None:
    server, room, found = Server(cut_at=57), ContentRoom(4 * PART), bytearray()
    reading = server.reading(room)
    await reading.begin()
    with pytest.raises(ProblemError) as caught:
        async for span in reading.of(0, len(CONTENT)):
            async for some in span.content:
                found += some
    await reading.close()
    assert caught.value.problem.code is Code.CUT
    assert found == CONTENT[:50] and not server.open
    await asyncio.wait_for(room.take(4 * PART), 1)


async def test_a_speed_that_is_set_meanwhile_leaves_one_connection() -> None:
    server = Server()
    reading = server.reading(ContentRoom())
    await reading.begin()
    sizes = list[int]()
    async for span in reading.of(0, len(CONTENT)):
        async for some in span.content:
            server.is_limited = server.is_limited or span.start > 0
            sizes.append(len(some))
    assert sum(sizes) == len(CONTENT)
    assert set(sizes[-8:]) <= {1, 2, 3, 4, 5}, "it comes in slices that can be paced"
