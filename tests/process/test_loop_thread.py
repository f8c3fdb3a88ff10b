import asyncio
import threading

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
