"""A small object that has been read."""

from collections.abc import AsyncIterator

from cargo_sync.s3.objects import ObjectHead
from cargo_sync.trees.s3.entries import mode_of, time_of


class S3SmallContent:
    """See `RemoteContent`."""

    def __init__(self, head: ObjectHead, content: bytes) -> None:
        self._content = content
        self.mtime_ns: int | None = time_of(head)
        self.mode: int | None = mode_of(head)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._content:
            yield self._content

    async def close(self) -> None:
        """Nothing is open."""
