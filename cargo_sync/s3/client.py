"""S3: the calls for one bucket and its objects, over one HTTP session.

A call is tried again by itself, with growing pauses, when the server is busy or the connection was
cut, and nothing can go wrong by doing it twice. All calls raise S3Error, and a ProblemError with
`bad_request` for a key, metadata or an ETag that cannot be sent.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Final, Self

from cargo_sync.model.problems import Code, Problem
from cargo_sync.process.body_room import BodyRoom
from cargo_sync.s3.connection import S3Connection
from cargo_sync.s3.content import S3Content
from cargo_sync.s3.copying import Copying
from cargo_sync.s3.deleting import delete_many, delete_request
from cargo_sync.s3.errors import S3Error, changed, vanished
from cargo_sync.s3.listing import Listing
from cargo_sync.s3.multipart import Multipart
from cargo_sync.s3.objects import ObjectHead, Stored, Versioning
from cargo_sync.s3.reading import ObjectContent, head_of, sent_range, version_of
from cargo_sync.s3.requests import (
    NO_HEADERS,
    S3Request,
    bare_etag,
    checked_key,
    if_match_header,
    metadata_headers,
    range_header,
)
from cargo_sync.s3.sent_hashes import SentHash, ServerChecks
from cargo_sync.wire.http1 import HttpAnswer

NO_METADATA: Final[Mapping[str, str]] = NO_HEADERS
_GONE: Final = 404
_WHOLE: Final = 200
_CONTENT: Final = (_WHOLE, 206)
_SERVER_HEADERS: Final = ("Server", "x-amz-bucket-region", "x-minio-deployment-id")


class S3:
    """One bucket; an async context manager, which closes its own connections.

    `S3(S3Connection(login, world))`

    listing    the objects and the versions of the bucket, page by page
    multipart  uploads in parts
    """

    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection
        self.listing = Listing(connection)
        self.multipart = Multipart(connection)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def doubted(self) -> bool:
        """An answer contradicts what was found out of the server; whoever asks it anew resets it.

        See `s3.abilities`.
        """
        return self._connection.doubted

    @doubted.setter
    def doubted(self, is_so: bool) -> None:
        self._connection.doubted = is_so

    @property
    def checks(self) -> ServerChecks:
        """What the server compares a content with: whoever has asked it sets it.

        See `s3.abilities.find_checks`.
        """
        return self._connection.checks

    @checks.setter
    def checks(self, found: ServerChecks) -> None:
        self._connection.checks = found

    def sent_hashes(self, content: S3Content) -> Set[SentHash]:
        """The hashes that a content is sent with: what is not known of them is made then."""
        return self._connection.sent_hashes(content)

    async def aclose(self) -> None:
        """Closes its own connections; another call opens new ones."""
        await self._connection.aclose()

    async def head(self, key: str, *, version: str = "") -> ObjectHead | None:
        """The head of an object, or of a version of it; None if there is none.

        A server that says only "forbidden" about what is not there hides it: then this raises.
        """
        what = f"{key!r} could not be looked at"
        query = [("versionId", version)] if version else []
        try:
            headers = await self._connection.headers(
                S3Request("HEAD", what, checked_key(key), query)
            )
        except S3Error as error:
            if error.status == _GONE:
                return None
            raise
        return head_of(what, headers)

    async def whole(self, key: str, longest: int) -> tuple[ObjectHead, bytes] | None:
        """A small object with its content, which comes at once.

        None: it must be read by `get`, because it has more bytes than `longest`, or because it
        cannot be asked for in this way.
        """
        what = f"{key!r} could not be read"
        answer = await self._connection.short(S3Request("GET", what, checked_key(key)), longest)
        if answer is None or answer.body is None or answer.status != _WHOLE:
            return None
        return head_of(what, answer.headers, len(answer.body)), answer.body

    @asynccontextmanager
    async def get(
        self,
        key: str,
        start: int = 0,
        end: int | None = None,
        *,
        if_match: str = "",
        version: str = "",
    ) -> AsyncIterator[ObjectContent]:
        """The content of an object from byte `start` up to, not including, `end`.

        An empty object has no ranges: it is asked for as a whole.

        Args:
            key: of the object.
            start: first byte.
            end: None for all that follows.
            if_match: the ETag that it must have, or it is `changed`; "" for any.
            version: of a version; "" for the newest.
        """
        headers = dict(range_header(start, end))
        if if_match:
            headers |= if_match_header(if_match)
        query = [("versionId", version)] if version else []
        what = f"{key!r} could not be read"
        request = S3Request("GET", what, checked_key(key), query, headers)
        async with self._connection.opened(request) as response:
            content = ObjectContent(what, response, start, end)
            if if_match and content.head.etag not in ("", if_match):
                raise changed(what)
            yield content

    async def read_into(
        self,
        key: str,
        start: int,
        views: Sequence[memoryview],
        filled: Callable[[int], object] = lambda index: None,
    ) -> None:
        """Fills memory with the bytes of an object from `start` on, without a copy if that can be.

        Args:
            key: of the object.
            start: first byte.
            views: of memory, each of at least one byte.
            filled: called with the index of each, once it is full. The others are nothing if this
                fails.

        Raises:
            S3Error: `bad_range`: the object ends before.
        """
        what, end = f"{key!r} could not be read", start + sum(map(len, views))
        size = end

        def accepts(answer: HttpAnswer) -> bool:
            nonlocal size
            if answer.status not in _CONTENT:
                return False
            with suppress(S3Error):
                first, last, size = sent_range(what, answer.status, answer.headers)
                return (first, last) == (start, end)
            return False

        request = S3Request("GET", what, checked_key(key), headers=range_header(start, end))
        if await self._connection.received(request, BodyRoom(views, accepts, filled)):
            return
        # A short object is wrong itself, and not the server's answer.
        short = S3Error(Problem(Code.BAD_RANGE, f"{key} is shorter than it was"))
        if size < end:
            raise short
        async with self.get(key, start, end) as content:
            if content.end < end:
                raise short
            await content.read_into(views, filled)

    async def with_md5(self, content: S3Content) -> tuple[S3Content, bytes]:
        """A content that knows its MD5, of 16 bytes; and that."""
        return await self._connection.with_md5(content)

    async def put(
        self,
        key: str,
        content: S3Content,
        metadata: Mapping[str, str] = NO_METADATA,
        *,
        absent: bool = False,
        if_match: str = "",
        quoted: bool = True,
    ) -> Stored:
        """Stores an object, or replaces it.

        A conditional call is not repeated when its answer was lost: whoever gets an error with
        `again` looks what is there now.

        Args:
            key: of the object.
            content: its bytes, of at most 5 GiB; `is_md5` can only be true if its MD5 is known.
            metadata: names and values in ASCII.
            absent: only if nothing is there, else it is `occupied`.
            if_match: only if the object that is there has this ETag, else it is `changed`.
            quoted: how the ETag is sent; `S3Abilities` knows what this server reads.
        """
        headers = dict(metadata_headers(metadata))
        if absent:
            headers["If-None-Match"] = "*"
        if if_match:
            headers |= if_match_header(if_match, quoted=quoted)
        request = S3Request(
            "PUT",
            f"{key!r} could not be stored",
            checked_key(key),
            headers=headers,
            content=content,
            idempotent=not (absent or if_match),
            absent=absent,
        )
        answer = await self._connection.headers(request)
        etag = bare_etag(answer.get("ETag", ""))
        is_md5 = content.md5 is not None and etag == content.md5.hex()
        return Stored(etag, version_of(answer), is_md5)

    async def copy(
        self,
        source: str,
        key: str,
        *,
        known: ObjectHead | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """The server copies an object of this bucket to another key; of any size.

        Only what has the ETag of `known` is copied where the server has that condition (not all
        have). The copy may have another ETag, or even that of its source: look at it.

        Args:
            source: the key of what is copied.
            key: of the copy.
            known: the head of the source, if it was looked at.
            metadata: of the copy; None for that of the source.
        """
        if known is None and (known := await self.head(source)) is None:
            raise vanished(source)
        await Copying(self._connection, self.multipart).copy(source, key, known, metadata)

    async def delete(self, key: str, *, version: str = "", if_match: str = "") -> str:
        """Deletes an object, or a version of it for good; nothing happens if there is none.

        Args:
            key: of the object.
            version: of a version; "" for the object.
            if_match: only if it has this ETag. Few servers read it: see `S3Abilities`.

        Returns:
            The version of the marker of this deletion, on a bucket with versions; else "".
        """
        return version_of(await self._connection.headers(delete_request(key, version, if_match)))

    async def delete_many(self, keys: Sequence[str]) -> Mapping[str, Problem]:
        """Deletes many objects. Returns those that could not be deleted, and why."""
        return await delete_many(self._connection, keys)

    async def bucket_server(self) -> str | None:
        """What the server of the bucket calls itself, or ""; None if there is no such bucket."""
        try:
            headers = await self._connection.headers(
                S3Request("HEAD", "the bucket could not be looked at")
            )
        except S3Error as error:
            if error.status == _GONE:
                return None
            raise
        return " ".join(headers.get(name, "") for name in _SERVER_HEADERS).strip()

    async def versioning(self) -> Versioning:
        """Whether the bucket keeps what is replaced and deleted."""
        request = S3Request(
            "GET", "the bucket's versions could not be looked at", query=[("versioning", "")]
        )
        try:
            status = (await self._connection.answer(request)).fields.get("Status", "")
        except S3Error as error:
            if error.status in (400, 404, 405, 501) and error.server_code != "NoSuchBucket":
                return Versioning.OFF  # a server without versions
            raise
        return {"Enabled": Versioning.ON, "Suspended": Versioning.SUSPENDED}.get(
            status, Versioning.OFF
        )
