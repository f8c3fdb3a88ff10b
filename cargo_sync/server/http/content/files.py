"""Plain files over HTTP: GET, HEAD and PUT below /v1/files, with ranges and conditions.

It is for curl and browsers and slower than lanes, but makes the same promises: a response is one
version, complete or broken off; an upload is staged, hashed and published at once, if the
conditions still hold at that moment.
"""

import codecs
import contextlib
import mimetypes
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from functools import partial
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_to_bytes

from aiohttp import web

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.lanes.ports import BlockingReader
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, kept_time
from cargo_sync.model.problems import Code, Problem, ProblemError, bad_request
from cargo_sync.model.world import World
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.fields import Query
from cargo_sync.process.http.limits import chunks, refuse_encoding, sent
from cargo_sync.server.accounts.access import Access
from cargo_sync.server.accounts.permits import Permit
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.grants.view import ViewUpload
from cargo_sync.server.history.downloads import Downloads, FetchedVersion
from cargo_sync.server.http.answers import folder, refusal
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.content.conditions import (
    ByteRange,
    Conditions,
    PreconditionVerdict,
    etag,
    wanted_part,
)
from cargo_sync.server.http.fields import HTTP_RUN, After
from cargo_sync.server.refusals import unknown

CHUNK: Final = 1024 * 1024
FOLDER_PAGE: Final = 5_000
"""Entries of a folder in one answer."""
_PATH: Final = r"/{path:[\s\S]*}"
"""All of the rest, newlines too: names may contain any character but a slash and a zero."""
_TEXT_BYTES: Final = 64 * 1024
"""How much of a text is looked at, to find out whether it is UTF-8."""
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_SECONDS = re.compile(r"\d{1,10}(\.\d{1,9})?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Folder(Query):
    after: After = ""


class FileRoutes:
    """The handlers of /v1/files.

    Args:
        entrance: finds the user of a request.
        downloads: hears what was sent.
        world: clocks, and threads for blocking calls. Uploads without an mtime get the wall's.
        v1: the beginning of all paths.
    """

    def __init__(
        self, entrance: Authentication, downloads: Downloads, world: World, v1: str
    ) -> None:
        self._entrance = entrance
        self._downloads = downloads
        self._offload = world.offload
        self._wall = world.wall
        self._steady = world.steady
        self._v1 = v1

    def routes(self) -> list[web.RouteDef]:
        files = f"{self._v1}/files/{{workspace}}"
        return [
            web.get(files, self.get),
            web.get(files + _PATH, self.get),
            web.put(files + _PATH, self.put, expect_handler=_later),
        ]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Sends a file, a part of it, or a folder's listing; also for HEAD."""
        permit = await self._entrance.permit_of_files(request, Right.LOOK)
        access = permit.access
        given = _path(request)
        path = given.removesuffix("/")
        paths.check(path)
        if not path or await self._is_drop_folder(access, path):
            return await self._folder(request, access, path)
        access.require(Right.READ)
        held, reader = await self._offload(access.view.open, path)
        if held is None:
            raise unknown("such file or folder")
        if held.entry.kind == FOLDER:
            return await self._folder(request, access, path)
        if reader is None:
            message = f"{path!r} is a symbolic link; links are never followed"
            raise ProblemError(Problem(Code.SYMLINK, message, path, retry=False))
        with contextlib.closing(reader):
            if given != path:
                raise unknown("such folder")
            return await self.send(request, permit, held, reader, path)

    async def _is_drop_folder(self, access: Access, path: str) -> bool:
        """Whether a user who may not read has added something to this folder."""
        if access.may(Right.READ):
            return False
        return await self._offload(access.view.listing, path, "", 0) is not None

    async def put(self, request: web.Request) -> web.Response:
        """Stores a file: 201 for a new one, 204 if it replaced another one."""
        permit = await self._entrance.permit_of_files(request, Right.ADD)
        path, size, conditions = _asked_upload(request)
        view = permit.access.view
        upload = await self._offload(
            view.stage,
            path,
            size,
            self._mtime(request),
            partial(_admit, conditions, permit),
            HTTP_RUN,
            permit.cause(HTTP_RUN),
        )
        try:
            await _go_on(request)
            await self._receive(request, upload)
            held, created = await self._offload(upload.publish)
        finally:
            await self._offload(upload.drop)
        headers = {"ETag": etag(view.epoch, held.entry.version), "X-Blake3": held.entry.hash}
        return web.Response(status=201 if created else 204, headers=headers)

    async def _receive(self, request: web.Request, upload: ViewUpload) -> None:
        waiting = bytearray()
        async for chunk in chunks(request):
            waiting += chunk
            if len(waiting) >= CHUNK:
                await self._offload(upload.write, waiting)
                waiting = bytearray()
        await self._offload(upload.write, waiting)

    async def send(
        self,
        request: web.Request,
        permit: Permit,
        held: Catalogued,
        reader: BlockingReader,
        path: str,
        more: Mapping[str, str] = NOTHING,
    ) -> web.StreamResponse:
        """Sends the file at `path`, or the part of it that a request wants, with `more` headers.

        Raises:
            ProblemError: `stale`: the request is about another version.
        """
        entry, access = held.entry, permit.access
        epoch = access.view.epoch
        tag = etag(epoch, entry.version)
        headers = {
            "ETag": tag,
            "Accept-Ranges": "bytes",
            "Last-Modified": _date(min(entry.mtime_ns, int(self._wall() * 1e9))),
            "Cache-Control": "private, no-cache",
            "Content-Security-Policy": _policy(_content_type(entry.name)),
            "X-Content-Type-Options": "nosniff",
            **more,
        }
        if entry.hash:
            headers["X-Blake3"] = entry.hash
        if _must_hold(_conditions(request), epoch, held) == "same":
            return web.Response(status=304, headers=headers)
        part = wanted_part(request.headers, tag, entry.size) if request.method == "GET" else "all"
        if part == "none":
            message = f"the file has {entry.size} bytes, none of them in that range"
            beyond = refusal(ProblemError(Problem(Code.BAD_RANGE, message, retry=False)))
            beyond.headers["Content-Range"] = f"bytes */{entry.size}"
            return beyond
        start, end = part if isinstance(part, ByteRange) else ByteRange(0, entry.size)
        response = web.StreamResponse(
            status=206 if isinstance(part, ByteRange) else 200, headers=headers
        )
        response.content_type = _content_type(entry.name)
        if response.content_type.startswith("text/") and await self._is_utf8(reader):
            response.charset = "utf-8"
        response.content_length = end - start
        if isinstance(part, ByteRange):
            response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{entry.size}"
        began = self._steady()
        # Before the status is sent: a file that cannot be read now is refused, not cut.
        first = await self._piece(reader, start, end) if request.method == "GET" else None
        await response.prepare(request)
        if request.method == "GET":
            await self._send(response, reader, start, end, first)
            cause = permit.cause(HTTP_RUN)
            place = access.whole.id, cause, access.view.inside(path)
            file = FetchedVersion(*place, entry.hash, entry.version)
            self._downloads.fetched(file, start, end, entry.size, self._steady() - began)
        await response.write_eof()
        return response

    async def _send(
        self,
        response: web.StreamResponse,
        reader: BlockingReader,
        start: int,
        end: int,
        piece: bytes | None,
    ) -> None:
        """Sends bytes [start, end), of which `piece` is the first.

        The last piece is sent only if the file has not changed since.

        Raises:
            ConnectionResetError: the client is gone, or does not read; or the file has changed:
                then the response is broken off, which the client sees from its length.
        """
        while start < end:
            if piece is None:
                raise ConnectionResetError("the file changed while it was read")
            await sent(response.write(piece))
            start += len(piece)
            piece = await self._piece(reader, start, end)

    async def _piece(self, reader: BlockingReader, start: int, end: int) -> bytes | None:
        """The next piece of bytes [start, end); None: the file has changed since it was opened."""
        piece = bytearray(min(CHUNK, end - start))
        if not piece:
            return b""
        count = await self._offload(reader.read_into, memoryview(piece), start)
        if count < len(piece):
            return None
        if start + count == end and not await self._offload(reader.unchanged):
            return None
        return bytes(piece)

    async def _is_utf8(self, reader: BlockingReader) -> bool:
        """Whether the first part of a file is UTF-8. A character may be cut at its end."""
        piece = bytearray(_TEXT_BYTES)
        count = await self._offload(reader.read_into, memoryview(piece), 0)
        try:
            codecs.getincrementaldecoder("utf-8")().decode(piece[:count])
        except UnicodeDecodeError:
            return False
        return True

    async def _folder(self, request: web.Request, access: Access, path: str) -> web.Response:
        query = _Folder.read(request.query)
        listing = partial(access.view.listing, path, query.after, FOLDER_PAGE + 1)
        entries = await self._offload(listing)
        if entries is None:
            raise unknown("such file or folder")
        more = len(entries) > FOLDER_PAGE
        return answer(folder(access.view.epoch, path, entries[:FOLDER_PAGE], more=more))

    def _mtime(self, request: web.Request) -> int:
        """The mtime of an upload, in ns: X-Mtime (unix seconds, up to nine decimals), or now.

        Raises:
            ProblemError: `bad_request`.
        """
        given = ", ".join(request.headers.getall("X-Mtime", []))
        if "X-Mtime" not in request.headers:
            return int(self._wall() * 1e9)
        if not _SECONDS.fullmatch(given):
            raise bad_request('X-Mtime must be unix seconds such as "1700000000" or "1700000000.5"')
        return kept_time(int(Decimal(given) * 10**9))


def _path(request: web.Request) -> str:
    """The path in the workspace; "" is the workspace itself.

    Raises:
        ProblemError: `bad_path`: the escaped bytes are not UTF-8, so they are no name here.
    """
    try:
        unquote_to_bytes(request.rel_url.raw_path).decode()
    except UnicodeDecodeError:
        raise ProblemError(
            Problem(Code.BAD_PATH, "the path is not UTF-8", hint="names are UTF-8", retry=False)
        ) from None
    return request.match_info.get("path", "")


def _asked_upload(request: web.Request) -> tuple[str, int, Conditions]:
    """The path, the size and the conditions of a PUT.

    Raises:
        ProblemError: `bad_request`, `bad_path`, `reserved_name`, `unsupported`, `no_length`.
    """
    path = _path(request)
    if not path or path.endswith("/"):
        raise bad_request(
            "a file needs a name", "PUT to …/files/WORKSPACE/PATH, without a slash at the end"
        )
    paths.check(path)
    if "Content-Range" in request.headers:
        raise bad_request(
            "a part of a file cannot be put", "send the whole file, without Content-Range"
        )
    refuse_encoding(request)
    if (size := request.content_length) is None:
        hint = "curl sends it for a file, but not for a pipe"
        raise ProblemError(
            Problem(Code.NO_LENGTH, "there is no Content-Length", hint=hint, retry=False)
        )
    conditions = _conditions(request)
    if conditions.unmodified_since is not None:
        raise bad_request(
            "If-Unmodified-Since cannot tell two versions of one second apart",
            "send If-Match with the file's ETag",
        )
    return path, size, conditions


async def _later(_: web.Request) -> None:
    """Asks for no body yet: see `_go_on`."""


async def _go_on(request: web.Request) -> None:
    """Asks for the body, if the client waits for that (RFC 9110, 10.1.1)."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def _conditions(request: web.Request) -> Conditions:
    try:
        return Conditions.of(request.headers)
    except ValueError as error:
        raise bad_request(str(error)) from None


def _admit(conditions: Conditions, permit: Permit, held: Catalogued | None) -> None:
    """Checks that an upload still may go on. Raises ProblemError if it may not."""
    permit.check()
    if _must_hold(conditions, permit.access.view.epoch, held) == "same":
        raise _stale()


def _must_hold(conditions: Conditions, epoch: str, held: Catalogued | None) -> PreconditionVerdict:
    """The verdict of the request's conditions: "go" or "same".

    Raises:
        ProblemError: `stale`, when another version is there than the request is about.
    """
    tag = None if held is None else etag(epoch, held.entry.version)
    modified = 0 if held is None else held.entry.mtime_ns // 10**9
    verdict = conditions.verdict(tag, modified)
    if verdict == "stale":
        raise _stale()
    return verdict


def _stale() -> ProblemError:
    message = "another version is there than the request expects"
    hint = "look again (HEAD gives the current ETag), then decide"
    return ProblemError(Problem(Code.STALE, message, hint=hint, retry=False))


def _content_type(name: str) -> str:
    """Guessed from the name alone; headers keep browsers from guessing, and in a sandbox."""
    guessed, encoding = mimetypes.guess_type(name)
    return guessed if guessed and not encoding else "application/octet-stream"


def _policy(content_type: str) -> str:
    """No file runs scripts. A player in a browser loads its own page again, as the same origin."""
    plays = content_type.startswith(("audio/", "video/"))
    return "sandbox allow-same-origin" if plays else "sandbox"


def _date(mtime_ns: int) -> str:
    """An HTTP date in whole seconds; a year outside its range becomes the nearest possible one."""
    seconds = min(max(mtime_ns // 10**9, 0), 253_402_300_799)
    return format_datetime(_EPOCH + timedelta(seconds=seconds), usegmt=True)
