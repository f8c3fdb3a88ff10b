"""A wakeup: one task waits for it, others set it. What was set before the wait ends it at once."""

import asyncio


class Wakeup:
    """Set any number of times; one wait ends for all of them."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Ends the wait that goes on now, or the next one."""
        self._event.set()

    def clear(self) -> None:
        """Forgets what was set so far."""
        self._event.clear()

    async def wait(self, seconds: float | None = None) -> bool:
        """True once it was set since the last wait, False after `seconds`; None waits forever."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        finally:
            self._event.clear()
        return True
