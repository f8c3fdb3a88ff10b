"""Storage nodes over HTTP: one joins with a token, without a login."""

from functools import partial
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, Field

from cargo_sync.config import places
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.fields import Asked, text
from cargo_sync.process.http.limits import read_login
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.stores.nodes.pairing import JoiningNode, NodePairing

Port = Annotated[int, Field(ge=1, le=65535, description="a port, 1 to 65535")]


class _Node(Asked):
    name: Annotated[str, text(200)]
    token: Annotated[str, text(200)] = Field(repr=False)
    address: Annotated[
        str, AfterValidator(places.host_name), Field(description="a host name or an IP address")
    ]
    port: Port
    lane_port: Port
    fingerprint: Annotated[
        str, AfterValidator(places.fingerprint), Field(description="a SHA-256 in hex")
    ]


class NodeRoutes:
    """The handler for nodes that were invited."""

    def __init__(self, entrance: Authentication, pairing: NodePairing) -> None:
        self._entrance = entrance
        self._pairing = pairing

    def routes(self, v1: str) -> list[web.RouteDef]:
        return [web.post(f"{v1}/nodes", self.join)]

    async def join(self, request: web.Request) -> web.Response:
        asked = _Node.read(await read_login(request))
        node = JoiningNode(**asked.model_dump(exclude={"token"}))
        prove = partial(self._pairing.join, node, asked.token)
        return answer((await self._entrance.let_in(request, prove))._asdict())
