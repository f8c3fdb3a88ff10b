import asyncio
import gc
import threading
from collections.abc import AsyncIterator

import pytest

from cargo_sync.process.loop_thread import LoopThread


async def test_work_runs_there_until_it_is_ended() -> None:
    thread = LoopThread("a test")
    try:
        there = await thread.call(threading.get_ident)
        assert there not in (0, threading.get_ident())
        begun, said = threading.Event(), list[str]()

        async def work() -> None:
            try:
                begun.set()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)  # what it closes may take a while
                said.append("ended")

        end = thread.start(work())
        assert begun.wait(60)
        await asyncio.to_thread(end)
        assert said == ["ended"]
        end()  # once more is no harm
    finally:
        thread.close()


async def test_the_end_of_the_loop_ends_what_still_runs(recwarn: pytest.WarningsRecorder) -> None:
    gc.collect()  # what tests before this one have left
    recwarn.clear()
    thread, begun, said = LoopThread("a test"), threading.Event(), list[str]()

    async def pages() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            said.append("the pages are closed")

    async def work() -> None:
        try:
            async for _ in pages():
                begun.set()
                await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            said.append("ended")

    end = thread.start(work())
    assert begun.wait(60)
    await asyncio.to_thread(thread.close)
    assert sorted(said) == ["ended", "the pages are closed"]
    end()  # it does not wait for what has ended
    gc.collect()
    assert not recwarn.list
