"""Changes to a workspace without content, hashes, attributes: many per request, each on its own."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Final

import orjson
from aiohttp import web
from pydantic import Field

from cargo_sync.model.problems import Problem, ProblemError, bad_request
from cargo_sync.model.world import Offload
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.fields import LARGEST, Asked, items, whole
from cargo_sync.process.http.limits import Bodies, sent
from cargo_sync.server.accounts.access import Access
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.grants.view import WorkspaceView
from cargo_sync.server.http.answers import done, hashed, lineage, with_xattrs
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.fields import (
    HTTP_RUN,
    Attributes,
    ChangedPath,
    Path,
    Run,
    Time,
    Whole,
)
from cargo_sync.server.workspace.operations import (
    Delete,
    Exchange,
    Meta,
    Mkdir,
    Move,
    Operation,
)

AT_ONCE: Final = 2_000
"""The most operations, or files to hash, per request."""
READ: Final = 100
"""Files whose extended attributes are read, and in memory, together."""
HASHING: Final = 2
"""Files that the server hashes at the same time."""
SIGN_OF_LIFE: Final = 10.0
"""Seconds after which an empty line keeps the connection alive while a large file is hashed."""


class _Operations(Asked):
    operations: Annotated[list[Any], items(AT_ONCE)]
    run: Run = HTTP_RUN


class _Mkdir(Asked):
    path: ChangedPath
    mode: Annotated[int | None, whole(0o7777)] = None
    expected: Whole = 0

    def operation(self) -> Mkdir:
        return Mkdir(self.path, self.mode, self.expected)


class _Delete(Asked):
    path: ChangedPath
    expected: Whole
    seen: Annotated[int | None, whole(LARGEST)] = None

    def operation(self) -> Delete:
        return Delete(self.path, self.expected, self.seen)


class _Move(Asked):
    path: ChangedPath
    to: ChangedPath
    expected: Whole
    seen: Annotated[int | None, whole(LARGEST)] = None

    def operation(self) -> Move:
        return Move(self.path, self.to, self.expected, self.seen)


class _Exchange(Asked):
    path: ChangedPath
    to: ChangedPath
    expected: Whole
    expected_to: Whole
    seen: Annotated[int | None, whole(LARGEST)] = None

    def operation(self) -> Exchange:
        return Exchange(self.path, self.to, self.expected, self.expected_to, self.seen)


class _Meta(Asked):
    path: ChangedPath
    expected: Whole
    mode: Annotated[int, whole(0o7777)]
    mtime_ns: Time = None
    xattrs: Attributes = None

    def operation(self) -> Meta:
        return Meta(self.path, self.expected, self.mode, self.mtime_ns, self.xattrs)


class _Hashes(Asked):
    files: Annotated[list[Any], items(AT_ONCE)]
    reread: Annotated[bool, Field(description="true or false")] = False


class _WithXattrs(Asked):
    files: Annotated[list[Any], items(AT_ONCE)]


class _FileVersion(Asked):
    path: Path
    version: Whole


class OperationRoutes:
    """The handlers for batches."""

    def __init__(self, entrance: Authentication, bodies: Bodies, offload: Offload) -> None:
        self._entrance = entrance
        self._bodies = bodies
        self._offload = offload
        self._hashing = asyncio.Semaphore(HASHING)

    def routes(self, v1: str) -> list[web.RouteDef]:
        return [
            web.post(f"{v1}/workspaces/{{workspace}}/operations", self.operations),
            web.post(f"{v1}/workspaces/{{workspace}}/hashes", self.hashes),
            web.post(f"{v1}/workspaces/{{workspace}}/xattrs", self.xattrs),
        ]

    async def operations(self, request: web.Request) -> web.Response:
        permit = self._entrance.permit(request, Right.ADD)
        view = permit.access.view
        asked = _Operations.read(await self._bodies.read(request, permit.user))
        wanted = [_allowed(permit.access, _operation(item)) for item in asked.operations]
        good = [one for one in wanted if not isinstance(one, Problem)]
        change = partial(view.change, good, asked.run, permit.check, permit.cause(asked.run))
        results = iter(await self._offload(change))
        told = [one if isinstance(one, Problem) else next(results) for one in wanted]
        return answer({"results": [done(one) for one in told]} | lineage(view.lineage))

    async def hashes(self, request: web.Request) -> web.StreamResponse:
        """Sends one JSON object per line, in order, each as soon as it is known."""
        permit = self._entrance.permit(request, Right.READ)
        view = permit.access.view
        asked = _Hashes.read(await self._bodies.read(request, permit.user))
        files = [_file(item) for item in asked.files]
        response = await _lines(request)
        for file in files:
            work = asyncio.ensure_future(self._hash(view, file, reread=asked.reread))
            try:
                while not (await asyncio.wait({work}, timeout=SIGN_OF_LIFE))[0]:
                    await sent(response.write(b"\n"))
                line = orjson.dumps(hashed(work.result()), option=orjson.OPT_APPEND_NEWLINE)
                await sent(response.write(line))
            finally:
                work.cancel()
        await response.write_eof()
        return response

    async def xattrs(self, request: web.Request) -> web.StreamResponse:
        """Sends one JSON object per line, in order: the extended attributes of files."""
        permit = self._entrance.permit(request, Right.READ)
        view = permit.access.view
        asked = _WithXattrs.read(await self._bodies.read(request, permit.user))
        files = [_file(item) for item in asked.files]
        response = await _lines(request)
        for start in range(0, len(files), READ):
            some = [(file.path, file.version) for file in files[start : start + READ]]
            for found in await self._offload(view.xattrs, some):
                line = orjson.dumps(with_xattrs(found), option=orjson.OPT_APPEND_NEWLINE)
                await sent(response.write(line))
        await response.write_eof()
        return response

    async def _hash(
        self, view: WorkspaceView, file: _FileVersion, *, reread: bool
    ) -> str | Problem:
        async with self._hashing:
            try:
                return await self._offload(view.hash, file.path, file.version, reread)
            except ProblemError as error:
                return error.problem


def _operation(item: object) -> Operation | Problem:
    """One operation of a batch, or its problem: each can fail alone."""
    try:
        if not isinstance(item, Mapping):
            raise bad_request("an operation must be an object")
        match item.get("op"):
            case "mkdir":
                return _Mkdir.read(item).operation()
            case "delete":
                return _Delete.read(item).operation()
            case "move":
                return _Move.read(item).operation()
            case "exchange":
                return _Exchange.read(item).operation()
            case "meta":
                return _Meta.read(item).operation()
            case _:
                ops = '"mkdir", "delete", "move", "exchange" or "meta"'
                raise bad_request(f'"op" must be {ops}')
    except ProblemError as error:
        return error.problem


def _allowed(access: Access, wanted: Operation | Problem) -> Operation | Problem:
    """An operation, or why this user may not do it. All of them may at least make folders."""
    if isinstance(wanted, Problem | Mkdir):
        return wanted
    try:
        access.require(Right.CHANGE)
    except ProblemError as error:
        return error.problem
    return wanted


async def _lines(request: web.Request) -> web.StreamResponse:
    """An answer of JSON objects, one per line."""
    response = web.StreamResponse(
        headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    return response


def _file(item: object) -> _FileVersion:
    if not isinstance(item, list) or len(item) != 2:
        raise bad_request('"files" must be a list of [path, version]')
    return _FileVersion.read(dict(zip(("path", "version"), item, strict=True)))
