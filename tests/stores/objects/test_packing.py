"""Which contents come together, how large parts are, and what is read at once; and the memory."""

import asyncio
from collections.abc import Callable

import pytest

from cargo_sync.state.object_contents import ContentPlace
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import Content
from cargo_sync.stores.objects.budget import PartMemory
from cargo_sync.stores.objects.packing import (
    GAP,
    LARGEST_PART,
    MOST_PARTS,
    PACK,
    PART,
    READ,
    SMALL,
    WantedBytes,
    merged,
    packs,
    part_size,
)

GIB = 1 << 30


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([1, 2, SMALL, 3], [[1, 2, 3]]),
        ([SMALL - 1] * 17, [[SMALL - 1] * 16, [SMALL - 1]]),
    ],
)
def test_packs(sizes: list[int], expected: list[list[int]]) -> None:
    contents = [Content(f"{number:064x}", size) for number, size in enumerate(sizes)]
    found = [[one.size for one in pack] for pack in packs(contents)]
    assert found == expected and all(sum(pack) <= PACK for pack in found)


@pytest.mark.parametrize(
    ("size", "part"),
    [(17 << 20, PART), (8 * GIB, 9 << 20), (60 * GIB, 62 << 20), (100 * GIB, 11 << 20)],
)
def test_parts(size: int, part: int) -> None:
    assert part_size(size) == part
    assert part % PIECE == 0 and part <= LARGEST_PART and -(-size // part) <= MOST_PARTS


def wanted(object: str, first: int, length: int) -> WantedBytes:
    place = ContentPlace("", length, first, 1, object, 1)
    return WantedBytes(0, place, 0, length)


def test_what_lies_near_each_other_is_read_at_once() -> None:
    some = [
        wanted("b", 0, 10),
        wanted("a", 100, 10),
        wanted("a", 0, 50),
        wanted("a", 110 + GAP, 5),
        wanted("a", 116 + 2 * GAP, 5),
        wanted("c", 0, READ),
        wanted("c", READ, 1),
    ]
    assert [(one.key, one.first, one.after, len(one.spans)) for one in merged(some)] == [
        ("a", 0, 115 + GAP, 3),
        ("a", 116 + 2 * GAP, 121 + 2 * GAP, 1),
        ("b", 0, 10, 1),
        ("c", 0, READ, 1),
        ("c", READ, READ + 1, 1),
    ]


async def test_memory_is_bounded_and_given_in_turn() -> None:
    memory, order = PartMemory(10, least=1), list[str]()

    async def take(name: str, size: int, until: asyncio.Event) -> None:
        async with memory.taking(size):
            order.append(name)
            await until.wait()

    first, others = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(take("first", 8, first))
        await asyncio.sleep(0)
        tasks.create_task(take("too much", 20, others))
        gone = tasks.create_task(take("gone", 1, others))
        tasks.create_task(take("last", 1, others))
        await asyncio.sleep(0)
        assert order == ["first"] and memory.taken == 8
        gone.cancel()
        first.set()
        for _ in range(3):
            await asyncio.sleep(0)
        assert order == ["first", "too much"] and memory.taken == 20
        others.set()
    assert order == ["first", "too much", "last"] and memory.taken == 0


async def test_one_lane_may_send_its_parts_however_large_they_are() -> None:
    memory = PartMemory(10, least=2)
    async with memory.taking(50), memory.taking(60):
        assert memory.taken == 110
        third = asyncio.ensure_future(_taken(memory, 1))
        await asyncio.sleep(0)
        assert memory.taken == 110, "there is no more room"
    await third
    assert memory.taken == 0


async def _taken(memory: PartMemory, size: int) -> None:
    async with memory.taking(size):
        pass


async def test_memory_is_used_again_until_nobody_has_wanted_it_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = list[Callable[[], None]]()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_later", lambda _seconds, look: looks.append(look))
    memory = PartMemory()
    async with memory.taking(20):
        first = memory.buffer(10)
        was = first.obj
        assert memory.buffer(10).obj is not was, "somebody has it"
        del first
    assert memory.buffer(10).obj is was, "another part comes soon"
    looks.pop()()
    assert memory.buffer(10).obj is was and len(looks) == 1
    looks.pop()()
    looks.pop()()
    assert not looks and memory.buffer(10).obj is not was
