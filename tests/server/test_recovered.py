"""A whole server whose machine is lost: a new one takes its place, from what is on its nodes."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cargo_sync.api.addresses import keys_dir
from cargo_sync.api.recovery_key import RecoveryKey
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.server import Up
from cargo_sync.stores.snapshots.asking import OfferedSnapshot
from cargo_sync.stores.snapshots.restoring import NewMachine, Restoring
from cargo_sync.stores.snapshots.shelf import SnapshotShelf
from tests.server.admin import ask
from tests.server.test_on_nodes import (
    CONTENT,
    PATIENCE,
    Cellar,
    cellar,
    get,
    pair,
    put,
    quick,
    running,
    settings,
)
from tests.stores.blobs import content_of

__all__ = ["cellar", "quick"]

KEY = RecoveryKey(b"k" * 16)
LATER = b"later" * 1000


class ShelfNode:
    """A node of this process, asked as by a machine that has only the key. See `AskedNode`."""

    def __init__(self, name: str, shelf: SnapshotShelf) -> None:
        self.name = name
        self._shelf = shelf

    def snapshots(self) -> list[OfferedSnapshot]:
        return [OfferedSnapshot(one.snapshot, one.size) for one in self._shelf.all(KEY.verifier)]

    def open(self, one: OfferedSnapshot) -> Any:
        found = self._shelf.find(one.snapshot.number, KEY.verifier)
        return open(self._shelf.open(found), "rb")


class AbsentNode(ShelfNode):
    def snapshots(self) -> list[OfferedSnapshot]:
        raise ProblemError(Problem(Code.UNREACHABLE, "it is away"))


async def changes(client: aiohttp.ClientSession) -> Any:
    async with client.get("/v1/workspaces/two/changes?since=0&limit=100") as answer:
        return await answer.json()


async def covered(up: Up) -> None:
    """Waits until the state is in a snapshot."""
    async with asyncio.timeout(PATIENCE):
        while (await ask(up, "node.recovery"))["made"] is None:
            await asyncio.sleep(0.01)


async def give_key(up: Up) -> None:
    verifier = KEY.verifier.hex()
    given = await ask(up, "node.recovery_key", sealing=KEY.sealing.hex(), verifier=verifier)
    assert given == {}


@pytest.mark.sqlite
async def test_a_lost_server_comes_back_and_clients_can_tell(
    tmp_path: Path,
    cellar: Cellar,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nothing"))
    (tmp_path / "state").mkdir(0o700)
    pair(tmp_path)
    file = settings(tmp_path, two={"nodes": {"copies": 2}})
    async with running(file, cellar) as (client, up):
        await put(client, "/v1/files/two/a", CONTENT)
        assert (await ask(up, "node.recovery"))["has_key"] is False
        assert (await ask(up, "node.recovery_key", sealing="x", verifier="y"))[0] == "bad_argument"
        await give_key(up)
        await covered(up)
        monkeypatch.setattr(
            "cargo_sync.stores.snapshots.keeping.Snapshots.last", lambda _: asyncio.sleep(0)
        )
        await put(client, "/v1/files/two/later", LATER)
        seen = await changes(client)
    kept = file.read_text()
    file.unlink()
    shutil.rmtree(tmp_path / "state")

    here = NewMachine(str(file), str(tmp_path / "nothing"), keys_dir(os.environ, "server"))
    nodes = [ShelfNode(name, SnapshotShelf(one)) for name, one in cellar.folders.items()]
    dial = lambda host, port, pin: AbsentNode(f"{host}:{port}", nodes[0]._shelf)  # noqa: E731
    found = await asyncio.to_thread(Restoring(KEY, here, dial), nodes)
    assert found.state_dir == str(tmp_path / "state")
    assert file.read_text() == kept

    async with running(file, cellar) as (client, up):
        assert await get(client, "/v1/files/two/a") == CONTENT
        async with client.get("/v1/files/two/later") as answer:
            assert answer.status == 404
        now = await changes(client)
        # A client that has seen what is not there any more can tell.
        assert now["sequence"] < seen["sequence"]
        await put(client, "/v1/files/two/other", b"another change")
        now = await changes(client)
        assert (now["sequence"], now["epoch"]) == (seen["sequence"], seen["epoch"])
        assert now["lineage"] != seen["lineage"]
        # What the old state did not know is still there, and serves again.
        assert cellar.copies(content_of(LATER)) == 2
        await put(client, "/v1/files/two/later", LATER)
        assert await get(client, "/v1/files/two/later") == LATER
        assert (await ask(up, "node.recovery"))["has_key"] is True
        await covered(up)
        newest = SnapshotShelf(cellar.folders["a"]).all()[0].snapshot.number
        assert newest > 1 << 32
    secrets = (str(KEY), KEY.sealing.hex(), repr(KEY.sealing))
    assert not [line for line in caplog.messages for one in secrets if one in line]
