"""Whether a server compares a content with its CRC-32, found by asking it.

Amazon's server wants to know before an upload in parts begins that its parts will have one, and
wants them all again at its end. Here a part is only sent with its own: a server that does not take
that gets another hash.
"""

from contextlib import suppress
from typing import Final

from cargo_sync.s3.abilities import CallResult, answered
from cargo_sync.s3.client import S3
from cargo_sync.s3.content import S3Content, digest_of
from cargo_sync.s3.errors import S3Error
from cargo_sync.s3.sent_hashes import SentHash

_CONTENT: Final = b"content"
_OTHER: Final = b"another"


async def compares_crc(s3: S3, key: str) -> bool:
    """Asks with an object, and with an upload in parts: at most 6 calls.

    Args:
        s3: the bucket.
        key: of an object that is stored, or replaced.

    Raises:
        S3Error: the bucket cannot be reached, or the server is too busy.
    """
    right, wrong = _with_crc_of(_CONTENT), _with_crc_of(_OTHER)
    if await answered(s3.put(key, wrong)) is CallResult.DONE:
        return False
    if await answered(s3.put(key, right)) is not CallResult.DONE:
        return False
    upload, parts = await s3.multipart.begin(key), s3.multipart
    try:
        if await answered(parts.part(key, upload, 1, wrong)) is CallResult.DONE:
            return False
        return await answered(_whole(s3, key, upload, right)) is CallResult.DONE
    finally:
        with suppress(S3Error):
            await parts.abort(key, upload)


async def _whole(s3: S3, key: str, upload: str, content: S3Content) -> None:
    etag = await s3.multipart.part(key, upload, 1, content)
    await s3.multipart.complete(key, upload, [(1, etag)])


def _with_crc_of(content: bytes) -> S3Content:
    """The content, with the CRC-32 of what is given."""
    sent = S3Content((_CONTENT,), is_checked_later=True)
    return sent.with_hash(SentHash.CRC32, digest_of(SentHash.CRC32, [content]))
