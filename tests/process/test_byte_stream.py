"""Bytes of a connection, received into large buffers."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cargo_sync.process.byte_stream import (
    FAST,
    LEAST,
    MOST,
    SLOW,
    UNSENT,
    ByteStream,
    buffer_size,
)
from cargo_sync.process.passing_on import LONGEST, OwnDescriptor, passed_on
from tests.offloads import in_thread

SENT = os.urandom(3 * MOST + 7)


@asynccontextmanager
async def connection(left: int | None = None) -> AsyncIterator[tuple[ByteStream, socket.socket]]:
    """A stream whose clock stands still, and the other end of its connection."""
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    _, stream = await loop.create_connection(lambda: ByteStream(lambda: 0.0, left), sock=near)
    try:
        yield stream, far
    finally:
        far.close()
        stream.transport.abort()
        await stream.closed()


async def everything(stream: ByteStream) -> list[memoryview]:
    pieces = []
    while piece := await stream.read():
        pieces.append(piece)
    return pieces


@pytest.mark.parametrize("left", [None, len(SENT) - 5])
async def test_what_was_sent_comes_in_large_pieces_that_stay_as_they_are(left: int | None) -> None:
    async with connection(left) as (stream, far):

        async def send() -> None:
            await asyncio.get_running_loop().sock_sendall(far, SENT)
            far.shutdown(socket.SHUT_WR)

        sending = asyncio.create_task(send())
        pieces = await everything(stream)
        assert b"".join(pieces) == SENT[:left]
        assert max(map(len, pieces)) > MOST / 2
        sending.cancel()


async def test_some_bytes_come_although_no_others_do() -> None:
    async with connection() as (stream, far):
        for some in (b"one", b"another"):
            far.send(some)
            assert bytes(await stream.read()) == some


async def test_an_early_end_is_told_behind_what_has_come() -> None:
    async with connection(4) as (stream, far):
        far.send(b"abc")
        far.close()
        assert bytes(await stream.read()) == b"abc"
        with pytest.raises(ConnectionError):
            await stream.read()


async def test_nothing_more_is_received_than_is_taken() -> None:
    async with connection() as (stream, far):
        sent = 0
        for _ in range(100):  # far more than the system holds
            try:
                sent += far.send(bytes(MOST))
            except BlockingIOError:
                await asyncio.sleep(0)
        assert sent < 50 * MOST
        far.shutdown(socket.SHUT_WR)
        assert sum(map(len, await everything(stream))) == sent


@pytest.mark.parametrize("left", [None, 2 * MOST + 5])
async def test_what_comes_at_once_is_passed_on_and_the_rest_is_read(left: int | None) -> None:
    async with connection(left) as (stream, far):

        async def send() -> None:
            await asyncio.get_running_loop().sock_sendall(far, SENT)
            far.shutdown(socket.SHUT_WR)

        sending, came = asyncio.create_task(send()), bytearray()
        while piece := await stream.read():
            came += piece
            await stream.pass_on(3 * MOST, came.extend, in_thread)
        assert came == SENT[:left]
        assert await stream.pass_on(1, came.extend, in_thread) == 0
        sending.cancel()


async def test_an_end_is_read_behind_what_was_passed_on() -> None:
    async with connection(4) as (stream, far):
        came = bytearray()
        far.send(b"ab")
        far.close()
        assert await stream.pass_on(0, came.extend, in_thread) == 0
        while len(came) < 2:
            await stream.pass_on(9, came.extend, in_thread)
        with pytest.raises(ConnectionError):
            await stream.read()


async def test_what_is_behind_the_end_is_not_read_after_some_was_passed_on() -> None:
    async with connection(LEAST + 9) as (stream, far):
        far.send(SENT[:9])
        came = bytearray(await stream.read())
        far.send(SENT[9:LEAST])
        while len(came) < LEAST:
            await stream.pass_on(LEAST - len(came), came.extend, in_thread)
        far.send(SENT[LEAST:][:99])
        far.shutdown(socket.SHUT_WR)
        came += b"".join(await everything(stream))
        assert came == SENT[: LEAST + 9]


async def test_a_line_that_has_become_slow_does_not_keep_a_thread() -> None:
    """A byte comes whenever somebody looks whether one has come."""
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        seconds = 0.0

        def now() -> float:
            nonlocal seconds
            seconds += LONGEST / 8
            far.send(b"x")
            return seconds

        came = bytearray()
        memory = memoryview(bytearray(MOST))
        count, error = passed_on(OwnDescriptor(near.fileno()), memory, 999, came.extend, now)
        assert (count, error) == (len(came), None) and 1 < count < 20


async def test_without_a_descriptor_all_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    async with connection(2) as (stream, far):
        far.send(b"ab")
        with monkeypatch.context() as patch:
            patch.setattr(os, "dup", full)
            assert await stream.pass_on(9, bytearray().extend, in_thread) == 0
        assert bytes(await stream.read()) == b"ab"


async def test_bytes_that_cannot_be_used_end_the_connection() -> None:
    async with connection() as (stream, far):

        def put(some: memoryview) -> None:
            raise OSError("the disk is full")

        far.send(b"ab")
        with pytest.raises(OSError, match="full"):
            await stream.pass_on(9, put, in_thread)
        await stream.closed()


async def test_a_writer_waits_for_the_other_end_and_is_told_that_it_has_gone() -> None:
    async with connection() as (stream, far):

        async def write() -> None:
            for _ in range(50):
                await stream.write(memoryview(SENT[:UNSENT]))

        writing = asyncio.create_task(write())
        received = b""
        while len(received) < UNSENT:
            received += await asyncio.get_running_loop().sock_recv(far, UNSENT - len(received))
        assert received == SENT[:UNSENT]
        assert not writing.done()
        far.close()
        with pytest.raises(ConnectionError):
            await writing


@pytest.mark.parametrize(
    ("size", "seconds", "then"),
    [
        (LEAST, FAST / 2, 2 * LEAST),
        (MOST, FAST / 2, MOST),
        (MOST, (FAST + SLOW) / 2, MOST),
        (MOST, 2 * SLOW, MOST / 2),
        (LEAST, 2 * SLOW, LEAST),
    ],
)
def test_buffers_are_as_large_as_what_is_taken_in_a_moment(
    size: int, seconds: float, then: int
) -> None:
    assert buffer_size(size, seconds) == then
