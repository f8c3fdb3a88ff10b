"""A few control connections, opened when they are needed, and again after a cut.

A server serves one command at a time on each, and many allow each user only a few.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.ftp.line import FtpLine
from cargo_sync.trees.ftp.login import FtpLogin
from cargo_sync.trees.ftp.opening import open_line

MOST: Final = 4
_FRESH_SECONDS: Final = 5.0
"""A line that nobody has used for longer is asked whether it is still there."""


class FtpPool:
    """Control connections to one server as one user."""

    def __init__(self, login: FtpLogin, world: World) -> None:
        self.login = login
        self._world = world
        self._idle: list[FtpLine] = []
        self._free = asyncio.Condition()
        self._count = 0
        self._most = MOST

    async def take(self) -> FtpLine:
        """A line that works; others wait until it is given back.

        Raises:
            ProblemError: the server cannot be reached, or refuses the login.
        """
        while True:
            async with self._free:
                await self._free.wait_for(lambda: self._count < self._most)
                self._count += 1
            try:
                return await self._usable() or await open_line(self.login)
            except BaseException as error:
                await self._leave()
                if not self._is_full(error):
                    raise

    async def give_back(self, line: FtpLine) -> None:
        """A line is free again; one that is broken is closed."""
        if line.broken:
            line.close()
        else:
            line.idle = self._world.steady()
            self._idle.append(line)
        await self._leave()

    @asynccontextmanager
    async def line(self) -> AsyncIterator[FtpLine]:
        """A line for a block; see `take`."""
        line = await self.take()
        try:
            yield line
        except asyncio.CancelledError:
            line.broken = True
            raise
        finally:
            await asyncio.shield(self.give_back(line))

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def _leave(self) -> None:
        async with self._free:
            self._count -= 1
            self._free.notify()

    async def _usable(self) -> FtpLine | None:
        while self._idle:
            line = self._idle.pop()
            if self._world.steady() - line.idle <= _FRESH_SECONDS:
                return line
            try:
                if (await line.ask("NOOP")).is_good:
                    return line
            except ProblemError:
                pass
            line.close()
        return None

    def _is_full(self, error: BaseException) -> bool:
        """Whether the server allows no more lines than there are: from now on that many."""
        is_busy = isinstance(error, ProblemError) and error.problem.code is Code.BUSY
        if not is_busy or self._count < 1:
            return False
        self._most = min(self._most, self._count)
        return True
