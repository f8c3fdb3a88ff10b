"""An event loop in a thread of its own: work that moves many bytes holds up no other loop."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from cargo_sync.process.event_loop import new_loop

PATIENCE: Final = 10.0
"""Seconds that the work has to end."""

T = TypeVar("T")


class LoopThread:
    """One of these, until `close`. Any thread may use it."""

    def __init__(self, name: str) -> None:
        self._loop = new_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def call(self, make: Callable[[], T]) -> T:
        """What `make` returns, called there."""

        async def made() -> T:
            return make()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(made(), self._loop))

    async def result(self, work: Coroutine[Any, Any, T]) -> T:
        """What some work comes to, which is done there. If the caller is cancelled, it is, too."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def start(self, work: Coroutine[Any, Any, object]) -> Callable[[], None]:
        """Work begins there; what is returned ends it, and waits for that. It blocks."""
        ended = threading.Event()

        async def whole() -> None:
            try:
                await work
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(whole(), self._loop)

        def end() -> None:
            if not future.done():
                future.cancel()
                ended.wait(PATIENCE)

        return end

    def close(self) -> None:
        """Ends the loop, and what still runs there. It blocks."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(_ended())
        finally:
            self._loop.close()


async def _ended() -> None:
    """Cancels what still runs, so that it lets go what it has while the loop is there."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=PATIENCE)
    await asyncio.get_running_loop().shutdown_asyncgens()
