"""Uploads in parts: they go on after a restart, since the server keeps what it has of them.

The ETag in the answer to Complete is not told: one server leaves it empty, another one sends one
that the object does not have. Look at the object.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from cargo_sync.s3.answers import Records, decoded_key, numbers, times
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.content import S3Content
from cargo_sync.s3.errors import S3Error, bad_answer, unsupported
from cargo_sync.s3.objects import OpenUpload, StoredPart
from cargo_sync.s3.reading import version_of
from cargo_sync.s3.requests import (
    LONG_WORK,
    NAMESPACE,
    NO_HEADERS,
    S3Request,
    bare_etag,
    checked_key,
    copy_source,
    if_match_header,
    metadata_headers,
)

SMALLEST_PART: Final = 5 * 2**20
"""Bytes of every part but the last one, at least."""
LARGEST_PART: Final = 5 * 2**30
"""Bytes of a part, at most."""

_PARTS: Final[Records] = {"Part": ("PartNumber", "ETag", "Size")}
_UPLOADS: Final[Records] = {"Upload": ("Key", "UploadId", "Initiated")}
_LONGEST_ID: Final = 4096


class Multipart:
    """The uploads of one bucket."""

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection

    async def begin(self, key: str, metadata: Mapping[str, str] = NO_HEADERS) -> str:
        """Begins an upload; returns its id.

        It is not repeated when its answer was lost: that would leave an upload that nobody knows.
        """
        what = f"the upload of {key!r} could not begin"
        request = S3Request(
            "POST",
            what,
            checked_key(key),
            [("uploads", "")],
            metadata_headers(metadata),
            S3Content(()),
            idempotent=False,
        )
        upload = (await self._connection.answer(request)).fields.get("UploadId", "")
        if not 0 < len(upload) <= _LONGEST_ID:
            raise bad_answer(what, "it has no id of an upload")
        return upload

    async def part(
        self, key: str, upload: str, number: int, content: S3Content, there: str = ""
    ) -> str:
        """Sends a part, with what proves it; the same number again replaces it. Returns its ETag.

        Args:
            key: of the upload.
            upload: its id.
            number: of the part.
            content: its bytes.
            there: the ETag of as many bytes that the server has as this part: if it is the MD5 of
                the content, nothing is sent.
        """
        if there:
            content, md5 = await self._connection.with_md5(content)
            if there == md5.hex():
                return there
        what = f"part {number} of {key!r} could not be stored"
        query = _of(upload, number)
        request = S3Request("PUT", what, checked_key(key), query, content=content)
        etag = bare_etag((await self._connection.headers(request)).get("ETag", ""))
        if not etag:
            raise bad_answer(what, "it has no ETag")
        return etag

    async def copy_part(
        self, key: str, upload: str, number: int, source: str, span: tuple[int, int], etag: str
    ) -> str:
        """The server makes a part from bytes of an object that has this ETag.

        Args:
            key: of the upload.
            upload: its id.
            number: of the part.
            source: the key of the object, in the same bucket.
            span: the first byte, and the one after the last.
            etag: of the source; "" for any.

        Returns:
            The ETag of the part.
        """
        what = f"part {number} of {key!r} could not be copied"
        bucket = self._connection.login.address.bucket
        headers = {
            "x-amz-copy-source": copy_source(bucket, source),
            "x-amz-copy-source-range": f"bytes={span[0]}-{span[1] - 1}",
        }
        if etag:
            headers["x-amz-copy-source-if-match"] = f'"{etag}"'
        request = S3Request(
            "PUT", what, checked_key(key), _of(upload, number), headers, patience=LONG_WORK
        )
        answer = await self._connection.answer(request, optional=True)
        if answer.root != "CopyPartResult" or not answer.fields.get("ETag"):
            # A server that does not know the header has stored an empty part.
            raise unsupported(what, "the server does not copy parts")
        return bare_etag(answer.fields["ETag"])

    async def parts(self, key: str, upload: str) -> Sequence[StoredPart]:
        """The parts that the server has of an upload, by number.

        Raises:
            S3Error: `vanished`: the server does not know the upload. Its code is NoSuchUpload, and
                Ceph's NoSuchKey.
        """
        what = f"the parts of {key!r} could not be listed"
        found: list[StoredPart] = []
        marker = "0"
        while True:
            query = [("uploadId", upload), ("part-number-marker", marker), ("max-parts", "1000")]
            answer = await self._connection.answer(
                S3Request("GET", what, checked_key(key), query), _PARTS
            )
            page = [row[1:] for row in answer.rows]
            for number, etag, size in page:
                part, length = numbers([number, size])
                found.append(StoredPart(part, bare_etag(etag), length))
            if answer.fields.get("IsTruncated") != "true":
                return sorted(found, key=lambda one: one.number)
            following = answer.fields.get("NextPartNumberMarker", "")
            if not page or numbers([following])[0] <= int(marker):
                raise bad_answer(what, "the list does not go on")
            marker = following

    async def complete(
        self,
        key: str,
        upload: str,
        parts: Sequence[tuple[int, str]],
        *,
        absent: bool = False,
        if_match: str = "",
        quoted: bool = True,
    ) -> str:
        """Makes the object of the parts, (number, ETag) of each in the order of their numbers.

        It is not repeated when its answer was lost, since some servers then do not know the upload:
        look whether the object is there.

        Args:
            key: of the upload.
            upload: its id.
            parts: at least one.
            absent: only if nothing is there, else it is `occupied`.
            if_match: only if the object that is there has this ETag, else it is `changed`.
            quoted: how the ETag is sent.

        Returns:
            The version of the object, on a bucket with versions; else "".
        """
        headers: dict[str, str] = {"If-None-Match": "*"} if absent else {}
        if if_match:
            headers |= if_match_header(if_match, quoted=quoted)
        listed = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>&quot;{escape(etag)}&quot;</ETag></Part>"
            for number, etag in parts
        )
        body = f'<CompleteMultipartUpload xmlns="{NAMESPACE}">{listed}</CompleteMultipartUpload>'
        request = S3Request(
            "POST",
            f"the parts of {key!r} could not be put together",
            checked_key(key),
            [("uploadId", upload)],
            headers,
            S3Content((body.encode(),)),
            patience=LONG_WORK,
            idempotent=False,
            absent=absent,
        )
        return version_of((await self._connection.answer(request)).headers)

    async def abort(self, key: str, upload: str) -> None:
        """Ends an upload and frees its parts; nothing happens if the server does not know it."""
        request = S3Request(
            "DELETE",
            f"the upload of {key!r} could not be ended",
            checked_key(key),
            [("uploadId", upload)],
        )
        try:
            await self._connection.headers(request)
        except S3Error as error:
            if error.status != 404:
                raise

    async def open_uploads(self, prefix: str = "") -> AsyncIterator[Sequence[OpenUpload]]:
        """Yields the uploads that were neither completed nor aborted, page by page."""
        what = "the uploads of the bucket could not be listed"
        first = [
            ("uploads", ""),
            ("prefix", prefix),
            ("encoding-type", "url"),
            ("max-uploads", "1000"),
        ]
        position: list[tuple[str, str]] = []
        while True:
            request = S3Request("GET", what, query=[*first, *position])
            answer = await self._connection.answer(request, _UPLOADS)
            encoded = answer.fields.get("EncodingType") == "url"
            begun = times([row[3] for row in answer.rows])
            keys = [decoded_key(row[1]) if encoded else row[1] for row in answer.rows]
            yield [
                OpenUpload(key, row[2], at)
                for key, row, at in zip(keys, answer.rows, begun, strict=True)
                if key is not None
            ]
            if answer.fields.get("IsTruncated") != "true":
                return
            key = answer.fields.get("NextKeyMarker", "")
            upload = answer.fields.get("NextUploadIdMarker", "")
            following = [
                ("key-marker", (decoded_key(key) or "") if encoded else key),
                ("upload-id-marker", upload),
            ]
            if following == position or not answer.rows:
                raise bad_answer(what, "the list does not go on")
            position = following


def _of(upload: str, number: int) -> Sequence[tuple[str, str]]:
    return [("partNumber", str(number)), ("uploadId", upload)]
