"""An object that is being read."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from cargo_sync.s3.reading import ObjectContent
from cargo_sync.trees.s3.entries import mode_of, time_of


class S3FileContent:
    """See `RemoteContent`. `opened` is closed with it."""

    def __init__(self, content: ObjectContent, opened: AsyncExitStack) -> None:
        self._content = content
        self._opened = opened
        self.mtime_ns: int | None = time_of(content.head)
        self.mode: int | None = mode_of(content.head)

    def __aiter__(self) -> AsyncIterator[bytes | memoryview]:
        return self._content.pieces()

    async def close(self) -> None:
        await self._opened.aclose()
