"""Reads files of a remote only to know their content: hashes that the server does not have."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cargo_sync.local.content_hash import ContentHash
from cargo_sync.model.entries import Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash
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
        known: Sequence[KnownHash | None] = [None] * len(items)
        if items and not reread:
            known = await self._remote.hashes(items)
        ours = ["" if one is None or one.kind is not HashKind.BLAKE3 else one.text for one in known]
        unknown = [item for item, content in zip(items, ours, strict=True) if not content]
        read = iter(await together(self._one, unknown, READERS))
        return [content or next(read) for content in ours]

    async def _one(self, item: tuple[str, Entry]) -> str | Problem:
        path, entry = item
        try:
            return await self._read(path, entry)
        except ProblemError as error:
            if is_whole(error):
                raise
            return replace(error.problem, path=path)

    async def _read(self, path: str, entry: Entry) -> str:
        digest = ContentHash()
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
