"""A workspace moves into a bucket and back while a job uses it, most of it while it is served."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import argon2
import pytest

from cargo_sync.config.errors import ConfigError
from cargo_sync.migration import served, settings_file
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.server import Up
from cargo_sync.state.object_contents import ObjectContents
from tests.migration.test_run import Estate, Printed
from tests.server.surroundings import CHEAP
from tests.server.test_on_nodes import Cellar

STORE = {
    "address": "s3+https://store.example/bucket/cargo",
    "username": "${BUCKET_USER}",
    "password": "canary of the bucket",
}
ASKED = "all is there but what changes now"


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Estate:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)
    monkeypatch.setenv("BUCKET_USER", "ana")
    monkeypatch.setattr(served, "AGAIN", 0.3)
    with ExitStack() as last:  # its nodes are not used
        found = Estate(tmp_path, Cellar(tmp_path, last))
    (tmp_path / "bucket.json").write_text(json.dumps({"s3": STORE}))
    return found


async def moved(
    estate: Estate, work: Callable[[Up], Awaitable[object]], **order: Any
) -> tuple[int, list[str]]:
    """A move that begins while the server runs, which does some work and is stopped."""
    screen = Printed()
    async with estate.served() as up:
        await estate.job(up)
        moving = asyncio.ensure_future(estate.migrate(screen, yes=True, **order))
        while not any(ASKED in line for line in screen.lines) and not moving.done():
            await asyncio.sleep(0.01)
        assert not moving.done(), moving.result()
        await work(up)
    return await moving


async def test_most_of_it_moves_while_it_is_served(estate: Estate) -> None:
    store = str(estate.place / "bucket.json")
    near, bucket = estate.near, estate.bucket

    async def changed(up: Up) -> None:
        assert sum(map(len, bucket.objects.values())) > 9 << 20, "it is there before the end"
        (near / "file 1").write_bytes(b"changed meanwhile")
        (near / "deep" / "new").write_bytes(b"new")
        (near / "file 2").unlink()
        assert (await estate.job(up)).verdict.name == "SYNCED"

    code, lines = await moved(estate, changed, bucket=store)
    text = estate.file.read_text()
    assert code == 0 and '"store": {"s3": {"address": "s3+https://store.example' in text
    assert "${BUCKET_USER}" in text and "canary" in text
    assert any('"password": "…"' in line for line in lines)
    assert not any("canary" in line for line in lines)
    with estate.moves() as moves:
        id = moves.roots()["bucket:archive"]
        assert [one.root for one in moves.left(id)] == [str(estate.archive)]
    requests = bucket.asked["put"] + bucket.asked.get("part", 0)
    async with estate.served() as up:
        second = await estate.job(up)
        assert (second.verdict.name, second.files, second.bytes) == ("SYNCED", 0, 0)
    assert bucket.asked["put"] + bucket.asked.get("part", 0) == requests
    assert (await estate.migrate(bucket=store))[1][0] == "archive is in a bucket already"
    assert (await estate.migrate(remove=True, yes=True))[0] == 0
    assert not estate.archive.exists()

    back = estate.place / "back"
    written = back / "deep" / "large"

    async def changed_again(up: Up) -> None:
        assert written.stat().st_size == 9 << 20, "it is there before the end"
        (near / "file 1").write_bytes(b"changed once more")
        (near / "file 3").rename(near / "moved")
        (near / "deep" / "new").unlink()
        assert (await estate.job(up)).verdict.name == "SYNCED"

    code, lines = await moved(estate, changed_again, folder=str(back))
    assert code == 0 and estate.files(back) == estate.files(near)
    inode = written.stat().st_ino
    async with estate.served() as up:
        third = await estate.job(up)
        assert (third.verdict.name, third.files, third.bytes) == ("SYNCED", 0, 0)
    assert written.stat().st_ino == inode, "what was there from before the end stayed"
    code, lines = await estate.migrate(remove=True, yes=True)
    assert code == 0 and any("delete the bucket's folder" in line for line in lines)
    with estate.moves() as moves:
        assert ObjectContents(moves._database, lambda: 0.0).live(id, "", 9) == []


async def test_what_is_refused_and_given_up(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    (estate.archive / "file").write_bytes(b"content")
    store = str(estate.place / "bucket.json")
    async with estate.served():
        with pytest.raises(ProblemError, match="stop the server first"):
            await estate.migrate(dry=True, bucket=store)
    bad = estate.place / "bad.json"
    for text, what in (
        ({"s3": STORE | {"address": "s3+https://store.example"}}, "address"),
        ({"nodes": {"copies": 2}}, "not what a workspace's store may be"),
    ):
        bad.write_text(json.dumps(text))
        with pytest.raises(ConfigError, match=what):
            await estate.migrate(bucket=str(bad))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(settings_file, "write", killed)
        await estate.migrate(bucket=store)
    assert '"path"' in estate.file.read_text(), "it is where it was"
    code, lines = await estate.migrate(give_up=True, yes=True)
    assert (code, lines[1]) == (0, "given up: what was brought to a bucket, 7 bytes")
    with estate.moves() as moves:
        id = moves.roots()[str(estate.archive)]
        assert (
            moves.of(id) is None
            and ObjectContents(moves._database, lambda: 0.0).live(id, "", 9) == []
        )
    assert (await estate.migrate(bucket=store))[0] == 0
    with pytest.raises(ProblemError, match="move it to a folder first"):
        await estate.migrate()
    assert os.listdir(estate.archive)


def killed(*arguments: object) -> None:
    raise KeyboardInterrupt
