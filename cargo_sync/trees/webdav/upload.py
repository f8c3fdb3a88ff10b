"""A larger file under way to a WebDAV server: one PUT, into a file in our staging folder.

No server has a way to go on with a PUT that all others have too: one writes the part, one empties
the file, others refuse. So an upload that was cut begins anew.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace
from cargo_sync.trees.remote.staging import kept_place
from cargo_sync.trees.webdav.writing import paced

PIECE: Final = 4 * 2**20


class WebDavUpload:
    """An upload into the staged file `place`. See `RemoteUpload`.

    Args:
        place: of the staged file.
        file: what it is to be.
        putting: sends all of the content to the staged file.
        publishing: gives the staged file its place.
        removing: removes the staged file, if it is there.
    """

    piece = PIECE
    at_once = 1
    asks = True

    def __init__(
        self,
        place: str,
        file: NewFile,
        putting: Callable[[str, NewFile, AsyncIterator[memoryview]], Awaitable[None]],
        publishing: Callable[[str, NewFile, Entry | None], Awaitable[Entry]],
        removing: Callable[[str], Awaitable[None]],
    ) -> None:
        self._place = place
        self._file = file
        self._putting = putting
        self._publishing = publishing
        self._removing = removing
        self._handed_over: asyncio.Queue[tuple[memoryview, Pace]] = asyncio.Queue()
        self._taken: asyncio.Queue[None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._sent = 0

    @property
    def done(self) -> Sequence[tuple[int, int]]:
        return [(0, self._sent)] if self._sent else []

    async def holds(self, offset: int, content: memoryview) -> bool:
        return False  # nothing is there from before

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        if offset != self._sent:
            # What was handed over cannot be taken back.
            raise ProblemError(Problem(Code.CUT, "the upload must begin anew", self._file.path))
        self._sent += len(content)
        request = self._begun()
        self._handed_over.put_nowait((content, pace))
        taken = asyncio.ensure_future(self._taken.get())
        try:
            await asyncio.wait({taken, request}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            taken.cancel()
        if request.done():
            request.result()
        if self._sent == self._file.size:
            await asyncio.shield(request)

    def kept(self) -> Kept:
        return kept_place(self._place)

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        await asyncio.shield(self._begun())
        return await self._publishing(self._place, file, replaced)

    async def leave(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def abort(self) -> None:
        await self.leave()
        await self._removing(self._place)

    def _begun(self) -> asyncio.Task[None]:
        """The request; it is under way."""
        if self._task is None:
            work = self._putting(self._place, self._file, self._steps())
            self._task = asyncio.ensure_future(work)
        return self._task

    async def _steps(self) -> AsyncIterator[memoryview]:
        left = self._file.size
        while left > 0:
            content, pace = await self._handed_over.get()
            async for step in paced(content, pace):
                yield step
            left -= len(content)
            self._taken.put_nowait(None)
