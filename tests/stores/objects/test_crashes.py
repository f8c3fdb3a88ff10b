"""What a kill leaves, at each point of an upload and of the clean-up: nothing is lost, or stays."""

import hashlib
import shutil
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from cargo_sync.state.object_contents import ObjectContents
from cargo_sync.state.objects import GONE, LIVE, Objects
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.objects import packing, storing
from cargo_sync.stores.objects.buckets import StoreBucket
from cargo_sync.stores.objects.upkeep import KEPT, Upkeep
from cargo_sync.stores.objects.uses import ObjectUses
from tests.state.crash import INDEX
from tests.stores.blobs import LARGE, content_of
from tests.stores.objects.bucket import MemoryBucket
from tests.stores.objects.house import ADDRESS, ObjectHouse, object_house

SMALL = [b"one", b"two", b"three"]
DAYS = 30 * 86_400.0


class Images:
    """What is durable at each point at which the server may die: the state, and the bucket.

    on        whether it may die now
    recorded  what clients were told then that it is kept, and nobody has deleted since
    """

    def __init__(self, state: Path, place: Path, bucket: MemoryBucket) -> None:
        self.kept: dict[str, tuple[Path, MemoryBucket, frozenset[bytes]]] = {}
        self.on = False
        self.points = 0
        self.recorded = frozenset[bytes]()
        self._state = state
        self._place = place
        self._bucket = bucket
        self._lock = threading.Lock()

    def __call__(self, point: str) -> None:
        if not self.on:
            return
        with self._lock:
            self.points += 1
            found = hashlib.blake2b(repr(self.recorded).encode())
            for path in sorted(self._state.iterdir()):
                if not path.name.endswith(INDEX):
                    found.update(path.read_bytes())
            parts = {key: sorted(some) for key, some in self._bucket.uploads.items()}
            found.update(repr((sorted(self._bucket.objects), parts)).encode())
            digest = found.hexdigest()[:32]
            if digest in self.kept:
                return
            copy = MemoryBucket()
            copy.content = self._bucket.content
            copy.objects = dict(self._bucket.objects)
            copy.uploads = {key: dict(parts) for key, parts in self._bucket.uploads.items()}
            shutil.copytree(self._state, self._place / digest)
            self.kept[digest] = self._place / digest, copy, self.recorded


def readable(
    contents: ObjectContents, bucket: MemoryBucket, some: Sequence[bytes] | frozenset[bytes]
) -> bool:
    """Whether a reader would find all of these."""
    for one in some:
        hash = content_of(one).hash
        place = contents.where(1, [hash])[hash]
        if bucket.objects[place.key][place.start : place.start + place.size] != one:
            return False
    return True


async def story(house: ObjectHouse, images: Images) -> None:
    """Uploads, deletes, uploads again, and tidies up."""
    contents = await house.upload([*SMALL, LARGE])
    images.recorded = frozenset([*SMALL, LARGE])
    await house.upload([*SMALL[:2], b"more"])
    images.recorded = frozenset([*SMALL, LARGE, b"more"])
    images.recorded = frozenset([SMALL[0], b"more"])
    house.forget(contents[1:])
    await house.store._repacking.sparse(house.bucket)
    await house.store._upkeep.give_up()
    await house.store._upkeep.delete(house.bucket)


async def test_a_kill_at_any_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storing, "WHOLE", PIECE)
    monkeypatch.setattr(packing, "PART", PIECE)
    bucket, state = MemoryBucket(), tmp_path / "state"
    images = Images(state, tmp_path / "images", bucket)
    bucket.fault = images
    async with AsyncExitStack() as last:
        database = last.enter_context(
            SqliteDatabase.open(str(state / "state.db"), "server", images)
        )
        house = await last.enter_async_context(object_house(tmp_path / "first", bucket, database))
        images.on = True
        await story(house, images)
        images.on = False
        assert images.points > 40 and len(images.kept) > 12
        for place, left, recorded in images.kept.values():
            await judge(house, place, left, recorded)


async def judge(
    house: ObjectHouse, place: Path, bucket: MemoryBucket, recorded: frozenset[bytes]
) -> None:
    """After a kill: what was recorded is there, and soon there is nothing else."""
    with SqliteDatabase.open(str(place / "state.db"), "server") as database:
        objects, contents = (
            Objects(database, "another start"),
            ObjectContents(database, lambda: 0.0),
        )
        storage = replace(house.store._storage, objects=objects, contents=contents)
        upkeep = Upkeep(storage, ObjectUses(house.claims.is_held), 0.0)
        assert readable(contents, bucket, recorded)
        again = StoreBucket(ADDRESS, bucket)
        assert await again.open(objects, house.world)
        assert objects.known(again.id, list(bucket.objects)).keys() == set(bucket.objects)
        house.now += DAYS
        bucket.ages = dict.fromkeys(bucket.objects, DAYS)
        bucket.ages |= dict.fromkeys((key for key, _ in bucket.uploads), DAYS)
        await upkeep.give_up_stale()
        await upkeep.delete(again)
        await upkeep.compare(again)
        assert again.missing == 0 and not bucket.uploads
        assert readable(contents, bucket, recorded)
        with database.read() as connection:
            rows = connection.execute("SELECT key, state FROM bucket_object").fetchall()
        assert {key.hex() for key, state in rows if state != GONE} == set(bucket.objects)
        assert {state for _, state in rows} <= {LIVE, GONE}
        assert not again.orphans.objects


async def test_a_state_of_two_weeks_ago_finds_all_that_it_names(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    async with object_house(tmp_path / "house", bucket, kept=KEPT) as house:
        contents = await house.upload([*SMALL, LARGE])
        with (
            closing(sqlite3.connect(tmp_path / "old.db")) as copy,
            closing(sqlite3.connect(house.database.path)) as state,
        ):
            state.backup(copy)
        house.forget(contents[1:])
        await house.store._repacking.sparse(house.bucket)
        house.now += KEPT - 1
        await house.store._upkeep.delete(house.bucket)
        with SqliteDatabase.open(str(tmp_path / "old.db"), "server") as old:
            assert readable(ObjectContents(old, lambda: 0.0), bucket, [*SMALL, LARGE])
        house.now += 2
        await house.store._upkeep.delete(house.bucket)
        assert [len(one) for one in bucket.objects.values()] == [len(SMALL[0])]
