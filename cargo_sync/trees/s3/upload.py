"""A larger file under way to a bucket, in parts: nobody sees it before it is put together."""

from collections.abc import Sequence
from math import ceil
from typing import Final, NamedTuple

import orjson

from cargo_sync.model.entries import Entry
from cargo_sync.s3.abilities import FEW_PARTS
from cargo_sync.s3.client import S3
from cargo_sync.s3.content import S3Content
from cargo_sync.s3.errors import S3Error
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace
from cargo_sync.trees.s3.replacing import Condition, ObeyedConditions, replaced_by, stored

MIB: Final = 2**20
SMALLEST: Final = 16 * MIB
LARGE: Final = 64 * MIB
"""Parts are in memory, some at once: they get larger than this only if there would be too many."""
_SPARE: Final = 0.9
"""Of the parts that a server allows, so many are used."""


class KeptParts(NamedTuple):
    """An upload as it is kept.

    key    of the object, with the folder's prefix
    piece  bytes of each part but the last one
    etags  by the number of the part, from 1
    """

    key: str
    upload: str
    piece: int
    etags: dict[int, str]

    def text(self) -> Kept:
        etags = {str(number): etag for number, etag in self.etags.items()}
        return orjson.dumps([self.key, self.upload, self.piece, etags]).decode()

    @classmethod
    def read(cls, kept: Kept) -> "KeptParts | None":
        """What `text` gave; None if it is something else."""
        try:
            key, upload, piece, etags = orjson.loads(kept)
            parts = {int(number): str(etag) for number, etag in etags.items()}
        except (ValueError, TypeError, AttributeError):
            return None
        is_sound = isinstance(key, str) and isinstance(upload, str) and isinstance(piece, int)
        return cls(key, upload, piece, parts) if is_sound and piece >= MIB else None


def piece_of(size: int, most_parts: int) -> int:
    """Bytes of each part of a file, whole MiB.

    Args:
        size: of the file.
        most_parts: that the server allows; all allow `FEW_PARTS`, of which the list is short.
    """
    few = _whole_mib(size / (FEW_PARTS * _SPARE))
    return max(SMALLEST, min(few, max(LARGE, _whole_mib(size / (most_parts * _SPARE)))))


def _whole_mib(size: float) -> int:
    return ceil(size / MIB) * MIB


class S3Upload:
    """See `RemoteUpload`."""

    at_once = 4

    def __init__(self, s3: S3, kept: KeptParts, size: int, obeyed: ObeyedConditions) -> None:
        self._s3 = s3
        self._parts = kept
        self._size = size
        self._obeyed = obeyed
        self._is_complete = False
        self.piece = kept.piece

    @property
    def done(self) -> Sequence[tuple[int, int]]:
        spans = list[tuple[int, int]]()
        for number in sorted(self._parts.etags):
            start = (number - 1) * self.piece
            end = min(start + self.piece, self._size)
            if spans and spans[-1][1] == start:
                spans[-1] = spans[-1][0], end
            else:
                spans.append((start, end))
        return spans

    async def holds(self, offset: int, content: memoryview) -> bool:
        return True  # each part was stored with its MD5, and has the ETag that it had then

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        number = offset // self.piece + 1
        one = S3Content((content,), pace=pace)
        key, upload = self._parts.key, self._parts.upload
        etag = await self._s3.multipart.part(key, upload, number, one)
        self._parts.etags[number] = etag

    def kept(self) -> Kept:
        return self._parts.text()

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        key, upload, _, etags = self._parts
        if self._is_complete:
            return await stored(self._s3, key, file)

        async def complete(condition: Condition) -> None:
            await self._s3.multipart.complete(
                key,
                upload,
                sorted(etags.items()),
                absent=condition.absent,
                if_match=condition.if_match,
                quoted=condition.quoted,
            )
            self._is_complete = True

        return await replaced_by(self._s3, key, file, replaced, self._obeyed, complete)

    async def leave(self) -> None:
        """Nothing is open here."""

    async def abort(self) -> None:
        await self._s3.multipart.abort(self._parts.key, self._parts.upload)


async def confirmed(s3: S3, kept: KeptParts, size: int) -> KeptParts | None:
    """The parts that the server has as they are kept; None if it has lost the upload."""
    try:
        there = {part.number: part for part in await s3.multipart.parts(kept.key, kept.upload)}
    except S3Error as error:
        if error.status == 404:
            return None
        raise
    etags = {
        number: etag
        for number, etag in kept.etags.items()
        if (part := there.get(number)) is not None
        and part.etag == etag
        and part.size == min(kept.piece, size - (number - 1) * kept.piece)
    }
    return kept._replace(etags=etags)
