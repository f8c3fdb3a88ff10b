"""Packs are written anew: what is damaged among them, and the memory."""

from pathlib import Path

from cargo_sync.state.objects import ObjectRow
from tests.stores.objects.house import ObjectHouse, object_house

MANY = [b"%d" % number * 200 for number in range(40)]


async def sparse_pack(house: ObjectHouse, contents: list[bytes]) -> ObjectRow:
    """A pack of which every eighth content is in use."""
    before = {row.id for row in house.objects.sparse(house.bucket.id, 0, 10)}
    found = await house.upload(contents)
    house.forget([one for number, one in enumerate(found) if number % 8])
    [row] = [row for row in house.objects.sparse(house.bucket.id, 0, 10) if row.id not in before]
    return row


async def test_one_that_is_lost_holds_up_no_other(tmp_path: Path) -> None:
    async with object_house(tmp_path) as house:
        lost, other = [await sparse_pack(house, some) for some in (MANY[:16], MANY[16:])]
        await house.calls.delete([lost.key])
        await house.store._repacking.sparse(house.bucket)
        assert [row.id for row in house.objects.sparse(house.bucket.id, 0, 10)] == [lost.id]
        assert other.id in [row.id for row in house.objects.doomed(house.bucket.id, 1e9, 0, 10)]


async def test_what_lies_between_is_not_kept_in_memory(tmp_path: Path) -> None:
    async with object_house(tmp_path) as house:
        row = await sparse_pack(house, MANY)
        kept = await house.store._repacking._read(house.bucket, 1, row)
        owned = [one.content for one in kept if type(one.content) is bytes]  # no views of more
        assert sum(map(len, owned)) == row.used
