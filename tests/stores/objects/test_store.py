"""The store on a bucket: what comes together, what is asked, and what happens when it is away."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import ComingFile, Content, Secured
from cargo_sync.stores.objects import forwarding, packing, storing
from cargo_sync.stores.objects.buckets import StoreBucket
from cargo_sync.stores.objects.upkeep import DAY
from tests.stores.blobs import LARGE
from tests.stores.objects.bucket import MemoryBucket
from tests.stores.objects.house import ADDRESS, ObjectHouse, object_house

AWAY = Problem(Code.BUSY, "the bucket has too much to do")
MANY = [b"%d" % number * 20 for number in range(200)]


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


@pytest.fixture
async def house(tmp_path: Path, bucket: MemoryBucket) -> AsyncIterator[ObjectHouse]:
    async with object_house(tmp_path, bucket) as one:
        yield one


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger than a MiB is sent in parts of one."""
    for module in (storing, forwarding):
        monkeypatch.setattr(module, "WHOLE", PIECE)
    monkeypatch.setattr(packing, "PART", PIECE)


async def tidied(house: ObjectHouse) -> None:
    """What is nobody's has gone."""
    await house.store._upkeep.give_up()
    await house.store._upkeep.delete(house.bucket)


async def ahead(house: ObjectHouse, contents: list[Content]) -> int:
    """Reads small contents as a lane does; how many of them came ahead."""
    woken = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wake() -> None:
        loop.call_soon_threadsafe(woken.set)

    coming = house.store.coming(1, contents, wake)
    views = [memoryview(bytearray(one.size)) for one in contents]
    done = 0
    while done < len(contents):
        count, is_coming = coming.read(contents[done:], views[done:])
        done += count
        if not count and not is_coming:
            break
        if not count:
            await asyncio.wait_for(woken.wait(), 60)
            woken.clear()
    coming.close()
    assert [bytes(view) for view in views[:done]] == MANY[:done]
    return done


async def test_small_files_come_and_go_in_packs(house: ObjectHouse, bucket: MemoryBucket) -> None:
    contents = await house.upload(MANY)
    assert (len(bucket.objects), bucket.asked["put"]) == (1, 1)
    assert await ahead(house, contents) == len(MANY)
    assert bucket.asked["read"] == 1
    assert await house.reads(contents[:2]) == MANY[:2]


async def test_small_files_that_come_one_by_one_go_together(
    house: ObjectHouse, bucket: MemoryBucket
) -> None:
    bucket.away = AWAY
    held = house.put(MANY)
    alone = [asyncio.ensure_future(house.secured([one])) for one in held]
    await house.until(lambda: bucket.asked.get("put", 0) > 0)
    bucket.away = None
    results = [(await one)[0] for one in alone]
    house.record(held, results)
    house.store.release(held)
    assert len(bucket.objects) == 2, "the first one, and all that came meanwhile"
    assert await house.reads(held[-2:]) == MANY[-2:]


async def test_what_comes_double_is_dropped(house: ObjectHouse, bucket: MemoryBucket) -> None:
    contents = await house.upload(MANY[:3])
    before = dict(bucket.objects)
    await house.upload(MANY[:3])
    await house.upload(MANY[:3], workspace=2)  # which shares nothing
    assert len(bucket.objects) == 3
    await tidied(house)
    assert len(bucket.objects) == 2 and before.items() <= bucket.objects.items()
    assert await house.reads(contents) == MANY[:3]


async def test_an_object_goes_with_the_last_of_it(house: ObjectHouse, bucket: MemoryBucket) -> None:
    contents = await house.upload([*MANY[:2], LARGE])
    house.forget(contents[1:])
    await tidied(house)
    assert len(bucket.objects) == 1
    assert await house.reads(contents[:1]) == MANY[:1]
    with pytest.raises(ProblemError) as caught:
        await house.reads(contents[1:2])
    assert caught.value.problem.code is Code.VANISHED


async def test_a_large_file_is_sent_in_parts(
    house: ObjectHouse, bucket: MemoryBucket, small_parts: None
) -> None:
    lost = ["complete", "part"]

    def fault(call: str) -> None:
        if call in lost:
            lost.remove(call)
            bucket.uploads.clear()  # as a server that forgets unfinished uploads

    bucket.fault = fault
    [content] = await house.upload([LARGE])
    assert await house.reads([content]) == [LARGE]
    assert bucket.asked["begin"] == 3 and not bucket.uploads


@pytest.mark.parametrize("lost", ["put done", "complete done"])
async def test_an_answer_that_is_lost(
    house: ObjectHouse, bucket: MemoryBucket, small_parts: None, lost: str
) -> None:
    calls = [lost]

    def fault(call: str) -> None:
        if call in calls:
            calls.remove(call)
            raise ProblemError(AWAY)

    bucket.fault = fault
    contents = await house.upload([MANY[0], LARGE])
    assert await house.reads(contents) == [MANY[0], LARGE]
    assert len(bucket.objects) == 2 and not calls


async def test_while_the_bucket_is_away_uploads_wait(
    house: ObjectHouse, bucket: MemoryBucket
) -> None:
    bucket.away = AWAY
    held = house.put(MANY[:2])
    waiting = asyncio.ensure_future(house.secured(held))
    await house.until(lambda: house.store.refusal(1) is not None)
    refusal = house.store.refusal(1)
    assert refusal is not None and refusal.code is Code.BELOW_QUORUM
    assert AWAY.message in refusal.message
    [report] = house.store.report()
    assert report.problem == AWAY and report.counts.failed["put"] > 0
    given_up = house.put(MANY[5:6])
    nobody = asyncio.ensure_future(house.secured(given_up))
    house.store.release(given_up)
    bucket.away = None
    assert isinstance((await nobody)[0], Problem)
    results = await waiting
    house.record(held, results)
    house.store.release(held)
    await house.until(lambda: house.store.refusal(1) is None)
    assert await house.reads(held[:1]) == MANY[:1]
    bucket.away = AWAY
    with pytest.raises(ProblemError) as caught:
        await house.reads(held[1:])
    assert caught.value.problem.code is Code.BUSY


async def test_nothing_damaged_leaves(house: ObjectHouse, bucket: MemoryBucket) -> None:
    contents = await house.upload([MANY[0], LARGE])
    whole = dict(bucket.objects)
    bucket.objects = {key: content[:-1] + b"?" for key, content in whole.items()}
    for one in contents:
        with pytest.raises(ProblemError) as caught:
            await house.reads([one])
        assert caught.value.problem.code is Code.DAMAGED
    bucket.objects = {key: content[:-1] for key, content in whole.items()}  # cut
    with pytest.raises(ProblemError) as caught:
        await house.reads(contents[1:])
    assert caught.value.problem.code is Code.DAMAGED
    bucket.objects.clear()
    with pytest.raises(ProblemError) as caught:
        await house.reads(contents[:1])
    assert caught.value.problem.code is Code.DAMAGED
    bucket.objects = whole
    assert await house.reads(contents) == [MANY[0], LARGE]


async def test_what_was_lost_comes_again(house: ObjectHouse, bucket: MemoryBucket) -> None:
    some = [*MANY[:2], LARGE]
    contents = await house.upload(some)
    places = house.contents.where(1, [one.hash for one in contents])
    del bucket.objects[places[contents[2].hash].key]
    [(pack, content)] = bucket.objects.items()
    bucket.objects[pack] = b"?" + content[1:]
    for one in (contents[0], contents[2]):
        with pytest.raises(ProblemError) as caught:
            await house.reads([one])
        assert caught.value.problem.code is Code.DAMAGED
    await house.upload(some)
    await tidied(house)
    assert await house.reads(contents) == some
    assert pack in bucket.objects, "the other one of it was not lost"


async def test_whose_a_bucket_is(house: ObjectHouse, bucket: MemoryBucket, tmp_path: Path) -> None:
    await house.upload(MANY[:1])
    ours = bucket.content
    for marker, at, code in (
        ("0" * 32, ADDRESS, Code.FOREIGN_FOLDER),
        (None, ADDRESS, Code.MARKER_LOST),
        (ours, "s3://another-name", None),
    ):
        bucket.content = marker
        again = StoreBucket(at, bucket)
        assert await again.open(house.objects, house.world) is (code is None)
        assert (again.problem.code if again.problem else None) == code
    assert again.id == house.bucket.id


async def test_servers_that_come_to_a_new_bucket_at_once_agree_whose_it_is(
    house: ObjectHouse, bucket: MemoryBucket
) -> None:
    at = "s3://a-new-one"
    bucket.content = None
    there, real = asyncio.Barrier(2), bucket.mark

    async def mark(marker: str) -> None:
        await there.wait()  # both have seen that there is none
        await real(marker)

    bucket.mark = mark  # type: ignore[method-assign]
    some = [StoreBucket(at, bucket) for _ in range(2)]
    assert await asyncio.gather(*(one.open(house.objects, house.world) for one in some))
    assert some[0].id == some[1].id
    assert await asyncio.gather(*(one.open(house.objects, house.world) for one in some))
    assert some[0].id == some[1].id


async def test_orphans_and_what_is_missing_are_told(
    house: ObjectHouse, bucket: MemoryBucket, small_parts: None
) -> None:
    contents = await house.upload([*MANY[:1], LARGE])
    for number, days in enumerate((0.5, 8.0, 9.0, 6.0)):
        key = f"{number:x}{number:x}" * 16
        bucket.objects[key] = b"an orphan"
        bucket.ages[key] = days * DAY
    bucket.uploads[("00" * 16, "young")] = {}
    bucket.uploads[("11" * 16, "old")] = {}
    [busy] = house.objects.begin(house.bucket.id, 1, ["22" * 15 + "23"], [100], house.now)
    bucket.uploads[("22" * 15 + "23", "goes on")] = {}
    bucket.ages["22" * 15 + "23"] = 8.0 * DAY
    await house.store._upkeep.compare(house.bucket)
    assert len(bucket.objects) == 6, "only a person says what goes"
    assert house.bucket.report().orphans == (4, 36, 9.0 * DAY, 0.5 * DAY)
    assert [upload for _, upload in bucket.uploads] == ["young", "goes on"]
    house.objects.give_up([busy])
    await house.store._upkeep.compare(house.bucket)
    assert [upload for _, upload in bucket.uploads] == ["young"]
    assert house.bucket.missing == 0
    del bucket.objects[house.contents.where(1, [contents[1].hash])[contents[1].hash].key]
    await house.store._upkeep.compare(house.bucket)
    assert house.store.report()[0].missing == 1


async def test_packs_are_written_anew(house: ObjectHouse, bucket: MemoryBucket) -> None:
    contents = await house.upload(MANY[:10])
    for number in range(10, 25):
        contents += await house.upload([MANY[number]])
    await house.store._repacking.small(house.bucket)
    await tidied(house)
    assert [len(one) for one in bucket.objects.values()] == [sum(map(len, MANY[:25]))]
    house.forget(contents[5:])
    [pack] = bucket.objects.items()
    bucket.objects[pack[0]] = pack[1][:-1] + b"?"  # of what is not in use any more
    await house.store._repacking.sparse(house.bucket)
    await tidied(house)
    assert list(bucket.objects.values()) == [b"".join(MANY[:5])]
    assert await house.reads(contents[:5]) == MANY[:5]
    house.forget(contents[2:5])
    [pack] = bucket.objects.items()
    bucket.objects[pack[0]] = b"?" + pack[1][1:]
    await house.store._repacking.sparse(house.bucket)
    await tidied(house)
    assert pack[0] in bucket.objects, "what is damaged stays where it is"
    assert await house.reads(contents[1:2]) == MANY[1:2]


class Arriving:
    """A large file that comes."""

    def __init__(self, house: ObjectHouse, place: Path) -> None:
        self.path = place / "arriving"
        self.path.write_bytes(b"")
        file = ComingFile(len(LARGE), 0, lambda: os.open(self.path, os.O_RDONLY))
        self.forward = house.store.forward(1, file)

    def come(self, content: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(content)
        self.forward.reached(self.path.stat().st_size)


@pytest.mark.parametrize("is_right", [True, False])
async def test_a_large_file_goes_on_while_it_comes(
    house: ObjectHouse, bucket: MemoryBucket, small_parts: None, tmp_path: Path, is_right: bool
) -> None:
    arriving = Arriving(house, tmp_path)
    arriving.come(LARGE[: PIECE + 5] if is_right else b"?" + LARGE[1 : PIECE + 5])
    await house.until(lambda: bucket.asked.get("part") == 1)
    arriving.come(LARGE[PIECE + 5 :])
    await house.until(lambda: bucket.asked.get("part") == 3)
    [content] = held = house.put([LARGE])
    arriving.forward.sealed(content)
    [result] = await house.secured(held)
    assert isinstance(result, Secured)
    house.record(held, [result])
    house.store.release(held)
    assert bucket.asked["part"] == (3 if is_right else 6)
    assert await house.reads([content]) == [LARGE]
    assert len(bucket.objects) == 1 and not bucket.uploads


async def test_a_large_file_that_does_not_come_leaves_nothing(
    house: ObjectHouse, bucket: MemoryBucket, small_parts: None, tmp_path: Path
) -> None:
    arriving = Arriving(house, tmp_path)
    arriving.come(LARGE[: PIECE + 5])
    await house.until(lambda: bucket.asked.get("part") == 1)
    arriving.forward.close()
    await house.until(lambda: not bucket.uploads)
    assert not bucket.objects
