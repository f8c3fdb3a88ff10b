"""What the server's file says of storage nodes reaches their store."""

import json
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from cargo_sync.config.server import load_server
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.world import World
from cargo_sync.server.workspace.opened import SharedParts
from cargo_sync.server.workspace.storage.on_nodes import NodeStorage
from cargo_sync.state.recovery import RecoveryRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.spool import BlobSpool
from tests.offloads import busy

DAY = 86_400.0


@pytest.mark.parametrize("recovered", [False, True])
async def test_the_times_of_the_file_are_those_of_the_store(
    tmp_path: Path, recovered: bool
) -> None:
    file = tmp_path / "server.json"
    content = {
        "state_dir": str(tmp_path / "state"),
        "workspaces": [{"name": "archive", "store": {"nodes": {"copies": 2}}, "grants": {}}],
        "nodes": {"keep_unknown": "3d", "repair_speed": "8mbps"},
    }
    file.write_text(json.dumps(content))
    file.chmod(0o600)
    (tmp_path / "state").mkdir(0o700)
    settings = load_server(str(file), {})
    now = 0.0
    world = World(lambda: now, lambda: now, lambda: 0.5, lambda: "0" * 32, busy, lambda: now)
    with SqliteDatabase.open(str(tmp_path / "state" / "state.db"), "server") as database:
        if recovered:
            RecoveryRows(database).set_key(b"s" * 32, b"v" * 32)
            RecoveryRows(database).begin_again(1)
        none = cast(Any, None)
        ages = MemoryAges(lambda: now)
        shared = SharedParts(none, none, MemoryCheckpoints(), SpaceLedger(), ages)
        given = list[World]()

        def dialer(spool: BlobSpool, own: World) -> Any:
            given.append(own)
            return none

        storage = NodeStorage(settings, database, world, shared, dialer, str(tmp_path))
        assert await storage.open(settings.workspaces) is not None
        assert await given[0].offload(threading.current_thread) is not threading.current_thread()
        with closing(storage):
            assert storage.store is not None
            cluster = storage.store.cluster
            assert (cluster.keep_unknown, cluster.rate()) == (3 * DAY, 8_000_000)
            assert cluster.deletes() is not recovered
            now = 3 * DAY - 1
            assert cluster.deletes() is not recovered
            now = 3 * DAY
            assert cluster.deletes()
