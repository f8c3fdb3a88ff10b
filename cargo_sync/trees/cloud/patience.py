"""How long a call may take that carries a content.

OpenDAL counts the seconds from the beginning of a request to its answer, and does not say how much
of its content has gone. So a slow line would be given up although everything moves on it. Here a
call has time for its own bytes, and for those of the calls that share the line with it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

ANSWER: Final = 60.0
"""Seconds for an answer."""
LINE: Final = 32 * 2**10
"""Bytes per second that a line carries at least."""
BESIDE: Final = 128 * 2**20
"""Bytes of other calls that count at most: a dead connection beside others is given up, too."""
COPIED: Final = 4 * 2**20
"""Bytes per second that a service copies at least."""


@dataclass(slots=True, eq=False)
class _Call:
    timeout: asyncio.Timeout
    began: float
    own: int
    beside: int

    @property
    def ends(self) -> float:
        return self.began + ANSWER + (self.own + min(self.beside, BESIDE)) / LINE


class SharedLine:
    """The line to one service, and the calls that send content over it."""

    def __init__(self) -> None:
        self._calls: set[_Call] = set()

    @asynccontextmanager
    async def sending(self, count: int) -> AsyncIterator[None]:
        """A context in which so many bytes are sent.

        Raises:
            TimeoutError: on the slowest line they would be there by now, and answered.
        """
        now = asyncio.get_running_loop().time()
        call = _Call(asyncio.timeout(None), now, count, sum(one.own for one in self._calls))
        async with call.timeout:
            for other in self._calls:
                other.beside += count
                other.timeout.reschedule(other.ends)
            call.timeout.reschedule(call.ends)
            self._calls.add(call)
            try:
                yield
            finally:
                self._calls.discard(call)


def copying(count: int) -> asyncio.Timeout:
    """A context in which a service copies so many bytes. Raises TimeoutError."""
    return asyncio.timeout(ANSWER + count / COPIED)
