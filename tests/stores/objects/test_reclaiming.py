"""What a bucket has of a newer state than the server's."""

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.objects import reclaiming
from cargo_sync.stores.objects.upkeep import DAY, KEPT
from tests.remotes.remotes import Remotes
from tests.remotes.servers import wanted
from tests.stores.objects.bucket import MemoryBucket
from tests.stores.objects.house import bucket_on, object_house

OLD = [b"both states know this"]
UNDER_WAY = [b"the newer one recorded this after the backup"]
NEW = [b"only the newer one", b"knows", b"these"]


async def test_what_a_newer_state_has_stored_stays_until_a_person_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state is restored, and later on the newer one is taken again; then it is given up."""
    bucket = MemoryBucket()
    async with object_house(tmp_path / "newer", bucket, kept=KEPT) as newer:
        old = await newer.upload(OLD)
        under_way = newer.put(UNDER_WAY)
        stored = await newer.secured(under_way)
        with (
            closing(sqlite3.connect(tmp_path / "restored.db")) as copy,
            closing(sqlite3.connect(newer.database.path)) as state,
        ):
            state.backup(copy)
        newer.record(under_way, stored)
        newer.store.release(under_way)
        new = [(await newer.upload([one]))[0] for one in NEW]
        with ExitStack() as last:
            database = last.enter_context(
                SqliteDatabase.open(str(tmp_path / "restored.db"), "server")
            )
            async with object_house(tmp_path / "older", bucket, database, KEPT) as older:
                older.now += KEPT
                upkeep = older.store._upkeep
                await upkeep.give_up_stale()
                older.now += KEPT - DAY
                bucket.ages = dict.fromkeys(bucket.objects, 30 * DAY)
                bucket.ages[[*bucket.objects][-1]] = 0.5 * DAY
                await upkeep.delete(older.bucket)
                await upkeep.compare(older.bucket)
                assert older.bucket.orphans.objects == len(NEW)
                contents = [*old, *under_way, *new]
                assert await newer.reads(contents) == [*OLD, *UNDER_WAY, *NEW]

                look = await older.store.reclaim(1, "", delete=False)
                size = len(NEW[0]) + len(NEW[1])
                assert look.orphans == (2, size, 30 * DAY, 30 * DAY)
                assert (look.young, look.after) == (1, "")
                assert len(bucket.objects) == 5

                monkeypatch.setattr(reclaiming, "AT_ONCE", 0.0)  # each page is a part
                after, deleted, parts = "", 0, 0
                while after or not parts:
                    part = await older.store.reclaim(1, after, delete=True)
                    after, deleted, parts = part.after, deleted + part.orphans.objects, parts + 1
                assert (deleted, parts) == (2, 3)
                assert older.bucket.orphans.objects == 0
                assert len(bucket.objects) == 3 and await older.reads(old) == OLD


@pytest.mark.parametrize("name", wanted("rclone-s3", "swift", "ceph"))
async def test_real_servers_go_on_behind_a_key(
    name: str, remotes: Remotes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = bucket_on(remotes.get(name))
    async with object_house(tmp_path, bucket) as house:
        keys = [f"{number}" * 32 for number in (3, 5, 7)]
        for key in keys:
            sent = bucket.new_sum()
            sent.update(key.encode())
            await bucket.put(key, key.encode(), sent)
        found = [[one.key for one in page] async for page in bucket.pages(keys[0])]
        assert found == [keys[1:]]
        monkeypatch.setattr(reclaiming, "YOUNG", -1e9)  # clocks may differ
        part = await house.store.reclaim(1, keys[0], delete=True)
        assert part.orphans[:2] == (2, 64)
        assert (await house.store.reclaim(1, "", delete=False)).orphans.objects == 1
        assert await bucket.size(keys[0]) == 32 and await bucket.size(keys[1]) is None
