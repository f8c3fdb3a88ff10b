"""The HTTPS API of one node, as calls: its certificate is pinned, and no answer is trusted.

All calls raise ProblemError and nothing else. What an answer may cost is bounded: bytes, values,
seconds. A redirect is not followed, because it could send the secret anywhere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Final, Self, TypeVar

import aiohttp
import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cargo_sync.model.contents import is_hash
from cargo_sync.model.documents import parsed
from cargo_sync.model.problems import Code, Problem, ProblemError, lacks_descriptors, no_descriptors
from cargo_sync.model.world import Offload
from cargo_sync.process.descriptors import new_socket
from cargo_sync.state.nodes import NodeRow
from cargo_sync.wire.handshake import TOKEN

CONNECT: Final = 5.0
SOON: Final = 10.0
"""Seconds for an answer that costs a node little."""
LATE: Final = 120.0
"""Seconds for one that makes its disk work."""
IDLE: Final = 25.0
"""Seconds after which an idle connection is closed; a node does it after 30 s."""
CONNECTIONS: Final = 8
LARGEST: Final = 4 * 2**20
"""Bytes of an answer."""
SMALL: Final = 64 * 1024
"""Bytes of a refusal. More are decoded in a thread."""
VALUES: Final = 65_536
"""The most values of a large answer: an inventory has two for each of 10,000 contents."""
KEY: Final = 32
"""Bytes of the keys of a lane."""
_INT64: Final = 2**63
_HINT: Final = "invite it again: cargo_ctl node invite NAME"

Count = Annotated[int, Field(ge=0, lt=_INT64)]


class NodeReply(BaseModel):
    """The base of all replies. A newer node may send fields that we do not know."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)

    @classmethod
    def read(cls, value: object) -> Self:
        """Raises ValueError."""
        return cls.model_validate(value)


ReplyT = TypeVar("ReplyT", bound=NodeReply)


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("must be hex digits")
    return bytes.fromhex(value)


def _hash(value: str) -> str:
    if not is_hash(value):
        raise ValueError("must be a hash")
    return value


Hash = Annotated[str, AfterValidator(_hash)]
_Key = Annotated[bytes, BeforeValidator(_bytes), Field(min_length=KEY, max_length=KEY)]


class _Damaged(NodeReply):
    found: Count
    """Since it started. The number of those that are damaged now would hide one that was found
    while another got a new copy."""
    hashes: Annotated[list[Hash], Field(max_length=1_000)]
    """Of those that are damaged now."""


_Moment = Annotated[float, Field(gt=-1e12, lt=1e12)]
"""Unix seconds."""


class _Scrub(NodeReply):
    under_way: bool
    begun: _Moment | None
    ended: _Moment | None
    blobs: Count
    bytes: Count
    damaged: Count


class OrderReply(NodeReply):
    """The last order of deletion that it has taken."""

    lineage: str = Field(max_length=64)
    number: Count


class StatusReply(NodeReply):
    """The state of a node."""

    epoch: str = Field(min_length=1, max_length=256)
    sequence: Count
    free: Count
    used: Count
    capacity: Count | None
    blobs: Count
    damaged: _Damaged
    scrub: _Scrub
    order: OrderReply


class InventoryReply(NodeReply):
    """Some of its contents, as columns."""

    hashes: list[Hash]
    sizes: list[Annotated[int, Field(ge=1, lt=_INT64)]]


class DeletedReply(NodeReply):
    """What could not be deleted, by hash."""

    failed: dict[str, object]


class AnyReply(NodeReply):
    """An answer of which nothing is needed."""


class NodeLaneReply(NodeReply):
    """The port and the keys of a lane."""

    port: int = Field(ge=1, le=65_535)
    token: Annotated[bytes, BeforeValidator(_bytes), Field(min_length=TOKEN, max_length=TOKEN)]
    auth: _Key
    up: _Key
    down: _Key


class NodeFlowReply(NodeReply):
    """A flow.

    granted  bits per second, None for no limit
    packets  whether an upload may bring packets; an older node does not know of them
    shared   whether it may bring contents that are sealed for several nodes; as `packets`
    epoch    of the folder that it belongs to, whose sequence its receipts show; "" of an older node
    """

    lane: NodeLaneReply
    granted: Annotated[int, Field(ge=1, lt=_INT64)] | None
    packets: bool = False
    shared: bool = False
    epoch: str = Field("", max_length=256)


class _ErrorWords(NodeReply):
    code: str
    message: str
    hint: str | None = None


class _ErrorReply(NodeReply):
    error: _ErrorWords


class NodeApi:
    """Calls of a server on one of its nodes. After `close` it connects again when it is used."""

    def __init__(self, row: NodeRow, offload: Offload) -> None:
        self._row = row
        self._offload = offload
        host = f"[{row.host}]" if ":" in row.host else row.host
        self._url = f"https://{host}:{row.port}/n1"
        self._session: aiohttp.ClientSession | None = None

    async def get(
        self, path: str, reply: type[ReplyT], seconds: float, /, **query: str | int
    ) -> ReplyT:
        return await self._call("GET", path, reply, seconds, None, query)

    async def post(self, path: str, reply: type[ReplyT], seconds: float, body: object) -> ReplyT:
        return await self._call("POST", path, reply, seconds, orjson.dumps(body), {})

    async def close(self) -> None:
        """Ends all connections: what was asked for over them gets no answer any more."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    # -- within ------------------------------------------------------------------------------------

    async def _call(
        self,
        method: str,
        path: str,
        reply: type[ReplyT],
        seconds: float,
        body: bytes | None,
        query: dict[str, str | int],
    ) -> ReplyT:
        with self._translated():
            session = self._session = self._session or self._connected()
            async with session.request(
                method,
                f"{self._url}{path}",
                params=query,
                data=body,
                headers={"Authorization": f"Bearer {self._row.secret}"},
                timeout=aiohttp.ClientTimeout(total=seconds, connect=CONNECT, sock_connect=CONNECT),
                allow_redirects=False,
            ) as response:
                success = response.status == 200
                content = await self._content(response, LARGEST if success else SMALL)
            if session is not self._session:
                raise self._cut()
        if not success:
            raise ProblemError(self._refusal(response.status, content))
        try:
            if len(content) <= SMALL:
                return _decoded(reply.read, content)
            return await self._offload(_decoded, reply.read, content)
        except ValueError as error:
            raise self._bad_answer(_reason(error)) from error

    async def _content(self, response: aiohttp.ClientResponse, most: int) -> bytes:
        """The body. Raises ProblemError: it is too long, or compressed."""
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._bad_answer("it is compressed, which was not asked for")
        body = bytearray()
        while piece := await response.content.read(most + 1 - len(body)):
            body += piece
        if len(body) > most:
            raise self._bad_answer(f"it is larger than {most:,} bytes")
        return bytes(body)

    def _connected(self) -> aiohttp.ClientSession:
        pin = self._row.fingerprint.removeprefix("sha256:")
        try:
            trust = aiohttp.Fingerprint(bytes.fromhex(pin))
        except ValueError as error:
            message = f"what is kept of the certificate of node {self._row.name} is no fingerprint"
            raise ProblemError(Problem(Code.CERTIFICATE, message, hint=_HINT)) from error
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=trust, limit=CONNECTIONS, keepalive_timeout=IDLE, socket_factory=new_socket
            ),
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
            },
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            raise ProblemError(self._problem(error)) from error

    def _problem(self, error: aiohttp.ClientError | OSError | UnicodeError) -> Problem:
        where = f"node {self._row.name} ({self._row.host} port {self._row.port})"
        match error:
            case aiohttp.ServerFingerprintMismatch():
                message = f"{where} shows another certificate than when it joined"
                hint = f"if the node has a new one, {_HINT}"
                return Problem(Code.CERTIFICATE, f"{message}: sha256:{error.got.hex()}", hint=hint)
            case aiohttp.ClientConnectorDNSError() | UnicodeError():
                return Problem(Code.UNKNOWN_HOST, f"there is no host {self._row.host}", hint=_HINT)
            case aiohttp.ClientSSLError():
                return Problem(Code.TLS, f"{where} does not use TLS", hint="is it a node's port?")
            case aiohttp.ClientConnectorError() if lacks_descriptors(error.os_error):
                return no_descriptors(f"a connection to {where}")
            case aiohttp.ClientConnectorError():
                return Problem(Code.UNREACHABLE, f"{where} cannot be reached: does it run?")
            case TimeoutError():
                return Problem(Code.UNREACHABLE, f"{where} does not answer")
            case _:
                return self._cut().problem

    def _refusal(self, status: int, content: bytes) -> Problem:
        """Its words are only shown."""
        name = self._row.name
        if status == 401:
            message = f"node {name} does not take this server for its own: it has another secret"
            return Problem(Code.UNAUTHORIZED, message, hint=_HINT)
        try:
            refused = _decoded(_ErrorReply.read, content).error
        except ValueError:
            return Problem(Code.REFUSED, f"node {name} answered {status}")
        return Problem.received(
            refused.code, f"node {name}: {refused.message}", hint=refused.hint or ""
        )

    def _bad_answer(self, why: str) -> ProblemError:
        message = f"the answer of node {self._row.name} is not valid: {why}"
        return ProblemError(Problem(Code.BAD_ANSWER, message, hint="update the older one"))

    def _cut(self) -> ProblemError:
        message = f"the connection to node {self._row.name} was cut"
        return ProblemError(Problem(Code.CUT, message, hint="it is tried again"))


def _decoded(read: Callable[[object], ReplyT], content: bytes) -> ReplyT:
    """Raises ValueError."""
    return read(parsed(content, VALUES))


def _reason(error: ValueError) -> str:
    """What is wrong, without the value."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]
    return str(error)[:200]
