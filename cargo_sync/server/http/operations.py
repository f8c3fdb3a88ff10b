"""What changes a workspace without content, and hashes, over HTTP. Many in one request, each on its
own."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.server.accounts.access import Access, Grants
from cargo_sync.server.http import fields
from cargo_sync.server.http.answers import answer
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.limits import read_object, sent
from cargo_sync.server.refusals import bad_request
from cargo_sync.server.workspace.operations import Delete, Mkdir, Move, Operation, OperationResult
from cargo_sync.server.workspace.workspace import Workspace

AT_ONCE: Final = 2_000
"""Operations, or files to hash, a request."""
HASHING: Final = 2
"""Files that are hashed at the same time, in the whole server."""
SIGN_OF_LIFE: Final = 10.0
"""Seconds; an empty line keeps a connection alive while a large file is hashed."""


class OperationRoutes:
    """The handlers for batches."""

    def __init__(self, entrance: Authentication, spaces: Grants, offload: Offload) -> None:
        self._entrance = entrance
        self._spaces = spaces
        self._offload = offload
        self._hashing = asyncio.Semaphore(HASHING)

    def routes(self, v1: str) -> list[web.RouteDef]:
        return [
            web.post(f"{v1}/workspaces/{{workspace}}/operations", self.operations),
            web.post(f"{v1}/workspaces/{{workspace}}/hashes", self.hashes),
        ]

    async def operations(self, request: web.Request) -> web.Response:
        access = self._access(request)
        access.may_write()
        body = await read_object(request)
        run = fields.run(body)
        wanted = [_operation(item) for item in fields.rows(body, "operations", AT_ONCE)]
        good = [one for one in wanted if not isinstance(one, Problem)]
        results = iter(await self._offload(access.workspace.change, good, run))
        told = [
            _refused(one) if isinstance(one, Problem) else _told(next(results)) for one in wanted
        ]
        return answer({"results": told})

    async def hashes(self, request: web.Request) -> web.StreamResponse:
        """One JSON object a line, in order, each as soon as it is known."""
        access = self._access(request)
        body = await read_object(request)
        files = [_file(item) for item in fields.rows(body, "files", AT_ONCE)]
        response = web.StreamResponse(
            headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        for file in files:
            work = asyncio.ensure_future(self._hash(access.workspace, *file))
            try:
                while not (await asyncio.wait({work}, timeout=SIGN_OF_LIFE))[0]:
                    await sent(response.write(b"\n"))
                await sent(
                    response.write(orjson.dumps(work.result(), option=orjson.OPT_APPEND_NEWLINE))
                )
            finally:
                work.cancel()
        await response.write_eof()
        return response

    async def _hash(self, workspace: Workspace, path: str, version: int) -> dict[str, Any]:
        async with self._hashing:
            try:
                return {"code": "done", "hash": await self._offload(workspace.hash, path, version)}
            except ProblemError as error:
                return _refused(error.problem)

    def _access(self, request: web.Request) -> Access:
        user = self._entrance.user(request)
        return self._spaces.get(user.name, request.match_info["workspace"])


def _operation(item: object) -> Operation | Problem:
    """One of a batch, or what is wrong with it: each fails alone."""
    try:
        if not isinstance(item, Mapping):
            raise bad_request("an operation must be an object")
        match item.get("op"):
            case "mkdir":
                mode = fields.whole(item, "mode", 0o755, 0o7777)
                return Mkdir(_path(item, "path"), mode, fields.whole(item, "expected", 0))
            case "delete":
                seen = fields.whole(item, "seen") if "seen" in item else None
                return Delete(_path(item, "path"), fields.whole(item, "expected"), seen)
            case "move":
                return Move(_path(item, "path"), _path(item, "to"), fields.whole(item, "expected"))
            case _:
                raise bad_request('"op" must be "mkdir", "delete" or "move"')
    except ProblemError as error:
        return error.problem


def _path(item: Mapping[str, Any], field: str) -> str:
    if path := fields.path(item, field):
        return path
    raise bad_request(f'"{field}" is empty: the workspace itself cannot be changed')


def _file(item: object) -> tuple[str, int]:
    if not isinstance(item, list) or len(item) != 2:
        raise bad_request('"files" must be a list of [path, version]')
    path, version = item
    return fields.path({"path": path}, "path"), fields.whole({"version": version}, "version")


def _told(result: OperationResult) -> dict[str, Any]:
    if isinstance(result, Problem):
        return _refused(result)
    return {
        "code": "done", "version": result.version, "ident": result.ident, "displaced": result.displaced,
    }  # fmt: skip


def _refused(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code_text, "message": str(problem), "retry": problem.retry}
