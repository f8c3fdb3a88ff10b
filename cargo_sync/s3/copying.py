"""Copies that the server makes: in one call, or in parts when the object is too large for one."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.errors import S3Error
from cargo_sync.s3.multipart import Multipart
from cargo_sync.s3.objects import ObjectHead
from cargo_sync.s3.requests import (
    LONG_WORK,
    S3Request,
    checked_key,
    copy_source,
    metadata_headers,
)

LARGEST_COPY: Final = 5 * 2**30
"""Bytes that one call copies."""
PART: Final = 2**30
MOST_PARTS: Final = 900
AT_ONCE: Final = 4


class Copying:
    """Copies within one bucket. `largest` is what one call may copy, in bytes."""

    def __init__(
        self, connection: S3Connection, multipart: Multipart, largest: int = LARGEST_COPY
    ) -> None:
        self._connection = connection
        self._multipart = multipart
        self._largest = largest

    async def copy(
        self, source: str, key: str, head: ObjectHead, metadata: Mapping[str, str] | None
    ) -> None:
        """Copies the object at `source`, which has this head; `metadata` as for `S3.copy`.

        Raises:
            S3Error: it failed. Nothing is left of a copy in parts, unless the connection is gone.
        """
        if head.size <= self._largest:
            await self._whole(source, key, head, metadata)
            return
        upload = await self._multipart.begin(key, head.metadata if metadata is None else metadata)
        try:
            await self._in_parts(source, key, upload, head)
        except BaseException:
            # Also when the task is cancelled: parts cost room until they are aborted.
            with suppress(S3Error):
                await asyncio.shield(self._multipart.abort(key, upload))
            raise

    async def _whole(
        self, source: str, key: str, head: ObjectHead, metadata: Mapping[str, str] | None
    ) -> None:
        headers = {
            "x-amz-copy-source": copy_source(
                self._connection.login.address.bucket, checked_key(source)
            )
        }
        if head.etag:
            headers["x-amz-copy-source-if-match"] = f'"{head.etag}"'
        if metadata is not None:
            headers["x-amz-metadata-directive"] = "REPLACE"
            headers |= metadata_headers(metadata)
        await self._connection.answer(
            S3Request(
                "PUT",
                f"{source!r} could not be copied to {key!r}",
                checked_key(key),
                headers=headers,
                patience=LONG_WORK,
            )
        )

    async def _in_parts(self, source: str, key: str, upload: str, head: ObjectHead) -> None:
        size = max(min(PART, self._largest), -(-head.size // MOST_PARTS))
        starts = range(0, head.size, size)
        turn = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, start: int) -> tuple[int, str]:
            span = (start, min(start + size, head.size))
            async with turn:
                etag = await self._multipart.copy_part(key, upload, number, source, span, head.etag)
            return number, etag

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(n, start)) for n, start in enumerate(starts, 1)]
        except* S3Error as errors:
            raise errors.exceptions[0] from None
        await self._multipart.complete(key, upload, [task.result() for task in tasks])
