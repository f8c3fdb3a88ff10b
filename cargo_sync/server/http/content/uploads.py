"""Uploads in pieces: POST, PATCH, GET and DELETE below /v1/uploads.

A page in a browser cannot keep a connection through a reload, and cannot hash a large file at once.
So it sends a file as pieces, each with its digest; one that is cut off is sent again.
docs/http-api.md has the protocol.
"""

import base64
import binascii
import hashlib
import re
from functools import partial
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from cargo_sync.model.entries import EARLIEST, LATEST
from cargo_sync.model.problems import Code, Problem, ProblemError, bad_request
from cargo_sync.model.world import Offload
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.fields import Asked, text
from cargo_sync.process.http.limits import Bodies
from cargo_sync.server.accounts.permits import Permit
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.http.answers import begun, published, refusal, upload_row
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.content.conditions import etag
from cargo_sync.server.http.content.unfinished import PIECE, PublishedUpload, Uploads, WantedUpload
from cargo_sync.server.http.fields import ChangedPath, Whole
from cargo_sync.state.uploads import UploadRow

_OFFSET: Final = re.compile(r"\d{1,19}", re.ASCII)
_DIGEST: Final = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?=,|$)")
_AT: Final = "Upload-Offset"


class _Begin(Asked):
    workspace: Annotated[str, text(200)]
    path: ChangedPath
    size: Whole
    mtime_ns: Annotated[
        int,
        Field(
            ge=EARLIEST,
            le=LATEST,
            description=f"nanoseconds since 1970 from {EARLIEST} to {LATEST}",
        ),
    ]
    expected: Whole

    def wanted(self) -> WantedUpload:
        return WantedUpload(self.path, self.size, self.mtime_ns, self.expected)


class _Expect(Asked):
    expected: Whole


class UploadRoutes:
    """The handlers of /v1/uploads."""

    def __init__(
        self, entrance: Authentication, bodies: Bodies, uploads: Uploads, offload: Offload
    ) -> None:
        self._entrance = entrance
        self._bodies = bodies
        self._uploads = uploads
        self._offload = offload

    def routes(self, v1: str) -> list[web.RouteDef]:
        return [
            web.post(f"{v1}/uploads", self.begin),
            web.get(f"{v1}/uploads", self.all),
            web.get(f"{v1}/uploads/{{id}}", self.look),
            web.patch(f"{v1}/uploads/{{id}}", self.append),
            web.post(f"{v1}/uploads/{{id}}", self.expect),
            web.delete(f"{v1}/uploads/{{id}}", self.abandon),
        ]

    async def begin(self, request: web.Request) -> web.Response:
        user = self._entrance.user(request)
        asked = _Begin.read(await self._bodies.read(request, user.name))
        permit = self._entrance.permit_in(request, user, asked.workspace, Right.ADD)
        row = await self._offload(self._uploads.begin, permit, asked.wanted())
        return answer(begun(row.id, PIECE), status=201)

    async def all(self, request: web.Request) -> web.Response:
        user = self._entrance.user(request)
        rows = await self._offload(self._uploads.of, user.name)
        return answer({"uploads": [upload_row(row, arrived) for row, arrived in rows]})

    async def look(self, request: web.Request) -> web.Response:
        row, permit = await self._asked(request)
        done, pieces = await self._offload(self._uploads.look, row, permit)
        response = answer(upload_row(row, done) | {"digests": [one._asdict() for one in pieces]})
        response.headers[_AT] = str(done)
        return response

    async def append(self, request: web.Request) -> web.Response:
        """Takes one piece. A piece at another place is refused, and the answer says which one."""
        row, permit = await self._asked(request)
        offset, digest = _offset(request), _digest(request)
        async with self._bodies.piece(request, permit.user, PIECE) as content:
            found = await self._offload(hashlib.sha256, content)
            if found.digest() != digest:
                raise _corrupt()
            piece = partial(self._uploads.append, row, permit, offset)
            try:
                taken = await self._offload(piece, memoryview(content))
            except ProblemError as error:
                if error.problem.code is not Code.STALE:
                    raise
                return await self._elsewhere(error, row)
        return _taken(permit, row, taken)

    async def expect(self, request: web.Request) -> web.Response:
        row, permit = await self._asked(request)
        asked = _Expect.read(await self._bodies.read(request, permit.user))
        taken = await self._offload(self._uploads.expect, row, permit, asked.expected)
        return _taken(permit, row, taken)

    async def abandon(self, request: web.Request) -> web.Response:
        user = self._entrance.user(request)
        row = await self._offload(self._uploads.row, user.name, request.match_info["id"])
        try:
            permit = self._entrance.permit_in(request, user, row.workspace, Right.LOOK)
            view = permit.access.view
        except ProblemError:  # the user has lost it, but what was begun there can be given up
            view = None
        await self._offload(self._uploads.abandon, row, view)
        return answer({})

    async def _asked(self, request: web.Request) -> tuple[UploadRow, Permit]:
        """The upload of a request, and the permit to write into its workspace."""
        user = self._entrance.user(request)
        row = await self._offload(self._uploads.row, user.name, request.match_info["id"])
        return row, self._entrance.permit_in(request, user, row.workspace, Right.ADD)

    async def _elsewhere(self, error: ProblemError, row: UploadRow) -> web.Response:
        response = refusal(error)
        response.headers[_AT] = str(await self._offload(self._uploads.arrived, row))
        return response


def _taken(permit: Permit, row: UploadRow, done: int | PublishedUpload) -> web.Response:
    """Where the next piece begins, or what was published."""
    if isinstance(done, int):
        response = answer({"offset": done})
        response.headers[_AT] = str(done)
        return response
    entry = done.held.entry
    tag = etag(permit.access.view.epoch, entry.version)
    response = answer(published(row.size, entry, tag), status=201 if done.created else 200)
    response.headers.update({_AT: str(row.size), "ETag": tag, "X-Blake3": entry.hash})
    return response


def _offset(request: web.Request) -> int:
    given = ", ".join(request.headers.getall(_AT, []))
    if not _OFFSET.fullmatch(given):
        raise bad_request(f"{_AT} must be a whole number: where the piece begins in the file")
    return int(given)


def _digest(request: web.Request) -> bytes:
    """The SHA-256 that a client sends with a piece (RFC 9530).

    Raises:
        ProblemError: `bad_request`.
    """
    given = ", ".join(request.headers.getall("Content-Digest", []))
    if found := _DIGEST.search(given):
        try:
            return base64.b64decode(found[1], validate=True)
        except binascii.Error:
            pass
    raise bad_request("Content-Digest must be sha-256=:…: with the digest of the piece in base64")


def _corrupt() -> ProblemError:
    message = "the piece arrived with another digest than its Content-Digest"
    return ProblemError(Problem(Code.CORRUPT, message, hint="send it again"))
