"""Calls in threads that the end of the process does not wait for.

Python joins the threads of its own pools when it ends; a call to a daemon that hangs would hold up
the end for half a minute.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class CallThreads:
    """Runs calls in threads, at most so many at the same time; more wait."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._room = asyncio.Semaphore(most)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` gives or raises. If this is cancelled, it goes on, and keeps its place."""
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def ended(result: T | None, error: BaseException | None) -> None:
            self._room.release()
            if done.cancelled():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]  # T may itself be None

        def run() -> None:
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:
                error = raised
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(ended, result, error)

        threading.Thread(target=run, name=self._name, daemon=True).start()
        return await done
