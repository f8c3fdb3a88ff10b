"""Small contents that come while a pack is on its way go together in the next one.

So the packs are the larger the more comes, and what comes alone waits for nothing but the pack
before it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from cargo_sync.model.problems import Code, Problem
from cargo_sync.stores.contract import Content, Secured

Came = Callable[[Content, Secured | Problem], None]
"""Told where a content lies, or why it does not."""
Write = Callable[[Sequence[Content], Came], Awaitable[None]]
"""Writes contents, each of them once, into as few objects as it can."""
_FAILED: Final = Problem(Code.INTERNAL, "the server failed while it sent this file to its bucket")


class SmallGathering:
    """Those of one workspace. One event loop uses it."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[Content, Came]] = []

    async def add(self, contents: Sequence[Content], came: Came) -> None:
        """Writes these, perhaps together with others; `came` is told once of each."""
        left = len(contents)
        over = asyncio.Event()

        def told(content: Content, where: Secured | Problem) -> None:
            nonlocal left
            came(content, where)
            left -= 1
            if not left:
                over.set()

        self._waiting += [(content, told) for content in contents]
        async with self._turn:
            if self._waiting:
                some, self._waiting = self._waiting, []
                await self._all(some)
        await over.wait()

    async def _all(self, some: Sequence[tuple[Content, Came]]) -> None:
        whose: dict[Content, list[Came]] = {}
        for content, came in some:
            whose.setdefault(content, []).append(came)

        def told(content: Content, where: Secured | Problem) -> None:
            for came in whose.pop(content, ()):
                came(content, where)

        try:
            await self._write(list(whose), told)
        finally:
            for content in list(whose):
                told(content, _FAILED)
