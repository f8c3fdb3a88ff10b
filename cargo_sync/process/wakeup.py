"""A wakeup: one task waits for it, others set it. If it is already set, the wait ends at once."""

import asyncio


class Wakeup:
    """May be set any number of times; one wait takes all of them."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Ends the current wait, or the next one."""
        self._event.set()

    def clear(self) -> None:
        """Takes back what was set until now."""
        self._event.clear()

    async def wait(self, seconds: float | None = None) -> bool:
        """Returns True when it is set, or was since the last wait; False after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        finally:
            self._event.clear()
        return True


async def next_turn() -> None:
    """Lets everything else that is ready run first: other tasks, sockets, signals.

    A loop whose calls often have their result at once needs it, or it runs alone.
    """
    await asyncio.sleep(0)
