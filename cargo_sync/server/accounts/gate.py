"""How many logins are checked at the same time: argon2 needs memory and a core for each."""

import asyncio
from types import TracebackType
from typing import Self

from cargo_sync.model.problems import Code, LaterError, Problem


class LoginGate:
    """Lets `at_once` logins in and `waiting` more wait; later ones are asked to try again."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._inside = asyncio.Semaphore(at_once)
        self._room = at_once + waiting

    async def __aenter__(self) -> Self:
        if self._room <= 0:
            raise LaterError(Problem(Code.BUSY, "too many logins at the same time"), 2)
        self._room -= 1
        try:
            await self._inside.acquire()
        except BaseException:
            self._room += 1
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._room += 1
        self._inside.release()
