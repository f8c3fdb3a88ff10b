"""Tickets: addresses for downloads that a browser makes by itself, without a header of ours.

Whoever has the address gets the file: so it is unguessable, for one version or selection of one
user, must be used within ten minutes, and ends with the login that asked for it. What comes is
always saved, never shown, because other users may have put it there.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import AfterValidator, Field

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.history import HistoryFiles
from cargo_sync.model.problems import bad_request
from cargo_sync.model.world import World
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.fields import Asked, text
from cargo_sync.process.http.limits import Bodies, sent
from cargo_sync.server.accounts.logins import LoginMark
from cargo_sync.server.accounts.permits import Permit
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.history.downloads import Downloads
from cargo_sync.server.http.answers import ticket
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.content.archive import Archive
from cargo_sync.server.http.content.attachment import disposition
from cargo_sync.server.http.content.files import FileRoutes
from cargo_sync.server.http.fields import HTTP_RUN, Path
from cargo_sync.server.refusals import unknown
from cargo_sync.server.workspace.refusals import changed
from cargo_sync.state.tickets import TicketRow, TicketRows

START: Final = 600.0
"""Seconds in which a download must begin."""
GOES_ON: Final = 3_600.0
"""Seconds after that in which parts of a file may be asked for."""
PER_USER: Final = 100
"""Tickets of one user; one more ends the oldest."""
AT_ONCE: Final = 1_000
"""The most paths of a ticket."""
ARCHIVES: Final = 4
"""Archives that are made at the same time; the next ones wait."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A permission to download something once.

    version  of the file, if it is one
    login    whose it is: the ticket ends with it
    ends     steady seconds
    """

    user: str
    workspace: str
    paths: tuple[str, ...]
    version: int | None
    name: str
    login: LoginMark
    ends: float
    started: bool = False


class SharedTickets:
    """The tickets of all servers that share a state."""

    def __init__(self, rows: TicketRows, world: World) -> None:
        self._rows = rows
        self._world = world

    async def put(self, key: bytes, ticket: Ticket) -> None:
        """Keeps a ticket. Raises ProblemError."""
        world = self._world
        about = (ticket.user, ticket.workspace, ticket.paths, ticket.version, ticket.name)
        ends = world.wall() + ticket.ends - world.steady()
        row = TicketRow(*about, ticket.login, ends, ticket.started)
        await world.offload(self._rows.put, key, row, PER_USER, world.wall())

    async def get(self, key: bytes) -> Ticket | None:
        """The ticket of a secret, or None. Raises ProblemError."""
        world = self._world
        row = await world.offload(self._rows.get, key)
        if row is None:
            return None
        ends = world.steady() + row.ends - world.wall()
        login = LoginMark(row.login)
        return Ticket(
            row.user, row.workspace, row.paths, row.version, row.name, login, ends, row.started
        )


class Tickets:
    """The tickets that can be used now. For the event loop.

    Args:
        steady: seconds.
        token: makes 32 hex digits that nobody can guess.
        shared: those of all servers; None for a server that is alone.
    """

    def __init__(
        self,
        steady: Callable[[], float],
        token: Callable[[], str],
        shared: SharedTickets | None = None,
    ) -> None:
        self._steady = steady
        self._token = token
        self._shared = shared
        self._kept: dict[bytes, Ticket] = {}
        """By the digest of the secret in its address."""

    async def add(self, ticket: Ticket) -> str:
        """Keeps a ticket; returns its secret. Its `ends` is set here.

        Raises:
            ProblemError: the state cannot be written.
        """
        now = self._steady()
        for key in [key for key, one in self._kept.items() if one.ends <= now]:
            del self._kept[key]
        own = [key for key, one in self._kept.items() if one.user == ticket.user]
        for key in own[: len(own) - PER_USER + 1]:
            del self._kept[key]
        secret = self._token()
        await self._keep(_key(secret), replace(ticket, ends=now + START))
        return secret

    async def _keep(self, key: bytes, ticket: Ticket) -> None:
        if self._shared is not None:
            await self._shared.put(key, ticket)
        else:
            self._kept[key] = ticket

    async def use(self, secret: str) -> Ticket:
        """The ticket of a secret. It can be used for an hour after its first use.

        Raises:
            ProblemError: `unknown`: there is none, or its time is over; or the state cannot be
                used.
        """
        key, now = _key(secret), self._steady()
        ticket = self._kept.get(key) if self._shared is None else await self._shared.get(key)
        if ticket is None or ticket.ends <= now:
            self._kept.pop(key, None)
            raise unknown("such ticket")
        if not ticket.started:
            await self._keep(key, replace(ticket, ends=now + GOES_ON, started=True))
        return ticket


def _some(given: list[str]) -> list[str]:
    if not given:
        raise bad_request('"paths" is empty')
    return given


class _Wanted(Asked):
    workspace: Annotated[str, text(200)]
    paths: Annotated[
        list[Path],
        Field(max_length=AT_ONCE, description="a list of paths"),
        AfterValidator(_some),
    ]
    form: Annotated[Literal["file", "zip"], Field(alias="as", description='"file" or "zip"')]


class TicketRoutes:
    """The handlers of /v1/tickets."""

    def __init__(
        self,
        entrance: Authentication,
        bodies: Bodies,
        files: FileRoutes,
        tickets: Tickets,
        downloads: Downloads,
        world: World,
        v1: str,
    ) -> None:
        self._downloads = downloads
        self._entrance = entrance
        self._bodies = bodies
        self._files = files
        self._tickets = tickets
        self._offload = world.offload
        self._wall = world.wall
        self._v1 = v1
        self._archives = asyncio.Semaphore(ARCHIVES)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{self._v1}/tickets", self.ask),
            web.get(f"{self._v1}/tickets/{{secret}}", self.use),
        ]

    async def ask(self, request: web.Request) -> web.Response:
        user = self._entrance.user(request)
        asked = _Wanted.read(await self._bodies.read(request, user.name))
        access = self._entrance.permit_in(request, user, asked.workspace, Right.READ).access
        held = await self._offload(access.view.entries, asked.paths)
        there = dict(zip(asked.paths, held, strict=True))
        if any(path and one is None for path, one in there.items()):
            raise unknown("such file or folder")
        version = None
        name = _name(asked.workspace, asked.paths)
        if asked.form == "file":
            [only] = held if len(held) == 1 else [None]
            if only is None or only.entry.kind != FILE:
                raise bad_request('"as": "file" is for one file', 'ask for "zip" instead')
            version = only.entry.version
        else:
            name += ".zip"
        wanted = tuple(asked.paths)
        made = Ticket(
            user.name, access.name, wanted, version, name, self._entrance.mark(request), 0.0
        )
        secret = await self._tickets.add(made)
        return answer(ticket(f"{self._v1}/tickets/{secret}", int(START)), status=201)

    async def use(self, request: web.Request) -> web.StreamResponse:
        ticket = await self._tickets.use(request.match_info["secret"])
        await self._entrance.recall_marked(ticket.login)
        user = self._entrance.marked(request, ticket.login)
        permit = self._entrance.permit_in(request, user, ticket.workspace, Right.READ)
        view = permit.access.view
        header = {"Content-Disposition": disposition(ticket.name)}
        if ticket.version is None:
            archive = Archive(view, ticket.paths, self._wall(), partial(self._packed, permit))
            async with self._archives:
                return await self._zip(request, archive, header)
        [path] = ticket.paths
        held, reader = await self._offload(view.open, path)
        if held is None or reader is None:
            raise changed(path)
        with contextlib.closing(reader):
            if held.entry.version != ticket.version:
                raise changed(path)
            return await self._files.send(request, permit, held, reader, path, header)

    def _packed(self, permit: Permit, path: str, entry: Entry) -> None:
        """All of a file went into an archive, which is sent as it is made. Any thread calls it."""
        access = permit.access
        place = access.view.inside(path)
        files = HistoryFiles([place], [entry.size], [entry.hash], [entry.version])
        self._downloads.took(access.whole.id, permit.cause(HTTP_RUN), files, 0.0)

    async def _zip(
        self, request: web.Request, archive: Archive, header: Mapping[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/zip",
                "Content-Security-Policy": "sandbox",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
                **header,
            }
        )
        await response.prepare(request)
        if request.method == "GET":
            pieces = archive.pieces()
            next_piece = partial(next, pieces, None)
            while (piece := await self._offload(next_piece)) is not None:
                await sent(response.write(piece))
        await response.write_eof()
        return response


def _name(workspace: str, asked: list[str]) -> str:
    """What a download is called: as what is asked for, or as the folder that has all of it."""
    if len(asked) == 1 and asked[0]:
        return paths.name(asked[0])
    above = paths.parent(asked[0]) if asked[0] else ""
    return paths.name(above) if above else workspace


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
