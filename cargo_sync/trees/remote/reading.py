"""Reads files of a remote only to know their content: hashes that the server does not have."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from blake3 import blake3

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.trees.remote.contract import Pace, RemoteFolder
from cargo_sync.trees.remote.together import is_whole, together

READERS: Final = 8
"""Files that are read at the same time."""
LONG: Final = 256 * 1024
"""Bytes that are hashed in a thread: fewer take a tenth of a millisecond."""


class ContentHashes:
    """BLAKE3 of files of a remote; `pace` waits before what is read comes."""

    def __init__(self, remote: RemoteFolder, offload: Offload, pace: Pace) -> None:
        self._remote = remote
        self._offload = offload
        self._pace = pace

    async def of(
        self, items: Sequence[tuple[str, Entry]], *, reread: bool = False
    ) -> list[str | Problem]:
        """Like Tree.hashes."""
        known: Sequence[str] = [""] * len(items)
        if items and not reread:
            known = await self._remote.hashes(items)
        unknown = [item for item, content in zip(items, known, strict=True) if not content]
        read = iter(await together(self._one, unknown, READERS))
        return [content or next(read) for content in known]

    async def _one(self, item: tuple[str, Entry]) -> str | Problem:
        path, entry = item
        try:
            return await self._read(path, entry)
        except ProblemError as error:
            if is_whole(error):
                raise
            return replace(error.problem, path=path)

    async def _read(self, path: str, entry: Entry) -> str:
        digest = blake3()
        content = await self._remote.read(path, entry)
        try:
            async for piece in content:
                await self._pace(len(piece))
                if len(piece) >= LONG:
                    await self._offload(digest.update, piece)
                else:
                    digest.update(piece)
        finally:
            await content.close()
        return digest.hexdigest()
