"""The trash of a workspace over HTTP: listed in pages, restored, emptied.

A version is named by its id. Its place in the trash is told, but never taken from a client.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from cargo_sync.api.trash_commands import WORKSPACE_TRASH_EMPTY, WORKSPACE_TRASH_RESTORE
from cargo_sync.control.audit import AuditWriter
from cargo_sync.model.displaced import TrashFilter
from cargo_sync.model.problems import bad_request
from cargo_sync.model.world import Offload
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.fields import LARGEST, Asked, Query, digits, text, whole
from cargo_sync.process.http.limits import Bodies
from cargo_sync.server.accounts.permits import Permit
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.http.answers import restored, trash_page
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.fields import HTTP_RUN, Path, Run, at_least_one

ROWS: Final = 1_000
"""The most rows per response."""
AT_ONCE: Final = 500
"""The most versions per request."""
_PATTERN: Final = 4_096

_Ids = Annotated[
    list[Annotated[int, Field(ge=1, le=LARGEST)]],
    Field(max_length=AT_ONCE, description="a list of ids"),
]


class _Trash(Query):
    pattern: Annotated[str, text(_PATTERN)] = ""
    under: Path = ""
    run: Annotated[str, text(100)] = ""
    since: Annotated[int, digits, whole(LARGEST)] = 0
    all: Annotated[str, Field(pattern=r"^[01]?\z", description="0 or 1")] = ""
    before: Annotated[int, digits, whole(LARGEST)] = LARGEST
    limit: Annotated[int, digits, whole(ROWS), at_least_one] = ROWS

    def wanted(self) -> TrashFilter:
        kept = self.all != "1"
        return TrashFilter(self.pattern, self.under, run=self.run, since=self.since, kept=kept)


class _Restore(Asked):
    ids: _Ids
    to: Path = ""
    under: Path = ""
    inside: Path = ""
    run: Run = HTTP_RUN


class _Empty(Asked):
    ids: _Ids | None = Field(None, description="a list of ids")
    older: Annotated[int, whole(LARGEST)] | None = Field(
        None, description="a whole number of seconds, 0 or more"
    )
    under: Path = ""


class TrashRoutes:
    """The handlers for the trash; what changes it becomes a row of the audit, as a command does."""

    def __init__(
        self, entrance: Authentication, bodies: Bodies, audit: AuditWriter, offload: Offload
    ) -> None:
        self._entrance = entrance
        self._bodies = bodies
        self._audit = audit
        self._offload = offload

    def routes(self, v1: str) -> list[web.RouteDef]:
        trash = f"{v1}/workspaces/{{workspace}}/trash"
        return [
            web.get(trash, self.trash),
            web.post(f"{trash}/restore", self.restore),
            web.post(f"{trash}/empty", self.empty),
        ]

    async def trash(self, request: web.Request) -> web.Response:
        view = self._entrance.permit(request, Right.READ).access.view
        query = _Trash.read(request.query)
        page = await self._offload(view.trash, query.wanted(), query.before, query.limit)
        return answer(trash_page(page, await self._offload(view.trash_totals)))

    async def restore(self, request: web.Request) -> web.Response:
        permit = self._entrance.permit(request, Right.CHANGE)
        asked = _Restore.read(await self._bodies.read(request, permit.user))
        args = {"ids": asked.ids, "to": asked.to, "under": asked.under, "inside": asked.inside}
        async with self._row(request, permit, WORKSPACE_TRASH_RESTORE.name, args):
            results = await self._offload(
                permit.access.view.restore,
                asked.ids,
                asked.to,
                asked.run,
                permit.check,
                permit.cause(asked.run),
                asked.under,
                asked.inside,
            )
        return answer({"results": [restored(one) for one in results]})

    async def empty(self, request: web.Request) -> web.Response:
        permit = self._entrance.permit(request, Right.CHANGE)
        view = permit.access.view
        asked = _Empty.read(await self._bodies.read(request, permit.user))
        if (asked.ids is None) == (asked.older is None):
            hint = '"older": 0 empties all of it'
            raise bad_request('give either "ids" or "older"', hint)
        args = {"ids": asked.ids, "older": asked.older, "under": asked.under}
        async with self._row(request, permit, WORKSPACE_TRASH_EMPTY.name, args):
            if asked.ids is not None:
                freed = await self._offload(view.free, asked.ids, permit.check)
            else:
                wanted = TrashFilter(under=asked.under, older=asked.older or 0)
                freed = await self._offload(view.free_all, wanted, permit.check)
        return answer(freed._asdict())

    def _row(
        self, request: web.Request, permit: Permit, command: str, args: Mapping[str, object]
    ) -> AbstractAsyncContextManager[None]:
        who = f'user "{permit.user}" at {self._entrance.address(request)}'
        given = {name: value for name, value in args.items() if value not in (None, "")}
        workspace = request.match_info["workspace"]
        return self._audit.row(who, command, {"workspace": workspace, **given})
