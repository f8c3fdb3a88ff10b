"""Room for content in memory: in the order of asking, and none is lost."""

import asyncio

from cargo_sync.trees.remote.transfer.memory import ContentRoom


async def test_who_asked_first_gets_room_first_and_who_gives_up_leaves_none_taken() -> None:
    room, got = ContentRoom(10), list[int]()

    async def ask(count: int) -> None:
        await room.take(count)
        got.append(count)

    await room.take(6)
    tasks = [asyncio.create_task(ask(count)) for count in (5, 8, 1, 99)]
    await asyncio.sleep(0)
    assert got == [], "the small one does not overtake"
    tasks[1].cancel()
    room.give(6)
    for _ in range(3):
        await asyncio.sleep(0)
    assert got == [5, 1]
    room.give(5)
    room.give(1)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert got == [5, 1, 99], "what is larger than all of it gets all of it"
    waiting = asyncio.create_task(ask(7))
    await asyncio.sleep(0)
    room.give(99)
    waiting.cancel()  # it has its room, and does not know it yet
    await asyncio.wait({waiting})
    await asyncio.wait_for(room.take(10), 1)
