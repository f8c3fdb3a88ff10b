"""The objects of a bucket, page by page: a page is read while it comes, and then let go."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final

from cargo_sync.s3.answers import AnswerReader, Records, decoded_key, numbers, times
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.errors import bad_answer
from cargo_sync.s3.objects import ObjectPage, VersionPage
from cargo_sync.s3.requests import S3Request, bare_etag

PAGE: Final = 1000
"""Objects in a page: no server sends more."""
EMPTY_PAGES: Final = 10_000
"""Pages without anything in them, one after the other, that a listing may have."""

_WHAT: Final = "the bucket could not be listed"
_OBJECTS: Final[Records] = {
    "Contents": ("Key", "Size", "ETag", "LastModified"),
    "CommonPrefixes": ("Prefix",),
}
_VERSIONS: Final[Records] = {
    "Version": ("Key", "Size", "ETag", "LastModified", "VersionId", "IsLatest"),
    "DeleteMarker": ("Key", "Size", "ETag", "LastModified", "VersionId", "IsLatest"),
}
_URL: Final = ("encoding-type", "url")
"""Keys may have characters that XML cannot hold."""

_Row = Sequence[str]


class Listing:
    """The lists of one bucket."""

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection

    async def objects(
        self, prefix: str = "", *, delimiter: str = "", start_after: str = ""
    ) -> AsyncGenerator[ObjectPage, None]:
        """Yields the objects whose keys begin with `prefix`, in the server's order of their keys.

        Args:
            prefix: "" for all.
            delimiter: keys with it after the prefix are not listed: what they have up to and with
                it is, once. "" lists all keys.
            start_after: only keys behind this one.

        Raises:
            S3Error: it failed; what was yielded before is right nevertheless.
        """
        first = [("list-type", "2"), ("max-keys", str(PAGE)), _URL, ("prefix", prefix)]
        if delimiter:
            first.append(("delimiter", delimiter))
        position = [("start-after", start_after)] if start_after else []
        empty = 0
        while True:
            answer = await self._page([*first, *position], _OBJECTS, "ListBucketResult")
            page = object_page(answer)
            if not all(key.startswith(prefix) for key in (*page.keys, *page.prefixes)):
                raise bad_answer(_WHAT, f"not all of it begins with {prefix!r}")
            empty = 0 if answer.rows else empty + 1
            yield page
            if answer.fields.get("IsTruncated") != "true":
                return
            token = answer.fields.get("NextContinuationToken", "")
            following = [("continuation-token", token)]
            if not token or following == position or empty > EMPTY_PAGES:
                raise bad_answer(_WHAT, "it does not go on")
            position = following

    async def versions(self, prefix: str = "") -> AsyncIterator[VersionPage]:
        """Yields all versions of the objects whose keys begin with `prefix`, newest first for each.

        Raises:
            S3Error: as for `objects`.
        """
        first = [("versions", ""), ("max-keys", str(PAGE)), _URL, ("prefix", prefix)]
        position: list[tuple[str, str]] = []
        empty = 0
        while True:
            answer = await self._page([*first, *position], _VERSIONS, "ListVersionsResult")
            empty = 0 if answer.rows else empty + 1
            yield version_page(answer)
            if answer.fields.get("IsTruncated") != "true":
                return
            key = answer.fields.get("NextKeyMarker", "")
            if _is_encoded(answer):
                key = decoded_key(key) or ""
            following = [("key-marker", key)]
            if version := answer.fields.get("NextVersionIdMarker"):
                following.append(("version-id-marker", version))
            if not key or following == position or empty > EMPTY_PAGES:
                raise bad_answer(_WHAT, "it does not go on")
            position = following

    async def _page(
        self, query: Sequence[tuple[str, str]], records: Records, root: str
    ) -> AnswerReader:
        answer = await self._connection.answer(S3Request("GET", _WHAT, query=query), records)
        if answer.root not in (root, "ListBucketResult"):
            raise bad_answer(_WHAT, f"it is not a {root}")
        return answer


def object_page(answer: AnswerReader) -> ObjectPage:
    """The page that an answer holds.

    Raises:
        S3Error: `bad_answer`.
    """
    found = [row for row in answer.rows if row[0] == "Contents"]
    folded = answer.rows if len(found) != len(answer.rows) else []
    prefixes = [row for row in folded if row[0] == "CommonPrefixes"]
    undecodable: list[str] = []
    if _is_encoded(answer):
        found = _decoded(found, undecodable)
        prefixes = _decoded(prefixes, undecodable)
    _, keys, sizes, etags, modified = _columns(found, 5)
    return ObjectPage(
        keys,
        numbers(sizes),
        [bare_etag(etag) for etag in etags],
        times(modified),
        [row[1] for row in prefixes],
        undecodable,
    )


def version_page(answer: AnswerReader) -> VersionPage:
    """The page that an answer holds.

    Raises:
        S3Error: `bad_answer`.
    """
    undecodable: list[str] = []
    found = _decoded(answer.rows, undecodable) if _is_encoded(answer) else answer.rows
    kinds, keys, sizes, etags, modified, versions, latest = _columns(found, 7)
    return VersionPage(
        keys,
        versions,
        [text == "true" for text in latest],
        [kind == "DeleteMarker" for kind in kinds],
        numbers([size or "0" for size in sizes]),
        [bare_etag(etag) for etag in etags],
        times(modified),
        undecodable,
    )


def _columns(rows: Sequence[_Row], count: int) -> Sequence[list[str]]:
    return [list(one) for one in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]


def _is_encoded(answer: AnswerReader) -> bool:
    """Servers that do not encode keys as they were asked to do not say that they did."""
    return answer.fields.get("EncodingType") == "url"


def _decoded(rows: list[list[str]], undecodable: list[str]) -> list[list[str]]:
    """The rows with their keys decoded, in place; keys that cannot be go to `undecodable`."""
    kept = []
    for row in rows:
        key = decoded_key(row[1])
        if key is None:
            undecodable.append(row[1])
        else:
            row[1] = key
            kept.append(row)
    return kept
