"""The HTTPS API of a node, for its coordinator alone: whoever else asks gets 401 and no words.

It shows and removes contents, and opens flows. No request gives or takes the bytes of a content:
these travel over lanes only. What a lost coordinator may ask for is in `recovery`.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated, Any, Final, Literal, Protocol

from aiohttp import web
from pydantic import AfterValidator, Field

from cargo_sync.machines.nodes.orders import DeletionOrder, OrderVerdict
from cargo_sync.model.contents import is_hash
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, LaterError, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.node.flows import NodeFlow, NodeFlows
from cargo_sync.node.recovery import OPEN, NodeRecovery
from cargo_sync.node.scrubbing import Scrubbing
from cargo_sync.process.http import answers
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.connection import arrival_of
from cargo_sync.process.http.fields import LARGEST, Asked, Query, digits, text, whole
from cargo_sync.process.http.limits import Bodies
from cargo_sync.process.http.refusing import refusing
from cargo_sync.stores.blobs import BlobFolder

HASHES: Final = 10_000
"""The most hashes in one request or one answer."""
DAMAGED: Final = 1_000
"""The most damaged contents that a state names; it counts all."""
_BEARER: Final = "bearer "
_DISPLACED: Final = "a later start of the server, or a copy of it, has taken this node over"
_RIGHT_ONE: Final = "if both run, stop the wrong one, then restart the right one"


def _hash(text: str) -> str:
    if text and not is_hash(text):
        raise ValueError("not a hash")
    return text


class _Page(Query):
    after: Annotated[
        str, AfterValidator(_hash), Field(description="a hash, or nothing for the first page")
    ] = ""
    limit: Annotated[int, digits, whole(LARGEST)] = HASHES


class _Shown(Asked):
    lineage: Annotated[str, text(64)]
    number: Annotated[int, whole(LARGEST)]


class _Hashes(Asked):
    hashes: Annotated[
        list[Annotated[str, Field(max_length=200)]],
        Field(max_length=HASHES, description="a list of hashes"),
    ]
    order: Annotated[int | None, whole(LARGEST)] = None
    lineage: Annotated[str, text(64)] = ""
    after: Annotated[
        _Shown | None, Field(description="an order that was shown: lineage and number")
    ] = None


class _Flow(Asked):
    mode: Annotated[Literal["upload", "download"], Field(description='"upload" or "download"')]


class _Scrub(Asked):
    rate: Annotated[
        int | None,
        Field(ge=1, le=LARGEST, description="bits per second, or null for the rate of before"),
    ] = None


class OrderTable(Protocol):
    """The orders that were taken: see `state.node_orders.NodeOrders`."""

    def last(self) -> DeletionOrder: ...
    def take(self, asked: DeletionOrder, after: DeletionOrder | None) -> OrderVerdict: ...


class NodeGateway:
    """The web application of the API."""

    def __init__(
        self,
        about: dict[str, object],
        bearer: str,
        blobs: BlobFolder,
        flows: NodeFlows,
        scrubbing: Scrubbing,
        recovery: NodeRecovery,
        orders: OrderTable,
        world: World,
    ) -> None:
        """`about` is a part of the state; `bearer`, hex, the SHA-256 of what must be shown."""
        self._orders = orders
        self._about = about | {"version": version("cargo-sync")}
        self._bearer = bytes.fromhex(bearer)
        self._blobs = blobs
        self._flows = flows
        self._scrubbing = scrubbing
        self._recovery = recovery
        self._world = world
        self._bodies = Bodies(world.offload)
        self._deleting = asyncio.Lock()
        """When an order was taken, no earlier one is under way any more."""
        self.lane_port = 0

    def application(self) -> web.Application:
        app = refusing(self._serving, _refused, "the API of a node is under /n1")
        app.add_routes(
            [
                web.get("/n1/status", self.status),
                web.get("/n1/inventory", self.inventory),
                web.post("/n1/delete", self.delete),
                web.post("/n1/scrub", self.scrub),
                web.post("/n1/flows", self.open_flow),
                *self._recovery.routes(),
            ]
        )
        return app

    async def status(self, request: web.Request) -> web.Response:
        return answer(await self._world.offload(self._state))

    async def inventory(self, request: web.Request) -> web.Response:
        asked = _Page.read(request.query)
        limit = max(1, min(asked.limit, HASHES))
        found = await self._world.offload(self._blobs.inventory, asked.after, limit)
        return answer({**found._asdict(), "more": len(found.hashes) == limit})

    async def delete(self, request: web.Request) -> web.Response:
        asked = _Hashes.read(await self._body(request))
        async with self._deleting:
            await self._take_order(asked)
            problems = await self._world.offload(self._blobs.remove, asked.hashes)
        failed = {
            hash: {"code": problem.code_text, "message": str(problem)}
            for hash, problem in zip(asked.hashes, problems, strict=True)
            if problem is not None
        }
        return answer({"sequence": self._blobs.sequence, "failed": failed})

    async def scrub(self, request: web.Request) -> web.Response:
        asked = _Scrub.read(await self._body(request))
        self._scrubbing.ask(asked.rate)
        return answer(self._scrub_state())

    async def open_flow(self, request: web.Request) -> web.Response:
        asked = _Flow.read(await self._body(request))
        return answer(self._opened(self._flows.open(Mode(asked.mode))))

    # -- within ------------------------------------------------------------------------------------

    async def _body(self, request: web.Request) -> Any:
        return await self._bodies.read(request, "coordinator")

    async def _take_order(self, asked: _Hashes) -> None:
        """Notes a deletion, durably. Raises ProblemError for one that is not due any more."""
        if asked.order is None:
            return
        order = DeletionOrder(asked.lineage, asked.order)
        seen = None if asked.after is None else DeletionOrder(**asked.after.model_dump())
        match await self._world.offload(self._orders.take, order, seen):
            case OrderVerdict.LATE:
                raise ProblemError(Problem(Code.STALE, "this deletion was overtaken on its way"))
            case OrderVerdict.DISPLACED:
                raise ProblemError(Problem(Code.STALE, _DISPLACED, hint=_RIGHT_ONE))

    @contextmanager
    def _serving(self, request: web.Request) -> Iterator[None]:
        """Only the coordinator is served, but for what is open. Raises ProblemError."""
        resource = request.match_info.route.resource
        if resource is not None and resource.canonical.startswith(f"{OPEN}/"):
            yield
            return
        arrival = arrival_of(request)
        scheme, given = _split(request.headers.get("Authorization", ""))
        shown = hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()
        if not hmac.compare_digest(shown, self._bearer) or scheme != _BEARER:
            raise ProblemError(Problem(Code.UNAUTHORIZED, "", retry=False))
        arrival.enter()
        yield

    def _state(self) -> dict[str, object]:
        """The state. Raises ProblemError: the folder is not there."""
        blobs = self._blobs
        if not blobs.still_there():
            words = f"the folder {blobs.root.path!r} is gone, or another one is in its place"
            raise ProblemError(Problem(Code.ROOT_GONE, words, hint="mount it, then start again"))
        room, damaged = blobs.room(), blobs.damaged
        return {
            **self._about,
            "epoch": blobs.marker,
            "sequence": blobs.sequence,
            **room._asdict(),
            "order": self._orders.last()._asdict(),
            "damaged": {
                "count": len(damaged),
                "found": blobs.rotten,
                "hashes": damaged[:DAMAGED],
            },
            "scrub": self._scrub_state(),
        }

    def _scrub_state(self) -> dict[str, object]:
        place, shift = self._scrubbing.scrub.place, self._world.wall() - self._world.lived()

        def moment(lived: float | None) -> float | None:
            return None if lived is None else lived + shift

        return {
            "under_way": self._scrubbing.is_under_way,
            "rate": self._scrubbing.rate,
            "begun": moment(place.begun),
            "ended": moment(place.ended),
            "blobs": place.blobs,
            "bytes": place.bytes,
            "damaged": place.damaged,
        }

    def _opened(self, flow: NodeFlow) -> dict[str, object]:
        keys = flow.keys
        assert keys.up is not None and keys.down is not None, "all lanes are sealed"
        lane = {
            "port": self.lane_port,
            "token": keys.token.hex(),
            "auth": keys.auth.hex(),
            "up": keys.up.hex(),
            "down": keys.down.hex(),
        }
        takes = {"packets": True, "shared": True, "epoch": self._blobs.marker}
        return {"flow": flow.id, "lane": lane, "granted": flow.granted, **takes}


def _split(header: str) -> tuple[str, str]:
    """The scheme with its space, in lower case, and the rest."""
    return header[: len(_BEARER)].lower(), header[len(_BEARER) :].strip()


def _refused(_request: web.Request, error: ProblemError) -> web.Response:
    if error.problem.code is Code.UNAUTHORIZED:
        response = web.Response(status=401)
        response.force_close()
        return response
    seconds = error.seconds if isinstance(error, LaterError) else None
    return answers.refusal(error.problem, seconds)
