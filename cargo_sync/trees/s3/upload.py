"""A larger file under way to a bucket, in parts: nobody sees it before it is put together."""

from collections.abc import Mapping, Sequence
from math import ceil
from types import MappingProxyType
from typing import Final, NamedTuple

import orjson

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.s3.abilities import S3Abilities
from cargo_sync.s3.client import S3
from cargo_sync.s3.content import S3Content
from cargo_sync.s3.errors import S3Error
from cargo_sync.s3.multipart import LARGEST_PART, SMALLEST_PART
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace
from cargo_sync.trees.s3.replacing import Condition, ObeyedConditions, replaced_by, stored

MIB: Final = 2**20
UNDER_WAY: Final = 16 * MIB
"""Bytes of parts that are under way together: after a kill no more are sent again, but for files
whose parts are larger than that."""


class KeptParts(NamedTuple):
    """An upload as it is kept.

    key    of the object, with the folder's prefix
    piece  bytes of each part but the last one
    etags  by the number of the part, from 1
    found  ETags of parts that the server has, of which nothing was kept
    """

    key: str
    upload: str
    piece: int
    etags: dict[int, str]
    found: Mapping[int, str] = MappingProxyType({})

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

    They are so small that several are under way at the same time. If that is not possible, because
    of the number of parts that the server allows, they are not smaller than what may be under way.

    Args:
        size: of the file.
        most_parts: that the server allows.

    Raises:
        ProblemError: `too_large`.
    """
    piece = max(SMALLEST_PART, _whole_mib(size / most_parts))
    if piece > LARGEST_PART:
        message = f"a file of {size:,} bytes is too large for the server"
        raise ProblemError(Problem(Code.TOO_LARGE, message, retry=False))
    return piece if 2 * piece <= UNDER_WAY else max(UNDER_WAY, piece)


def _whole_mib(size: float) -> int:
    return ceil(size / MIB) * MIB


class S3Upload:
    """See `RemoteUpload`."""

    def __init__(self, s3: S3, kept: KeptParts, size: int, server: S3Abilities) -> None:
        self._s3 = s3
        self._parts = kept
        self._size = size
        self._obeyed = ObeyedConditions(
            server.complete_if_absent,
            server.complete_if_match,
            server.quoted,
            server.keeps_metadata,
        )
        self._is_complete = False
        self.piece = kept.piece
        self.at_once = max(1, UNDER_WAY // kept.piece)
        self.asks = server.gives_md5

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
        return True  # each part was stored as it was sent, and has the ETag that it had then

    async def send(self, offset: int, content: memoryview, pace: Pace) -> None:
        number = offset // self.piece + 1
        one = S3Content((content,), pace=pace)
        key, upload, found = self._parts.key, self._parts.upload, self._parts.found
        etag = await self._s3.multipart.part(key, upload, number, one, found.get(number, ""))
        self._parts.etags[number] = etag

    def kept(self) -> Kept:
        return self._parts.text()

    async def publish(self, file: NewFile, replaced: Entry | None) -> Entry:
        key, upload, etags = self._parts.key, self._parts.upload, self._parts.etags
        if self._is_complete:
            keeps = self._obeyed.keeps_metadata
            return await stored(self._s3, key, file, keeps_metadata=keeps)

        async def complete(condition: Condition) -> Entry | None:
            await self._s3.multipart.complete(
                key,
                upload,
                sorted(etags.items()),
                absent=condition.absent,
                if_match=condition.if_match,
                quoted=condition.quoted,
            )
            self._is_complete = True
            return None

        return await replaced_by(self._s3, key, file, replaced, self._obeyed, complete)

    async def leave(self) -> None:
        """Nothing is open here."""

    async def abort(self) -> None:
        await self._s3.multipart.abort(self._parts.key, self._parts.upload)


async def confirmed(s3: S3, kept: KeptParts, size: int) -> KeptParts | None:
    """The parts that the server has as they are kept, and others; None if it lost the upload."""
    try:
        there = {part.number: part for part in await s3.multipart.parts(kept.key, kept.upload)}
    except S3Error as error:
        if error.status == 404:
            return None
        raise
    whole = {
        number: part.etag
        for number, part in there.items()
        if part.size == min(kept.piece, size - (number - 1) * kept.piece)
    }
    etags = {number: etag for number, etag in kept.etags.items() if whole.get(number) == etag}
    found = {number: etag for number, etag in whole.items() if number not in kept.etags}
    return kept._replace(etags=etags, found=found)
