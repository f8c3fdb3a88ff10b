"""The HTTP API: routes, logins, and errors in one form. docs/http-api.md has the protocol.

Everything but the page is below `<prefix>/v1`. Each group of handlers gets only what it needs; no
handler uses the disk in the event loop.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal, Protocol

from aiohttp import web
from pydantic import Field

from cargo_sync.cluster.holds import ElsewhereError
from cargo_sync.control.audit import AuditWriter
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload, World
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.fields import Asked, text
from cargo_sync.process.http.limits import LOGIN_BYTES, Bodies, read_login
from cargo_sync.process.http.refusing import Handler, refusing
from cargo_sync.server.accounts.access import Grants
from cargo_sync.server.accounts.invitations import Invitations
from cargo_sync.server.accounts.users import User
from cargo_sync.server.flows.anywhere import EndingError
from cargo_sync.server.flows.flows import FlowRequest, OpenedFlow
from cargo_sync.server.history.downloads import Downloads
from cargo_sync.server.http.answers import logged_in, opened, refusal
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.browsing.browse import BrowseRoutes
from cargo_sync.server.http.browsing.page import FilesPage
from cargo_sync.server.http.browsing.polls import Polls
from cargo_sync.server.http.browsing.trash import TrashRoutes
from cargo_sync.server.http.content.files import FileRoutes
from cargo_sync.server.http.content.tickets import TicketRoutes, Tickets
from cargo_sync.server.http.content.unfinished import Uploads
from cargo_sync.server.http.content.uploads import UploadRoutes
from cargo_sync.server.http.fields import HTTP_RUN, Path, Run, Speed
from cargo_sync.server.http.invitations import InvitationRoutes
from cargo_sync.server.http.nodes import NodeRoutes
from cargo_sync.server.http.operations import OperationRoutes
from cargo_sync.server.http.probe import Probe, Readiness
from cargo_sync.state.clients import Clients
from cargo_sync.stores.nodes.pairing import NodePairing

ELSEWHERE: Final = "Cargo-Elsewhere"
"""The address of the server that has a folder, or takes flows: our own clients go on there."""


class FlowBroker(Protocol):
    """Negotiates flows (server.flows). A flow of another user counts as unknown."""

    async def open(self, user: User, request: FlowRequest) -> OpenedFlow:
        """Opens a flow."""

    async def speed(self, user: User, id: str, bps: int | None) -> int | None:
        """Asks for another speed of a running flow; returns the speed that it gets."""

    async def end(self, user: User, id: str) -> None:
        """Ends a flow; it is harmless to end it twice."""


class _Login(Asked):
    username: Annotated[str, text(200)]
    password: Annotated[str, text(LOGIN_BYTES)] = Field(repr=False)


class _Flow(Asked):
    direction: Annotated[Literal["upload", "download"], Field(description='"upload" or "download"')]
    workspace: Annotated[str, text(200)]
    path: Path
    run: Run = HTTP_RUN
    speed: Speed = None
    sealed: Annotated[bool | None, Field(description="true or false")] = None

    def request(self, sealed: bool, address: str) -> FlowRequest:
        """`sealed`: for a client that does not say what it wants."""
        sealed = sealed if self.sealed is None else self.sealed
        way = Mode(self.direction)
        return FlowRequest(way, self.workspace, self.path, self.run, self.speed, sealed, address)


class _Speed(Asked):
    speed: Speed


@dataclass(frozen=True)
class ApiParts:
    """The parts of a server that its API speaks for.

    unready   why balancers should ask another server; "" if they should not
    contents  threads for what may wait for a disk or another machine
    """

    entrance: Authentication
    spaces: Grants
    polls: Polls
    flows: FlowBroker
    uploads: Uploads
    tickets: Tickets
    clients: Clients
    invitations: Invitations
    pairing: NodePairing
    audit: AuditWriter
    downloads: Downloads
    world: World
    contents: Offload
    unready: Callable[[], str] = lambda: ""


class Gateway:
    """The web application of the API."""

    def __init__(self, parts: ApiParts, prefix: str = "") -> None:
        self._entrance = parts.entrance
        self._flows = parts.flows
        self._polls = parts.polls
        self._bodies = Bodies(parts.world.offload)
        self._v1 = f"{prefix}/v1"
        self._groups = [*self._routes_of(parts), *FilesPage(prefix).routes()]

    def _routes_of(self, parts: ApiParts) -> Iterator[web.RouteDef]:
        entrance, bodies, v1 = parts.entrance, self._bodies, self._v1
        quick = parts.world.offload
        slow = replace(parts.world, offload=parts.contents)
        yield from BrowseRoutes(entrance, parts.spaces, parts.polls, parts.clients, quick).routes(
            v1
        )
        yield from TrashRoutes(entrance, bodies, parts.audit, quick).routes(v1)
        yield from OperationRoutes(entrance, bodies, quick).routes(v1)
        files = FileRoutes(entrance, parts.downloads, slow, v1)
        yield from files.routes()
        yield from UploadRoutes(entrance, bodies, parts.uploads, slow.offload).routes(v1)
        yield from TicketRoutes(
            entrance, bodies, files, parts.tickets, parts.downloads, slow, v1
        ).routes()
        yield from InvitationRoutes(entrance, parts.invitations).routes(v1)
        yield from NodeRoutes(entrance, parts.pairing).routes(v1)
        yield from Probe(entrance).routes(v1)
        yield from Readiness(parts.unready).routes(v1)

    def application(self) -> web.Application:
        app = refusing(self._entrance.serving, self._refused, "the API is under /v1")
        app.middlewares.append(self._recalled)
        app.add_routes(
            [
                web.post(f"{self._v1}/login", self.login),
                web.post(f"{self._v1}/logout", self.logout),
                web.post(f"{self._v1}/flows", self.open_flow),
                web.post(f"{self._v1}/flows/{{id}}/speed", self.flow_speed),
                web.delete(f"{self._v1}/flows/{{id}}", self.end_flow),
                *self._groups,
            ]
        )
        app.on_shutdown.append(self._close_polls)
        return app

    @web.middleware
    async def _recalled(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A login may have begun or ended at another server."""
        await self._entrance.recall(request)
        return await handler(request)

    async def login(self, request: web.Request) -> web.Response:
        asked = _Login.read(await read_login(request))
        return answer(
            logged_in(await self._entrance.login(request, asked.username, asked.password))
        )

    async def logout(self, request: web.Request) -> web.Response:
        await self._entrance.logout(request)
        return answer({})

    async def open_flow(self, request: web.Request) -> web.Response:
        user = self._entrance.user(request)
        asked = _Flow.read(await self._bodies.read(request, user.name))
        wanted = asked.request(self._entrance.is_private(request), self._entrance.address(request))
        return answer(opened(await self._flows.open(user, wanted)))

    async def flow_speed(self, request: web.Request) -> web.Response:
        user = self._entrance.user(request)
        asked = _Speed.read(await self._bodies.read(request, user.name))
        granted = await self._flows.speed(user, request.match_info["id"], asked.speed)
        return answer({"granted": granted})

    async def end_flow(self, request: web.Request) -> web.Response:
        user = self._entrance.user(request)
        await self._flows.end(user, request.match_info["id"])
        return answer({})

    def _refused(self, request: web.Request, error: ProblemError) -> web.Response:
        response = refusal(error)
        if response.status == 401:
            response.headers["WWW-Authenticate"] = self._challenge(request)
        # A balancer knows by itself that this server ends. Perhaps only it reaches the others.
        known = isinstance(error, EndingError) and self._entrance.is_proxied(request)
        if isinstance(error, ElsewhereError) and error.address and not known:
            response.headers[ELSEWHERE] = error.address
        return response

    def _challenge(self, request: web.Request) -> str:
        """The way to log in. Browsers ask for a password when Basic is offered.

        Our own page asks by itself: its tokens are answered in kind.
        """
        files = request.path.startswith(f"{self._v1}/files/")
        token = request.headers.get("Authorization", "").lower().startswith("bearer ")
        return "Bearer" if token or not files else 'Basic realm="Cargo", charset="UTF-8"'

    async def _close_polls(self, _: web.Application) -> None:
        self._polls.close()
