"""The content of a workspace over HTTP: workspaces, tree, one entry, changes with long poll."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final

from aiohttp import web

from cargo_sync.catalogue.contract import ChangesPage
from cargo_sync.machines.own_changes import OwnChanges
from cargo_sync.model.entries import Entry, PlacedEntries
from cargo_sync.model.problems import bad_request
from cargo_sync.model.transfers import columns, is_vast
from cargo_sync.model.world import Offload
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.connection import told_of_loss
from cargo_sync.process.http.fields import LARGEST, Query, digits, text, whole
from cargo_sync.server.accounts.access import Access, Grants
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.grants.view import WorkspaceView
from cargo_sync.server.http.answers import limited, shown_problem
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.browsing.polls import Polls
from cargo_sync.server.http.fields import After, Client, Cursor, Own, Path, at_least_one
from cargo_sync.server.refusals import unknown
from cargo_sync.server.workspace.contract import News
from cargo_sync.state.clients import Clients

LIMIT: Final = 10_000
"""The most rows per response."""
PAGE: Final = 8 * 2**20
"""A page of more bytes is made again with half of its rows: clients read twice as much at most."""
WAIT: Final = 55
"""The longest wait of a poll, in seconds: proxies give up after 60."""
GONE: Final = "x"
"""The kind of a path without an entry."""


Limit = Annotated[int, digits, whole(LIMIT), at_least_one]


class _Workspaces(Query):
    since: Annotated[int, digits, whole(LARGEST)] = 0


class _Tree(Query):
    path: Path = ""
    after: After = ""
    limit: Limit = LIMIT


class _Entry(Query):
    path: Path = ""


class _Changes(Query):
    since: Cursor = 0
    under: Path = ""
    wait: Annotated[int, digits, whole(WAIT)] = 0
    limit: Limit = LIMIT
    own: Own = ()
    own_lineage: Annotated[str, text(64)] = ""
    newest: Annotated[int | None, digits, whole(LARGEST)] = None
    client: Client = None


class BrowseRoutes:
    """The handlers that only read."""

    def __init__(
        self,
        entrance: Authentication,
        spaces: Grants,
        polls: Polls,
        clients: Clients,
        offload: Offload,
    ) -> None:
        self._entrance = entrance
        self._spaces = spaces
        self._polls = polls
        self._clients = clients
        self._offload = offload

    def routes(self, v1: str) -> list[web.RouteDef]:
        return [
            web.get(f"{v1}/workspaces", self.workspaces),
            web.get(f"{v1}/workspaces/{{workspace}}/tree", self.tree),
            web.get(f"{v1}/workspaces/{{workspace}}/entry", self.entry),
            web.get(f"{v1}/workspaces/{{workspace}}/changes", self.changes),
        ]

    async def workspaces(self, request: web.Request) -> web.Response:
        user = self._entrance.user(request)
        since = _Workspaces.read(request.query).since
        shown = []
        for access in self._spaces.of(user.name):
            position = await self._offload(access.view.position, since)
            mine = {"name": access.name, "access": access.shown}
            away = await self._offload(access.view.away)
            why = {"problem": shown_problem(away)} if away else {}
            # Who has a part of a workspace must not learn how much is in it.
            whole = access.may(Right.READ) and not access.view.path
            quotas = access.whole.quotas
            limit = await self._offload(quotas.state, user.name) if whole else None
            shown.append(mine | position._asdict() | limited(limit) | why)
        return answer({"workspaces": shown})

    async def tree(self, request: web.Request) -> web.Response:
        view = self._entrance.permit(request, Right.LOOK).access.view
        query = _Tree.read(request.query)
        rest = await self._offload(view.listing, query.path, query.after, query.limit + 1)
        if rest is None:
            raise unknown("such folder")
        rows = min(query.limit, len(rest))
        while _is_long(response := _tree(rest, rows)) and rows > 1:
            rows //= 2
        return response

    async def entry(self, request: web.Request) -> web.Response:
        view = self._entrance.permit(request, Right.LOOK).access.view
        path = _Entry.read(request.query).path
        if not path:
            raise bad_request('"path" is empty: the workspace itself is not an entry')
        found = await self._offload(view.entry, path)
        if found is None:
            raise unknown("such file or folder")
        holes = await self._offload(view.holes, path) if is_vast(found.size) else 0
        return answer({"entry": tuple(found), "holes": holes})

    async def changes(self, request: web.Request) -> web.Response:
        permit = self._entrance.permit(request, Right.LOOK)
        access = permit.access
        query = _Changes.read(request.query)
        if query.client is not None:
            await self._offload(self._clients.meet, permit.user, query.client)

        news = await self._news(request, access.view, query, permit.user)
        while _is_long(response := _changes(access, news)) and len(news.page.rows) > 1:
            news = await self._look(access.view, query, len(news.page.rows) // 2)
        return response

    async def _look(self, view: WorkspaceView, query: _Changes, limit: int) -> News:
        own = OwnChanges(query.own, lineage=query.own_lineage)
        news = partial(view.news, query.since, query.under, limit, own, query.newest)
        return await self._offload(news)

    async def _news(
        self, request: web.Request, view: WorkspaceView, query: _Changes, user: str
    ) -> News:
        """What changed, once something did or the time to wait is over.

        Raises:
            ConnectionResetError: the client has left.
        """
        if not query.wait:
            return await self._look(view, query, query.limit)
        # The poll is registered before the look, so that no change is missed in between.
        with (
            self._polls.waiting(view.id, view.waits_at(query.under), user) as changed,
            told_of_loss(request, changed.set),
        ):
            news = await self._look(view, query, query.limit)
            try:
                async with asyncio.timeout(query.wait):
                    while not (_has_news(news.page, query.since) or self._polls.closed):
                        await changed.wait()
                        changed.clear()
                        if request.transport is None:
                            raise ConnectionResetError("the client is gone")
                        news = await self._look(view, query, query.limit)
            except TimeoutError:
                pass
        return news


def _has_news(page: ChangesPage, since: int) -> bool:
    # A sequence below the client's is also news: an old backup was restored.
    return bool(page.rows) or page.sequence < since


def _is_long(response: web.Response) -> bool:
    return isinstance(response.body, bytes) and len(response.body) > PAGE


def _tree(rest: Sequence[Entry], rows: int) -> web.Response:
    shown, more = rest[:rows], rows < len(rest)
    return answer({"entries": columns(shown), "next": shown[-1].name if more else None})


def _changes(access: Access, news: News) -> web.Response:
    page = news.page
    why = {"problem": shown_problem(news.away)} if news.away else {}
    return answer(
        {
            "epoch": access.view.epoch,
            "access": access.shown,
            "sequence": page.sequence,
            "next": page.next,
            "more": page.more,
            "lineage": page.lineage,
            "newest_lineage": page.newest_lineage,
            "life": access.view.lineage.token,
            "known": news.known,
            "floor": page.floor,
            "own": news.without,
            "folds": news.folds,
            "xattrs": news.xattrs,
            "rows": _rows(page.rows),
        }
        | why
    )


def _rows(rows: Sequence[tuple[str, Entry | None]]) -> Sequence[Sequence[object]]:
    """The columns of the changes."""
    if isinstance(rows, PlacedEntries):
        return [rows.paths, *rows.entries.columns()[1:]]
    gone = (GONE, 0, 0, 0, 0, 0, "", "")
    return columns([(path, *(gone if entry is None else entry[1:])) for path, entry in rows])
