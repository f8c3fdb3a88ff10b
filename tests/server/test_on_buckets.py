"""A whole server with a workspace in a bucket of this process."""

import asyncio
import json
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import argon2
import pytest
from click.testing import CliRunner

from cargo_ctl.main import cargo_ctl
from cargo_sync.config.server import load_server
from cargo_sync.process.offload import THREADS
from cargo_sync.server import app
from cargo_sync.server.server import Up
from tests.server.surroundings import CHEAP
from tests.stores.objects.bucket import MemoryBucket

PATIENCE = 60.0
FILES = 3 * THREADS


class HeldBucket(MemoryBucket):
    """A bucket whose reads wait.

    asks  how many reads wait, or have waited
    goes  they may go on
    """

    asks = 0
    goes = False

    async def read(self, key: str, start: int, end: int) -> memoryview:
        self.asks += 1
        while not self.goes:
            await asyncio.sleep(0.002)
        return await super().read(key, start, end)


class SlowBucket(MemoryBucket):
    """A bucket that says late whose it is."""

    async def marker(self) -> str | None:
        await asyncio.sleep(0.2)
        return await super().marker()


def settings(place: Path) -> Path:
    file = place / "server.json"
    bucket = {"address": "s3+http://127.0.0.1:1/files", "username": "k", "password": "s"}
    content = {
        "listen": "127.0.0.1:0",
        "plain": True,
        "initial_port": 0,
        "state_dir": str(place / "state"),
        "control": {"runtime_dir": str(place / "run")},
        "users": [{"username": "ana", "password": "correct horse", "path": str(place / "ana")}],
        "workspaces": [
            {"name": "folder", "path": str(place / "folder")},
            {
                "name": "media",
                "store": {"s3": {**bucket, "allow_plain": True}},
                "grants": {"ana": "rw"},
            },
        ],
    }
    file.write_text(json.dumps(content))
    file.chmod(0o600)
    return file


@asynccontextmanager
async def running(file: Path, bucket: MemoryBucket) -> AsyncIterator[aiohttp.ClientSession]:
    """A server until it is stopped; a client of ana's."""
    up: asyncio.Future[Up] = asyncio.get_running_loop().create_future()
    found = load_server(str(file), os.environ)
    server = asyncio.ensure_future(
        app.run(found, ready=up.set_result, connect_bucket=lambda settings, world: bucket)
    )
    server.add_done_callback(lambda _: up.done() or up.cancel())
    try:
        await asyncio.wait({up})
        if server.done():
            server.result()
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(up.result().api, connector=connector) as client:
            login = {"username": "ana", "password": "correct horse"}
            async with client.post("/v1/login", json=login) as answer:
                client.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
            yield client
    finally:
        if not server.done():
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(server, PATIENCE)


async def test_who_comes_right_after_the_start_is_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)
    async with (
        running(settings(tmp_path), SlowBucket()) as client,
        client.put("/v1/files/media/a", data="known") as answer,
    ):
        assert answer.status == 201


async def test_a_person_reclaims_what_the_state_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)
    bucket = MemoryBucket()
    for number, age in enumerate((90_000.0, 9e5, 5.0)):
        key = f"{number:032x}"
        bucket.objects[key], bucket.ages[key] = bytes(100), age

    def run(line: str) -> tuple[int, str]:
        at = ["--server", "--connect", str(tmp_path / "run" / "server")]
        done = CliRunner().invoke(cargo_ctl, [*line.split(), *at])
        return done.exit_code, done.output

    async with running(settings(tmp_path), bucket) as client:
        async with client.put("/v1/files/media/a", data="known") as answer:
            assert answer.status == 201
        looked = await asyncio.to_thread(run, "workspace reclaim media --dry-run --json")
        found = json.loads(looked[1])
        assert (found["objects"], found["bytes"], found["young"]) == (2, 200, 1)
        assert len(bucket.objects) == 4
        code, words = await asyncio.to_thread(run, "workspace reclaim media --yes")
        assert code == 0 and words.startswith("deleted: 2 objects (200 B) in s3+http://127.0.0.1")
        assert len(bucket.objects) == 2
        async with client.get("/v1/files/media/a") as answer:
            assert await answer.text() == "known"
        _, audit = await asyncio.to_thread(run, "audit")
        [row] = [line for line in audit.splitlines() if "workspace.reclaim" in line]
        assert "media" in row and "ok" in row
        for name, told in (("else", "no workspace"), ("folder", "do not lie in a bucket")):
            code, words = await asyncio.to_thread(run, f"workspace reclaim {name} --yes")
            assert code == 2 and told in words


def all_wait() -> bool:
    """Whether each thread for contents has something to do: they begin when no other is free."""
    names = [thread.name for thread in threading.enumerate()]
    return sum(name.startswith("contents") for name in names) == THREADS


async def test_many_who_wait_for_a_bucket_hold_up_neither_it_nor_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)
    bucket = HeldBucket()
    file = settings(tmp_path)

    async def put(client: aiohttp.ClientSession, number: int) -> None:
        async with client.put(f"/v1/files/media/{number}", data=f"file {number}") as answer:
            assert answer.status == 201, await answer.text()

    async def get(client: aiohttp.ClientSession, number: int) -> str:
        async with client.get(f"/v1/files/media/{number}") as answer:
            return await answer.text()

    async with asyncio.timeout(PATIENCE):
        async with running(file, bucket) as client:
            await asyncio.gather(*(put(client, number) for number in range(FILES)))
        async with running(file, bucket) as client:  # nothing is in memory any more
            gets = [asyncio.ensure_future(get(client, 0))]
            while not bucket.asks:
                await asyncio.sleep(0.002)
            gets += [asyncio.ensure_future(get(client, number)) for number in range(1, FILES)]
            while not all_wait():
                await asyncio.sleep(0.002)
            async with client.get("/v1/workspaces/media/entry", params={"path": "1"}) as answer:
                assert answer.status == 200, "others do not wait"
            bucket.goes = True
            assert await asyncio.gather(*gets) == [f"file {number}" for number in range(FILES)]
