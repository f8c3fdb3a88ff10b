"""A larger file under way to a service, in one go: OpenDAL cannot go on with one that was cut.

A service that takes a file in one request only gets it from memory, so it takes no large ones.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cloud.calls import PIECE, CloudCalls
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace
from cargo_sync.trees.remote.staging import kept_place

if TYPE_CHECKING:
    from opendal.file import AsyncFile

STEP: Final = 256 * 2**10
LARGEST_AT_ONCE: Final = 64 * 2**20
"""Bytes of a file that is kept in memory."""


class CloudUpload:
    """An upload to `place`. See `RemoteUpload`.

    Args:
        calls: to the service.
        place: where it is written: its own path, or a staged file.
        file: what it is to be.
        publishing: looks, calls what is given to it, which completes the file at `place`, and gives
            it its path.
        removing: removes what is at `place`, if it is a staged file.
    """

    piece = PIECE
    at_once = 1
    asks = True

    def __init__(
        self,
        calls: CloudCalls,
        place: str,
        file: NewFile,
        publishing: Callable[
            [str, NewFile, Entry | None, Callable[[], Awaitable[None]]], Awaitable[Entry]
        ],
        removing: Callable[[str], Awaitable[None]],
    ) -> None:
        self._calls = calls
        self._place = place
        self._file = file
        self._publishing = publishing
        self._removing = removing
        self._opened: AsyncFile | None = None
        self._sent = 0
        self._whole = bytearray()
        self._is_complete = False
        if not calls.streams and file.size > LARGEST_AT_ONCE:
            most = LARGEST_AT_ONCE // 2**20
            message = f"{file.path!r} is too large: this service takes files up to {most} MiB"
            raise ProblemError(Problem(Code.TOO_LARGE, message, file.path, retry=False))

    @property
    def done(self) -> Sequence[tuple[int, int]]:
        return [(0, self._sent)] if self._sent else []

    async def holds(self, offset: int, content: memoryview) -> bool:
        return False  # nothing is there from before

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        if offset != self._sent:
            # What was handed over cannot be taken back.
            raise ProblemError(Problem(Code.CUT, "the upload must begin anew", self._file.path))
        for start in range(0, len(content), STEP):
            await pace(min(STEP, len(content) - start))
        if self._calls.streams:
            self._opened = self._opened or await self._calls.writer(self._place)
            await self._calls.send(self._opened, self._place, bytes(content))
        else:
            self._whole += content
        self._sent += len(content)

    def kept(self) -> Kept:
        return kept_place(self._place)

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        return await self._publishing(self._place, file, replaced, self._complete)

    async def leave(self) -> None:
        self._opened = None  # never closed: closing would complete it
        self._whole.clear()

    async def abort(self) -> None:
        await self.leave()
        await self._removing(self._place)

    async def _complete(self) -> None:
        if self._is_complete:
            return
        if self._opened is not None:
            await self._calls.finish(self._opened, self._place)
        else:
            await self._calls.write(self._place, bytes(self._whole))
        self._is_complete = True
