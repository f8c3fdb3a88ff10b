"""Probes: bytes that mean nothing, for those who may come in, one at a time, bounded."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from cargo_sync.process.http import limits
from cargo_sync.server.http import probe
from tests.server.house import House, living


async def test_bytes_come_and_are_counted(tmp_path: Path) -> None:
    async with living(tmp_path) as house:
        answer = await house.call("GET", "/v1/probe?bytes=700000")
        assert (answer.status, len(answer.body)) == (200, 700_000)
        assert len(set(answer.body)) == 256, "nothing that shrinks on the way"
        assert (await house.call("GET", "/v1/probe?bytes=0")).body == b""
        told = (await house.call("POST", "/v1/probe", bytes(300_000))).json
        assert told["bytes"] == 300_000 and told["seconds"] >= 0
        assert (await house.call("POST", "/v1/probe")).json["bytes"] == 0


async def test_strangers_and_what_is_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "LARGEST", 100_000)
    async with living(tmp_path) as house:
        for method in ("GET", "POST"):
            assert (await house.call(method, "/v1/probe", user="")).status == 401
        answer = await house.call("GET", f"/v1/probe?bytes={64 * 2**20 + 1}")
        assert answer.code == "bad_request"
        assert (await house.call("POST", "/v1/probe", bytes(100_001))).code == "too_large"

        async def unannounced() -> AsyncIterator[bytes]:
            for _ in range(11):
                yield bytes(10_000)

        assert (await house.call("POST", "/v1/probe", unannounced())).code == "too_large"
        packed = await house.call("POST", "/v1/probe", b"x", headers={"Content-Encoding": "gzip"})
        assert packed.code == "unsupported"


async def open_probe(
    house: House, end: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> "asyncio.Task[int]":
    """A probe of ana's that is under way until `end`."""
    began = asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        yield bytes(1000)
        await end.wait()

    async def chunks(request: web.Request) -> AsyncIterator[bytes]:
        began.set()
        async for chunk in limits.chunks(request):
            yield chunk

    async def call() -> int:
        return (await house.call("POST", "/v1/probe", content())).status

    with monkeypatch.context() as patched:
        patched.setattr(probe, "chunks", chunks)
        task = asyncio.create_task(call())
        await began.wait()
    return task


async def test_one_at_a_time_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with living(tmp_path) as house:
        end = asyncio.Event()
        task = await open_probe(house, end, monkeypatch)
        busy = await house.call("GET", "/v1/probe?bytes=1")
        assert (busy.status, busy.code, busy.headers["Retry-After"]) == (429, "busy", "5")
        assert (await house.call("GET", "/v1/probe?bytes=1", user="ben")).status == 200
        end.set()
        assert await task == 200
        assert (await house.call("GET", "/v1/probe?bytes=1")).status == 200


async def test_a_few_at_once_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "AT_ONCE", 1)
    async with living(tmp_path) as house:
        end = asyncio.Event()
        task = await open_probe(house, end, monkeypatch)
        assert (await house.call("GET", "/v1/probe?bytes=1", user="ben")).code == "busy"
        end.set()
        await task


async def test_it_ends_with_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LONGEST", 0.0)
    async with living(tmp_path) as house:
        assert len((await house.call("GET", "/v1/probe?bytes=1000000")).body) == 0
        end = asyncio.Event()

        async def content() -> AsyncIterator[bytes]:
            yield bytes(1000)
            await end.wait()

        told = await house.call("POST", "/v1/probe", content())
        assert told.status == 200 and told.json["bytes"] <= 1000
        end.set()
