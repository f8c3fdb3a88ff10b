"""What is nobody's goes: when a part of it fails, takes long, or the bucket is not ours."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.objects.upkeep import DAY
from tests.stores.objects.bucket import MemoryBucket
from tests.stores.objects.house import object_house


async def test_what_could_not_be_given_up_is_given_up_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = MemoryBucket()
    async with object_house(tmp_path, bucket) as house:
        held = house.put([b"one", b"two"])
        await house.secured(held)
        house.store.release(held)

        def fail(_ids: Sequence[int]) -> None:
            raise ProblemError(Problem(Code.STORE_FAILED, "the state cannot be written"))

        await house.until(lambda: bool(house.store._uses._ended))
        with monkeypatch.context() as patch:
            patch.setattr(house.objects, "give_up", fail)
            with pytest.raises(ProblemError):
                await house.store._upkeep.give_up()
        await house.store._upkeep.give_up()
        await house.store._upkeep.delete(house.bucket)
        assert not bucket.objects


async def test_a_long_clean_up_does_not_keep_from_saying_what_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with object_house(tmp_path) as house:
        begun, said = asyncio.Event(), list[float]()

        async def endless(_bucket: object) -> None:
            begun.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(house.store._upkeep, "delete", endless)
        monkeypatch.setattr(house.objects, "renew", said.append)

        def later(holds: bool) -> bool:
            house.now += 100.0
            return holds

        await house.until(lambda: later(begun.is_set()))
        for _ in range(2):
            said.clear()
            await house.until(lambda: later(bool(said)))


async def test_nothing_is_deleted_in_a_bucket_of_others(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    async with object_house(tmp_path, bucket) as house:
        orphan = "77" * 16
        bucket.objects[orphan], bucket.ages[orphan] = b"somebody's", 1e9
        ours, bucket.content = bucket.content, "0" * 32  # another one came at the same moment
        with pytest.raises(ProblemError) as caught:
            await house.store.reclaim(1, "", delete=True)
        assert caught.value.problem.code is Code.FOREIGN_FOLDER
        assert house.bucket.problem == caught.value.problem and orphan in bucket.objects
        bucket.content = ours
        await house.until(lambda: house.bucket.problem is None)
        await house.store.reclaim(1, "", delete=True)
        assert not bucket.objects


async def test_what_comes_late_to_a_deleted_object_goes(tmp_path: Path) -> None:
    bucket = MemoryBucket()
    async with object_house(tmp_path, bucket) as house:
        house.forget(await house.upload([b"one"]))
        [(key, content)] = bucket.objects.items()
        upkeep = house.store._upkeep
        await upkeep.delete(house.bucket)
        for days, comes in ((0.5, True), (1.0, True), (0.0, False)):
            house.now += days * DAY
            if comes:
                bucket.objects[key] = content
            await upkeep.compare(house.bucket)
            assert not bucket.objects and not house.bucket.orphans.objects
        assert house.objects.known(house.bucket.id, [key]) == {}, "its row goes a day later"


async def test_what_is_missing_comes_again_although_nobody_has_read_it(tmp_path: Path) -> None:
    bucket, some = MemoryBucket(), [b"one", b"two"]
    async with object_house(tmp_path, bucket) as house:
        contents = await house.upload(some)
        bucket.objects.clear()
        await house.store._upkeep.compare(house.bucket)
        assert house.bucket.missing == 1
        await house.upload(some)
        assert await house.reads(contents) == some
        await house.store._upkeep.compare(house.bucket)
        assert house.bucket.missing == 0
