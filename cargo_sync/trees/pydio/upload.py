"""A file under way to a Pydio server: piece after piece is appended to a staged file.

A server takes only so many bytes in one form, so a file is sent in pieces anyway. After a cut
nobody knows whether the last piece arrived: the staged file is looked at, and its MD5 compared with
what is read here. Before the file gets its place, the MD5 of all of it is compared once more.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, Protocol

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.pydio.answers import PydioState
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace
from cargo_sync.trees.remote.staging import kept_place

PIECE: Final = 4 * 2**20
"""Bytes of a form: PHP takes 8 MiB unless it is told otherwise."""


class PydioStage(Protocol):
    """What an upload does with a staged file."""

    async def append(self, place: str, offset: int, content: memoryview, pace: Pace) -> None: ...

    async def state(self, place: str) -> PydioState | None: ...

    async def publish(self, place: str, file: NewFile, replaced: Entry | None) -> Entry: ...

    async def remove(self, place: str) -> None: ...


class PydioUpload:
    """An upload into the staged file `place`. See `RemoteUpload`.

    Args:
        stage: where it is staged.
        place: of the staged file.
        file: what it is to be.
        found: what is there of it from before.
    """

    piece = PIECE
    at_once = 1
    asks = True

    def __init__(
        self, stage: PydioStage, place: str, file: NewFile, found: PydioState | None = None
    ) -> None:
        self._stage = stage
        self._place = place
        self._file = file
        self._found = found
        self._there = 0 if found is None else found.size
        self._digest = hashlib.md5(usedforsecurity=False)
        self._read = 0
        self._unsure = False

    @property
    def done(self) -> Sequence[tuple[int, int]]:
        return [(0, self._there)] if self._there else []

    async def holds(self, offset: int, content: memoryview) -> bool:
        found = self._found
        if found is None or not found.md5 or offset != self._read:
            return False
        part = content[: self._there - offset]
        self._digest.update(part)
        self._read += len(part)
        return self._read < self._there or self._digest.hexdigest() == found.md5

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        if self._unsure or offset != self._there or offset != self._read:
            # Nobody knows how much of an earlier piece is there.
            raise ProblemError(Problem(Code.CUT, "the upload must begin anew", self._file.path))
        self._unsure = True
        await self._stage.append(self._place, offset, content, pace)
        self._digest.update(content)
        self._read = self._there = offset + len(content)
        self._unsure = False

    def kept(self) -> Kept:
        return kept_place(self._place)

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        if not file.size:
            await self._stage.append(self._place, 0, memoryview(b""), _unpaced)
        state = await self._stage.state(self._place)
        if (
            state is None
            or state.folder
            or state.size != file.size
            or (state.md5 and state.md5 != self._digest.hexdigest())
        ):
            message = f"the server has another content of {file.path!r} than was sent"
            raise ProblemError(Problem(Code.CORRUPT, message, file.path))
        return await self._stage.publish(self._place, file, replaced)

    async def leave(self) -> None:
        """Nothing is open here."""

    async def abort(self) -> None:
        await self._stage.remove(self._place)


async def _unpaced(_: int) -> None:
    """An empty file has no bytes to wait for."""
