"""What the server's file says of buckets reaches their store."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from cargo_sync.config.bucket import BucketSettings
from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.config.secret import Secret
from cargo_sync.config.server import WorkspaceSettings
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.world import World
from cargo_sync.server.workspace.opened import SharedParts
from cargo_sync.server.workspace.storage.in_buckets import ObjectStorage
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.offloads import busy
from tests.stores.objects.bucket import MemoryBucket


async def test_another_key_counts_from_the_next_reload(tmp_path: Path) -> None:
    world = World(lambda: 0.0, lambda: 0.0, lambda: 0.5, lambda: "0" * 32, busy, lambda: 0.0)
    made = list[tuple[str, MemoryBucket]]()

    def connect(settings: BucketSettings, _world: World) -> MemoryBucket:
        made.append((settings.password.reveal(), MemoryBucket()))
        return made[-1][1]

    address = RemoteAddress.parse("s3+https://store.example/bucket/cargo")
    first = BucketSettings(address, "AKIA", Secret("old"))
    space = WorkspaceSettings("archive", "bucket:archive", {}, bucket=first)
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        shared = SharedParts(
            cast(Any, None),
            cast(Any, None),
            MemoryCheckpoints(),
            SpaceLedger(),
            MemoryAges(lambda: 0.0),
        )
        storage = ObjectStorage(str(tmp_path), database, world, shared, connect)
        with closing(storage):
            assert await storage.open([space]) is not None
            for secret in ("old", "old", "new"):
                changed = replace(first, password=Secret(secret))
                storage.serve([replace(space, bucket=changed)], {space.path: 1}.get)
            assert [secret for secret, _ in made] == ["old", "new"]
            assert storage.store is not None
            calls = storage.store.buckets.of(1).calls
            old, new = (bucket for _, bucket in made)
            before = old.asked.get("size", 0)
            await calls.size("ab" * 16)
            assert new.asked["size"] == 1 and old.asked.get("size", 0) == before
            await storage.rest()
