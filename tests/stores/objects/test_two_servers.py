"""Two servers on one state, with workspaces in one bucket."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.stores.blobs import LARGE
from tests.stores.objects.bucket import MemoryBucket
from tests.stores.objects.house import ObjectHouse, object_house

SOME = [b"%d of them" % number for number in range(20)]


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[ObjectHouse]]:
    bucket = MemoryBucket()
    async with AsyncExitStack() as last:
        state = last.enter_context(SqliteDatabase.open(str(tmp_path / "state.db"), "server"))
        yield [
            await last.enter_async_context(object_house(tmp_path / name, bucket, state))
            for name in ("a", "b")
        ]


async def test_both_have_the_same_bucket_and_contents(servers: list[ObjectHouse]) -> None:
    a, b = servers
    assert a.bucket.id == b.bucket.id
    contents = await a.upload([*SOME, LARGE])
    assert await b.reads(contents) == [*SOME, LARGE]
    assert await b.upload(SOME[:2]) == contents[:2]  # dropped: the workspace has them
    a.forget(contents[:1])
    assert await a.upload(SOME[:1]) == contents[:1]  # it comes again, elsewhere
    assert await b.reads(contents) == [*SOME, LARGE]


async def test_what_the_other_one_writes_is_not_stale(servers: list[ObjectHouse]) -> None:
    a, b = servers
    held = a.put(SOME)
    results = await a.secured(held)
    for house in servers:
        house.now += 80_000.0
    await a.store._upkeep.give_up_stale()  # as each server does, hourly
    for house in servers:
        house.now += 80_000.0
    await b.store._upkeep.give_up_stale()
    await b.store._upkeep.delete(b.bucket)
    a.record(held, results)
    a.store.release(held)
    assert await b.reads(held) == SOME


async def test_one_reads_what_the_other_one_writes_anew(servers: list[ObjectHouse]) -> None:
    a, b = servers
    contents = await a.upload(SOME)
    assert await b.reads(contents[:1]) == SOME[:1]
    a.forget(contents[5:])
    for house in servers:  # both do it, each for itself
        await house.store._repacking.sparse(house.bucket)
    for house in servers:
        await house.store._upkeep.give_up()
        await house.store._upkeep.delete(house.bucket)
    calls = a.calls
    assert isinstance(calls, MemoryBucket) and len(calls.objects) == 1
    assert await b.reads(contents[:5]) == SOME[:5]
