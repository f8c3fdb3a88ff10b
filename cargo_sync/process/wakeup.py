"""A bell: one task waits for it, others ring it; what was rung before is heard at once."""

import asyncio


class Bell:
    """Rung any number of times, heard once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    def hush(self) -> None:
        """What was rung so far is forgotten."""
        self._event.clear()

    async def heard(self, seconds: float | None = None) -> bool:
        """True once it was rung since the last time, False after `seconds` without; None waits for
        ever."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        finally:
            self._event.clear()
        return True
