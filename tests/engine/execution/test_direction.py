"""A direction that is stopped: what has moved by then is recorded."""

import asyncio
from pathlib import Path

import pytest

from cargo_sync.engine.commit import Commit
from cargo_sync.model.checkpoints import RESUMABLE
from cargo_sync.model.jobs import Mode
from cargo_sync.trees.contract import Brought
from tests.engine.test_remote_runs import RemoteSystem


@pytest.mark.parametrize("kind", ["bucket", "shell"])
async def test_a_stop_while_a_batch_is_recorded_loses_no_receipt(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = RemoteSystem(tmp_path, kind, Mode.UPLOAD, guard=None)
    system.near.write("small", b"1", 10**9)
    for name in ("large", "larger"):
        system.near.write(name, bytes(RESUMABLE), 10**9)
    brought, begun, go_on = Commit.brought, asyncio.Event(), asyncio.Event()

    async def slow(commit: Commit, batch: Brought) -> None:
        begun.set()
        await go_on.wait()
        await brought(commit, batch)

    monkeypatch.setattr(Commit, "brought", slow)
    running = asyncio.create_task(system.look())
    await begun.wait()
    while len(system.server.files()) < 3:
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert running.cancelled()
    assert sorted(system.said()) == ["uploaded large", "uploaded larger", "uploaded small"]
    assert system.remote.open_tasks() == []
    system.database.close()


async def test_a_record_that_fails_after_a_stop_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = RemoteSystem(tmp_path, "bucket", Mode.UPLOAD, guard=None)
    system.near.write("small", b"1", 10**9)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def broken(commit: Commit, batch: Brought) -> None:
        begun.set()
        await go_on.wait()
        raise RuntimeError("the state cannot be written")

    monkeypatch.setattr(Commit, "brought", broken)
    running = asyncio.create_task(system.look())
    await begun.wait()
    running.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    system.database.close()
