"""A whole server with a workspace on storage nodes of this process."""

import asyncio
import hashlib
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import argon2
import pytest

from cargo_sync.config.server import load_server
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.world import World
from cargo_sync.server import app
from cargo_sync.server.server import Up
from cargo_sync.state.node_invitations import NodeInvitationRow, NodeInvitationRows
from cargo_sync.state.nodes import NodeRow, NodeRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.client import NodeStatus
from cargo_sync.stores.nodes.fleet import Dial
from cargo_sync.stores.spool import BlobSpool
from cargo_sync.testing.nodes import FolderNode
from tests.server.admin import ask
from tests.server.surroundings import CHEAP
from tests.stores.blobs import content_of

CONTENT = b"content" * 1000
PATIENCE = 60.0
TOKEN = "A" * 22


class Cellar:
    """Three nodes of a kind; they outlive the server."""

    kind: type[FolderNode] = FolderNode

    def __init__(self, place: Path, last: ExitStack) -> None:
        self.folders: dict[str, BlobFolder] = {}
        self.nodes: dict[str, FolderNode] = {}
        for name in ("a", "b", "c"):
            self.folders[name] = BlobFolder.open(
                str(place / name),
                "",
                lambda marker=name: marker * 32,  # type: ignore[misc]
                MemoryCheckpoints(),
                SpaceLedger(),
                MemoryAges(lambda: 0.0),
                holder="a test",
            )
            last.callback(self.folders[name].close)

    def dialer(self, spool: BlobSpool, world: World) -> Dial:
        def dial(row: NodeRow) -> FolderNode:
            self.nodes[row.name] = self.kind(self.folders[row.name], spool)
            return self.nodes[row.name]

        return dial

    def copies(self, content: Content) -> int:
        return sum(folder.has([content])[0] for folder in self.folders.values())


@pytest.fixture
def cellar(tmp_path: Path) -> Iterator[Cellar]:
    with ExitStack() as last:
        yield Cellar(tmp_path, last)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)


def settings(place: Path, **workspaces: object) -> Path:
    file = place / "server.json"
    content = {
        "listen": "127.0.0.1:0",
        "plain": True,
        "initial_port": 0,
        "state_dir": str(place / "state"),
        "control": {"runtime_dir": str(place / "run")},
        "users": [{"username": "ana", "password": "correct horse", "path": str(place / "ana")}],
        "workspaces": [
            {"name": name, "store": store, "grants": {"ana": "rw"}}
            for name, store in workspaces.items()
        ],
    }
    file.write_text(json.dumps(content))
    file.chmod(0o600)
    return file


def pair(place: Path) -> None:
    with SqliteDatabase.open(str(place / "state" / "state.db"), "server") as database:
        for name in ("a", "b", "c"):
            NodeRows(database).add(name, "", ("127.0.0.1", 1, 2), "f" * 64, "s")


def invite(place: Path) -> None:
    digest = hashlib.sha256(TOKEN.encode()).digest()
    with SqliteDatabase.open(str(place / "state" / "state.db"), "server") as database:
        for name in ("a", "b", "c"):
            row = NodeInvitationRow(name, name, digest, 0.0, 1e12)
            NodeInvitationRows(database).put(row)


@asynccontextmanager
async def running(file: Path, cellar: Cellar) -> AsyncIterator[tuple[aiohttp.ClientSession, Up]]:
    """A server until it is stopped, with a client of ana's."""
    up: asyncio.Future[Up] = asyncio.get_running_loop().create_future()
    found = load_server(str(file), os.environ)
    server = asyncio.ensure_future(app.run(found, ready=up.set_result, dialer=cellar.dialer))
    server.add_done_callback(lambda _: up.done() or up.cancel())
    try:
        await asyncio.wait({up})
        if server.done():
            server.result()
        async with aiohttp.ClientSession(up.result().api) as client:
            login = {"username": "ana", "password": "correct horse"}
            async with client.post("/v1/login", json=login) as answer:
                client.headers["Authorization"] = f"Bearer {(await answer.json())['token']}"
            yield client, up.result()
    finally:
        if not server.done():
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(server, PATIENCE)


async def put(client: aiohttp.ClientSession, path: str, content: bytes) -> None:
    """As a client does that comes again while too few nodes are there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with client.put(path, data=content) as answer:
                if answer.status != 503:
                    assert answer.status == 201, await answer.text()
                    return
                assert answer.headers["Retry-After"]
            await asyncio.sleep(0.01)


async def get(client: aiohttp.ClientSession, path: str) -> bytes:
    """As a client does that comes again while no node has been heard."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with client.get(path) as answer:
                if answer.status == 200:
                    return await answer.read()
                assert (await answer.json())["error"]["code"] == "unreachable"
            await asyncio.sleep(0.01)


class SlowNode(FolderNode):
    """A node that says late how it is."""

    async def status(self) -> NodeStatus:
        await asyncio.sleep(0.2)
        return await super().status()


async def test_who_comes_right_after_the_start_is_not_refused(
    cellar: Cellar, tmp_path: Path
) -> None:
    cellar.kind = SlowNode
    file = settings(tmp_path, media={"nodes": {"copies": 2}})
    pair(tmp_path)
    async with (
        running(file, cellar) as (client, _),
        client.put("/v1/files/media/a", data=CONTENT) as answer,
    ):
        assert answer.status == 201, await answer.text()


async def test_a_file_lies_on_as_many_nodes_as_its_workspace_wants(
    tmp_path: Path, cellar: Cellar
) -> None:
    (tmp_path / "state").mkdir(0o700)
    pair(tmp_path)
    file = settings(tmp_path, one={"nodes": {"copies": 1}}, two={"nodes": {"copies": 2}})
    async with running(file, cellar) as (client, _):
        await put(client, "/v1/files/one/a", CONTENT)
        assert cellar.copies(content_of(CONTENT)) == 1
        await put(client, "/v1/files/two/b", CONTENT * 2)
        assert cellar.copies(content_of(CONTENT * 2)) == 2
        assert await get(client, "/v1/files/two/b") == CONTENT * 2
    async with running(file, cellar) as (client, _):
        assert await get(client, "/v1/files/one/a") == CONTENT


async def test_a_workspace_on_nodes_may_come_while_the_server_runs(
    tmp_path: Path, cellar: Cellar
) -> None:
    (tmp_path / "state").mkdir(0o700)
    invite(tmp_path)
    file = settings(tmp_path)
    async with running(file, cellar) as (client, _):
        assert not (tmp_path / "state" / "spool").exists()
        settings(tmp_path, two={"nodes": {"copies": 2}})
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(PATIENCE):
            while True:
                async with client.get("/v1/workspaces/two/entry?path=") as answer:
                    if answer.status != 404:
                        break
                await asyncio.sleep(0.01)
        async with client.put("/v1/files/two/b", data=CONTENT) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (503, "below_quorum")
        for name in cellar.folders:
            asked = {"address": "127.0.0.1", "port": 1, "lane_port": 2, "fingerprint": "f" * 64}
            node = {"name": name, "token": TOKEN, **asked}
            async with client.post("/v1/nodes", json=node) as answer:
                assert answer.status == 200, await answer.text()
        await put(client, "/v1/files/two/b", CONTENT)
        assert cellar.copies(content_of(CONTENT)) == 2


async def test_nodes_are_listed_drained_and_removed(tmp_path: Path, cellar: Cellar) -> None:
    (tmp_path / "state").mkdir(0o700)
    pair(tmp_path)
    file = settings(tmp_path, two={"nodes": {"copies": 2}})
    async with running(file, cellar) as (client, up):
        await put(client, "/v1/files/two/a", CONTENT)
        await until_state(up, "c", "up")
        listed = await ask(up, "node.list")
        assert [row["node"] for row in listed["nodes"]] == ["a", "b", "c"]
        assert listed["missing"] == {"blobs": 0, "copies": 0, "bytes": 0, "lost": 0, "waits": 0}
        assert (listed["repair"]["copies"], listed["repair"]["eta_s"]) == (0, None)
        full = next(name for name in "abc" if cellar.folders[name].has([content_of(CONTENT)])[0])
        assert (await ask(up, "node.remove", node=full))[0] == "not_drained"
        assert (await ask(up, "node.drain", node=full))["state"] == "draining"
        shown = await ask(up, "node.show", node=full)
        assert (shown["drained"], shown["damaged"], shown["fingerprint"]) == (False, 0, "f" * 64)
        assert (await ask(up, "node.remove", node=full))[0] == "not_drained"
        assert await ask(up, "node.remove", node=full, lost=True) == {"node": full}
        assert (await ask(up, "node.show", node=full))[0] == "unknown_node"
        [row] = (await ask(up, "workspace.list"))["workspaces"]
        assert (row["path"], row["copies"]) == ("", 2)
        async with asyncio.timeout(PATIENCE):  # the feed tells the last look, the list looks now
            told = await feed_of_nodes(up, f"node/{full}/")
            while told["repair/"]["missing"] != (await ask(up, "node.list"))["missing"]:
                await asyncio.sleep(0.01)
                told = await feed_of_nodes(up, f"node/{full}/")
        left = next(name for name in "abc" if name != full)
        assert told[f"node/{left}/"]["state"] == "up"
        assert (await ask(up, "status"))["nodes"]["count"] == 2
        assert await ask(up, "node.scrub", node=left, speed="1gbps") == {"node": left}
        assert (await ask(up, "node.scrub", node=left, speed="fast"))[0] == "bad_argument"
        drained = await ask(up, "node.drain", node=left)
        assert drained["state"] == "draining" and drained["draining"] is True
        undone = await ask(up, "node.drain", node=left, undo=True)
        assert (undone["state"], undone["draining"]) == ("up", False)
        names = [row["node"] for row in (await ask(up, "node.list"))["nodes"]]
        assert names == [name for name in "abc" if name != full]


async def until_state(up: Up, node: str, state: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await ask(up, "node.show", node=node))["state"] != state:
            await asyncio.sleep(0.01)


async def feed_of_nodes(up: Up, without: str) -> dict[str, dict[str, object]]:
    """The last messages about nodes, when there is no more one of this topic."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await ask(up, "feed.last", prefixes=["node/", "repair/"])
            told = {one["topic"]: one for one in found["messages"]}
            if "repair/" in told and without not in told:
                return told
            await asyncio.sleep(0.01)


async def test_a_server_without_nodes_says_so(tmp_path: Path, cellar: Cellar) -> None:
    async with running(settings(tmp_path), cellar) as (_, up):
        assert (await ask(up, "node.list"))["nodes"] == []
        assert (await ask(up, "status"))["nodes"]["count"] == 0
        assert (await ask(up, "node.show", node="a"))[0] == "unknown_node"
