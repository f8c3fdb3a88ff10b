"""A server may answer as much as it likes: the call ends in bounded time and memory."""

import asyncio
import gzip
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.trees.cargo import bounds
from cargo_sync.trees.cargo.api import Api, ServerLogin
from cargo_sync.trees.cargo.replies import ROWS, SpacesReply, changes
from tests.trees.cargo.answers import TOKEN, Answer, answering, ok, raw, refuse

Talk = Callable[[asyncio.StreamWriter], AsyncIterator[bytes]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


def leaping(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Returns the call that moves the loop's clock forward by some seconds."""
    loop, ahead = asyncio.get_running_loop(), [0.0]
    real = loop.time

    def leap(seconds: float) -> None:
        ahead[0] += seconds

    monkeypatch.setattr(loop, "time", lambda: real() + ahead[0])
    return leap


async def problem(*answers: Answer, login: Answer = TOKEN) -> Problem:
    async with answering(POST_login=[login], GET_workspaces=list(answers)) as (to, _):
        return await told(to)


async def told(login: ServerLogin) -> Problem:
    """The problem of a call."""
    api = Api(login, time.monotonic)
    try:
        with pytest.raises(ProblemError) as raised:
            await api.get("/workspaces", SpacesReply.read)
    finally:
        await api.close()
    return raised.value.problem


@asynccontextmanager
async def saying(head: bytes, piece: bytes, *, pause: float = 0.0) -> AsyncIterator[ServerLogin]:
    """A server that answers every request with `head`, then with `piece` for ever."""
    talks = set[asyncio.Task[None]]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(task := asyncio.current_task())  # type: ignore[arg-type]
        assert task is not None
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            while True:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield ServerLogin(f"http://127.0.0.1:{port}", "ana", lambda: "password")
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def test_a_compressed_answer_is_refused_and_none_is_asked_for() -> None:
    packed = raw(gzip.compress(b'{"workspaces":[]}'), 200, **{"Content-Encoding": "gzip"})
    for given in ({"GET_workspaces": [packed]}, {"POST_login": [packed]}):
        async with answering(**given) as (login, heard):
            found = await told(login)
        assert found.code == "bad_answer" and "compressed" in found.message
        assert {headers["Accept-Encoding"] for headers in heard.headers} == {"identity"}


async def test_the_answer_to_a_login_is_small() -> None:
    found = await problem(ok({}), login=ok({"token": "t" * bounds.SMALL}))
    assert found.code == "bad_answer" and "larger than 64 KiB" in found.message


async def test_a_refusal_is_read_no_further_than_its_beginning() -> None:
    found = await problem(refuse(500, "failed", "no" * bounds.SMALL))
    assert (found.code, found.retry) == ("refused", True) and len(found.message) < 200


async def test_texts_of_a_refusal_are_cut() -> None:
    found = await problem(refuse(500, "failed", "no" * 10_000))
    assert found.code == "failed" and len(found.message) == 1000


@pytest.mark.parametrize("large", [100, 2**20])
async def test_a_page_has_a_size(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "LARGE", large)
    monkeypatch.setattr(bounds, "PAGE", 2**20)
    found = await problem(ok({"workspaces": [], "more": "a" * 2**20}))
    assert found.code == "bad_answer" and "larger than 1 MiB" in found.message
    async with answering(GET_workspaces=[ok({"workspaces": [], "more": "a" * 1000})]) as (login, _):
        api = Api(login, time.monotonic)
        assert await api.get("/workspaces", SpacesReply.read) == SpacesReply(workspaces=[])
        await api.close()


async def test_a_page_without_an_end_is_left() -> None:
    async with saying(HEAD + b'{"token":"', b"a" * 2**16) as login:
        found = await told(login)
    assert found.code == "bad_answer" and "larger than 64 KiB" in found.message


@pytest.mark.parametrize(
    ("head", "piece"),
    [(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), (b"HTTP/1.1 200 OK\r\n", b"")],
    ids=["provisional answers", "a head"],
)
async def test_a_head_that_does_not_come_is_left_after_a_minute(
    head: bytes, piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "SECONDS", 0.2)
    async with saying(head, piece, pause=0.02) as login:
        found = await told(login)
    assert (found.code, found.retry) == ("unreachable", True) and "not answer" in found.message


async def test_a_body_that_trickles_is_left_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    leap, beginning = leaping(monkeypatch), bounds.beginning

    async def later(response: aiohttp.ClientResponse, most: int) -> bytes:
        leap(bounds.SECONDS + 1)  # the head is there
        return await beginning(response, most)

    monkeypatch.setattr(bounds, "beginning", later)
    async with saying(HEAD + b'{"token":"', b"a", pause=0.02) as login:
        found = await told(login)
    assert (found.code, found.retry) == ("bad_answer", True)
    assert "not complete in time" in found.message


async def test_a_head_without_an_end_is_left() -> None:
    async with saying(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"a" * 4000 + b"\r\n") as login:
        assert (await told(login)).code == "cut"


async def test_lines_may_take_their_time_but_not_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing takes hours; a server sends an empty line now and then."""
    async with answering() as (login, _):
        api = Api(login, time.monotonic)
        await api._log_in("")
    leap = leaping(monkeypatch)
    async with saying(HEAD, b"\n{}\n", pause=0.02) as elsewhere:
        api.login = elsewhere
        lines = api.lines("/hashes", lambda value: value, {})
        for _ in range(10):
            assert await anext(lines) == {}
            leap(bounds.IDLE / 3)
        assert isinstance(lines, AsyncGenerator)
        await lines.aclose()
    assert 10 * bounds.IDLE / 3 > bounds.SECONDS
    async with saying(HEAD + b"{}\n", b"", pause=0.02) as elsewhere:
        api.login = elsewhere
        lines = api.lines("/hashes", lambda value: value, {})
        assert await anext(lines) == {}
        leap(bounds.IDLE + 1)
        with pytest.raises(ProblemError) as raised:
            await anext(lines)
        assert raised.value.problem.code == "unreachable"
    await api.close()


def test_a_page_has_so_many_rows() -> None:
    columns = zip(*[("a", "f", 1, 1, 1, 1, 1, "", "")] * (ROWS + 1), strict=True)
    page = {"rows": list(map(list, columns)), "next": 1, "more": False, "lineage": "l"}
    page |= {"epoch": "e", "sequence": 1, "known": "l", "life": "l"}
    with pytest.raises(ValueError, match="more than 10,000 rows"):
        changes(page)


async def test_few_large_answers_of_one_server_are_read_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounds, "LARGE", 10)
    monkeypatch.setattr(bounds, "LARGE_AT_ONCE", 2)
    reading = most = 0
    beginning = bounds.beginning

    async def counted(response: object, most_bytes: int) -> bytes:
        nonlocal reading, most
        if most_bytes <= 10:
            return await beginning(response, most_bytes)  # type: ignore[arg-type]
        reading += 1
        most = max(most, reading)
        await asyncio.sleep(0)
        try:
            return await beginning(response, most_bytes)  # type: ignore[arg-type]
        finally:
            reading -= 1

    async with answering(GET_workspaces=[ok({"workspaces": []})]) as (login, _):
        api = Api(login, time.monotonic)
        await api._log_in("")
        monkeypatch.setattr(bounds, "beginning", counted)
        await asyncio.gather(*(api.get("/workspaces", SpacesReply.read) for _ in range(6)))
        await api.close()
    assert most == 2
