"""A coordinator may answer what it likes: the call ends in bounded time and memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cargo_sync.backup_protocol import client, frames
from cargo_sync.backup_protocol.client import CoordinatorAddress, connected
from cargo_sync.model.problems import Problem, ProblemError


@asynccontextmanager
async def saying(head: bytes, piece: bytes) -> AsyncIterator[CoordinatorAddress]:
    """A coordinator that answers with `head`, then with `piece` again and again."""
    talks = set[asyncio.Task[None]]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            writer.write(head)
            while True:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
        except OSError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield CoordinatorAddress("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def told(head: bytes, piece: bytes = b"") -> Problem:
    async with saying(head, piece) as address, connected(address) as connection:
        with pytest.raises(ProblemError) as raised:
            await connection.answer()
    return raised.value.problem


async def test_an_answer_has_a_size() -> None:
    problem = await told(frames.LENGTH.pack(frames.LONGEST_ANSWER + 1), b"a" * 2**16)
    assert problem.code == "refused" and str(frames.LONGEST_ANSWER) in problem.message


async def test_an_answer_that_trickles_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER", 0.2)
    assert (await told(frames.LENGTH.pack(1000), b" ")).code == "timeout"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1000,
        b'{"status":255,"a":' + b"[" * 40 + b"]" * 40 + b"}",
        b"[" + b"[]," * 2**20 + b"1]",
    ],
    ids=["not complete", "deep", "many values"],
)
async def test_an_answer_has_a_structure(body: bytes) -> None:
    problem = await told(frames.LENGTH.pack(len(body)) + body)
    assert "A resposta não é" in problem.message
