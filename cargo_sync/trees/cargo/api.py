"""The HTTP API of a Cargo server, as calls (docs/http-api.md has the protocol).

All jobs of a user on a server share one login, with its token and its connections: a server needs a
quarter of a second to check a password, and hundreds of jobs begin at the same moment. It logs in
when a token is first needed, and again when the server does not know the token any more. The login
outlives the job that needed it, so that the next job begins without waiting. All calls raise
ProblemError and nothing else. No answer is trusted: `bounds` has what it may cost.
"""

import asyncio
import logging
import ssl
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from cargo_sync.config.places import base_url
from cargo_sync.machines.client_fence import Fence, FencedError
from cargo_sync.model.documents import parsed
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.descriptors import new_socket
from cargo_sync.trees.cargo import bounds, pydio, requests
from cargo_sync.trees.cargo.problems import bad_answer, decoded, needs_tls, translated
from cargo_sync.trees.cargo.replies import VALUES, Decoder, ErrorReply, LoginReply, T
from cargo_sync.trees.cargo.requests import Body

CONNECT: Final = 10.0
LONG_POLL: Final = 45.0
"""Seconds: proxies cut an answer that does not begin in 60 s, haproxy as Debian sets it up in 50 s.
"""
REFUSED: Final = 1.0
"""Seconds for which a failed login is not tried again: many jobs ask at the same moment."""
HOPELESS: Final = 20.0
"""Like REFUSED, for a wrong password or certificate; shorter than a job's wait before a retry."""
LONGEST_ADDRESS: Final = 1_000
KEPT: Final = 3600.0
"""Seconds for which a login that nobody uses is kept."""
KEPT_MOST: Final = 64
"""Logins that are kept although nobody uses them; with more, the oldest of them end."""
HOPS: Final = 3
"""Servers that are asked for a workspace, before the answer is as it is."""
IDLE: Final = 25.0
"""Seconds after which an idle connection is closed; a server does it after 30 s."""

_OF_A_PROXY: Final[Mapping[int, str]] = {
    413: "a proxy in front of the server limits the size of requests: let it pass bodies of any "
    "size, in nginx with client_max_body_size 0",
    502: "a proxy in front of the server lost the connection to it: does the server run?",
    503: "a proxy in front of the server cannot reach it: does the server run?",
    504: "a proxy in front of the server does not wait long enough: let it wait for 60 s or longer",
}
"""Hints for answers that are not a Cargo server's own, by status."""
_UNREACHED: Final = frozenset({502, 503, 504})
"""Those that mean that the proxy has no server now: the job goes on soon after there is one."""

_Query = Mapping[str, str | int]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerLogin:
    """A server's address and a user's login.

    url          base address with its path prefix, without a slash at the end
    fingerprint  "sha256:…" of the expected certificate; with it, CAs are not used
    ca_file      CAs to trust instead of the system's, or ""
    """

    url: str
    username: str
    password: Callable[[], str] = field(repr=False)
    fingerprint: str = ""
    ca_file: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def sealed(self) -> bool:
        """Lanes are sealed exactly when the API is reached over TLS."""
        return self.url.startswith("https:")


class Apis:
    """The logins of a daemon, each only once. `steady` returns monotonic seconds.

    Another password, certificate or address makes another login, so a changed one is used at once.
    """

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._known: weakref.WeakValueDictionary[tuple[str, ...], Api] = (
            weakref.WeakValueDictionary()
        )
        self._kept: dict[Api, float] = {}
        """Those that were let go, and when they end; the next to end comes first."""

    def of(self, login: ServerLogin) -> "Api":
        """The calls of `login`; the same object for all callers."""
        key = (login.url, login.username, login.password(), login.fingerprint, login.ca_file)
        api = self._known.get(key)
        if api is None:
            api = self._known[key] = Api(login, self._steady, self._keep)
        api.ask_afresh()
        return api

    async def aclose(self) -> None:
        """Ends all connections."""
        for api in list(self._known.values()):
            await api.close()

    async def _keep(self, api: "Api") -> None:
        """Keeps a login that nobody uses any more, with its connections while they are alive."""
        now = self._steady()
        self._kept.pop(api, None)
        self._kept[api] = now + KEPT
        if api.login.ca_file:
            await api.close()  # the file may have other CAs next time
        for old, ends in list(self._kept.items()):
            if now < ends and len(self._kept) <= KEPT_MOST:
                break
            del self._kept[old]
            if not old.held:
                await old.close()


class Api:
    """Calls of one user on one server.

    Its users hold it. When the last one lets it go, `unused` says what becomes of it; without that,
    its connections are closed. After that it can be used again.
    """

    def __init__(
        self,
        login: ServerLogin,
        steady: Callable[[], float],
        unused: "Callable[[Api], Awaitable[None]] | None" = None,
    ) -> None:
        self.login = login
        self._steady = steady
        self._unused = unused or Api.close
        self._token = ""
        self._session: aiohttp.ClientSession | None = None
        self._holders: set[int] = set()
        self._logging_in = asyncio.Lock()
        self._large = asyncio.Semaphore(bounds.LARGE_AT_ONCE)
        self._refused: tuple[float, Problem] | None = None
        self._at: dict[str, str] = {}
        """Workspaces that are at another server of several, with its address."""

    @property
    def held(self) -> bool:
        """Whether somebody uses it."""
        return bool(self._holders)

    def hold(self, holder: object) -> None:
        """`holder` uses it from now on; more calls with the same holder change nothing."""
        self._holders.add(id(holder))

    async def let_go(self, holder: object) -> None:
        """`holder` does not use it any more."""
        self._holders.discard(id(holder))
        if not self._holders:
            await self._unused(self)

    def ask_afresh(self) -> None:
        """Makes the next call log in again, even if the last login failed a moment ago.

        This is for a person who wants to know the state now.
        """
        self._refused = None

    async def get(self, path: str, reply: Decoder[T], /, **query: str | int) -> T:
        return await _decoded(reply, await self._call("GET", path, None, query))

    async def post(self, path: str, reply: Decoder[T], body: Body) -> T:
        return await _decoded(reply, await self._call("POST", path, body, {}))

    async def delete(self, path: str) -> None:
        await self._call("DELETE", path, None, {})

    async def lines(self, path: str, reply: Decoder[T], body: Body) -> AsyncIterator[T]:
        """Yields the replies of a call that streams one JSON object per line, for long work."""
        with translated(self.login.url, known=bool(self._token)):
            async with await self._send("POST", path, body, {}, stream=True) as response:
                await self._expect(response)
                while line := await _line(response.content):
                    if line.strip():
                        yield decoded(reply, line)

    async def close(self) -> None:
        # Whoever comes while it is being closed gets another one.
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _expect(self, response: aiohttp.ClientResponse) -> None:
        """Raises ProblemError if the response is not a success."""
        if response.status >= 300:
            raise _refusal(response, await bounds.beginning(response, bounds.SMALL))

    async def _call(self, method: str, path: str, body: Body | None, query: _Query) -> bytes:
        with translated(self.login.url, known=bool(self._token)):
            async with await self._send(method, path, body, query) as response:
                await self._expect(response)
                return await bounds.whole(response, self._large)

    async def _send(
        self, method: str, path: str, body: Body | None, query: _Query, *, stream: bool = False
    ) -> aiohttp.ClientResponse:
        fresh = not self._token
        if fresh:
            await self._log_in("")
        token = self._token
        response = await self._followed(method, path, body, query, stream=stream)
        if response.status == 401 and not fresh:
            response.release()
            await self._log_in(token)
            response = await self._followed(method, path, body, query, stream=stream)
        return response

    async def _followed(
        self, method: str, path: str, body: Body | None, query: _Query, *, stream: bool
    ) -> aiohttp.ClientResponse:
        """Sends a request to the server that has its workspace, if there are several.

        One that had it, and does not serve it now, is asked no more: whoever has the address of the
        login knows who does. The token goes there, never the password; and the certificate must be
        as good as that of the server which said where.
        """
        workspace, left = _workspace_of(path, body), ""
        for _ in range(HOPS):
            at = self._at.get(workspace, "")
            try:
                response = await self._request(method, path, body, query, stream=stream, at=at)
            except (aiohttp.ClientError, TimeoutError):
                if not at:
                    raise
                del self._at[workspace]  # it may be at another one by now
                continue
            there = _elsewhere(response, self.login.url)
            if workspace and there and there != at:
                self._at[workspace] = there
            elif at and at != left and response.status == 503:
                del self._at[workspace]
                left = at
            else:
                return response
            response.release()
        return await self._request(method, path, body, query, stream=stream)

    async def _log_in(self, known: str) -> None:
        """Gets a new token in place of `known`, which is not valid any more ("" for none).

        If many calls need one at the same time, only one of them logs in.
        """
        async with self._logging_in:
            if self._token != known:
                return
            if self._refused is not None and self._steady() < self._refused[0]:
                raise ProblemError(self._refused[1])
            self._token, self._refused = "", None
            try:
                with translated(self.login.url):
                    await self._ask_for_token()
            except ProblemError as error:
                # The waiting calls get the same problem, so that they do not try the wrong password
                # again, or wait again for a server that does not answer.
                seconds = REFUSED if error.problem.retry else HOPELESS
                self._refused = (self._steady() + seconds, error.problem)
                raise

    async def _ask_for_token(self) -> None:
        body = requests.login(self.login.username, self.login.password())
        async with await self._request("POST", "/login", body, {}) as response:
            content = await bounds.beginning(response, bounds.SMALL)
            if pydio.is_pydio(response.headers, content):
                raise ProblemError(pydio.problem(self.login.url))
            if response.status == 401:
                raise ProblemError(_wrong_password(self.login.username, response.url.host or ""))
            if response.status >= 300:
                raise _refusal(response, content)
            self._token = decoded(LoginReply.read, bounds.complete(content, bounds.SMALL)).token

    async def _request(
        self,
        method: str,
        path: str,
        body: Body | None,
        query: _Query,
        *,
        stream: bool = False,
        at: str = "",
    ) -> aiohttp.ClientResponse:
        """Sends a request, to the server `at` or that of the login; returns with the answer's head.

        A `stream` may go on for as long as it does not stop; everything else has a deadline.
        """
        if self._session is None:
            self._session = _session(self.login)
        patience = bounds.SECONDS + float(query.get("wait", 0))
        async with asyncio.timeout(patience):
            response = await self._session.request(
                method,
                f"{at or self.login.url}/v1{path}",
                params=query,
                data=None if body is None else orjson.dumps(body),
                headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
                timeout=aiohttp.ClientTimeout(
                    total=None if stream else patience,
                    connect=CONNECT,
                    sock_connect=CONNECT,
                    sock_read=bounds.IDLE if stream else None,
                ),
                allow_redirects=False,
            )
        _log.debug("%s %s: %d", method, path, response.status, extra={"user": self.login.username})
        return bounds.plain(response)


async def _decoded(reply: Decoder[T], content: bytes) -> T:
    """Decodes an answer; a large one in a thread, because commands wait for the loop meanwhile."""
    if len(content) <= bounds.SMALL:
        return decoded(reply, content)
    return await asyncio.to_thread(decoded, reply, content)


async def _line(content: aiohttp.StreamReader) -> bytes:
    """The next line, b"" at the end. Raises ProblemError if a line is too long."""
    try:
        return await content.readline()
    except ValueError as error:  # from aiohttp, for a line that is longer than its buffer
        raise bad_answer("a line is too long") from error


def _workspace_of(path: str, body: Body | None) -> str:
    """The workspace that a request is about, as in its path; "" for none."""
    if path.startswith("/workspaces/"):
        return path.split("/", 3)[2]
    if path == "/flows" and body is not None:
        return segment(str(body.get("workspace", "")))
    return ""


def _elsewhere(response: aiohttp.ClientResponse, url: str) -> str:
    """Where the workspace is, if this server does not have it; "" if it says nothing of use."""
    text = response.headers.get("Cargo-Elsewhere", "")
    if response.status != 503 or not text or len(text) > LONGEST_ADDRESS:
        return ""
    try:
        address = base_url(text)
    except ValueError:
        return ""
    return address if urlsplit(address).scheme == urlsplit(url).scheme else ""


def segment(name: str) -> str:
    """A name as one segment of a URL's path."""
    return quote(name, safe="")


def _session(login: ServerLogin) -> aiohttp.ClientSession:
    trust: ssl.SSLContext | aiohttp.Fingerprint | bool = True
    if login.fingerprint:
        trust = aiohttp.Fingerprint(bytes.fromhex(login.fingerprint.removeprefix("sha256:")))
    elif login.ca_file:
        trust = ssl.create_default_context(cafile=login.ca_file)
    return aiohttp.ClientSession(
        # No limit: each job has at most one poll and one call.
        connector=aiohttp.TCPConnector(
            ssl=trust, limit=0, keepalive_timeout=IDLE, socket_factory=new_socket
        ),
        headers=bounds.PLAIN | {"Content-Type": "application/json", "Accept": "application/json"},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _wrong_password(username: str, host: str) -> Problem:
    return Problem(
        Code.UNAUTHORIZED,
        f"{host} refused the login of {username!r}: wrong username or password",
        hint="check username and password in the job",
        retry=False,
    )


def _refusal(response: aiohttp.ClientResponse, content: bytes) -> ProblemError:
    """The problem of a response that is not a success; its texts are only shown, never trusted.

    A redirect is not followed, because it could send a password anywhere.
    """
    try:
        refused = ErrorReply.read(parsed(content, VALUES))
        if (met := refused.fence) is not None:
            return FencedError(Fence(met.starts, met.records, met.elsewhere))
        error = refused.error
        code, message, hint = error.code, error.message, error.hint or ""
        if code == Code.TLS:
            return ProblemError(needs_tls(response.url.authority))
    except ValueError:
        code, message = (
            Code.UNREACHABLE if response.status in _UNREACHED else Code.REFUSED,
            f"{response.url.host} answered {response.status} {response.reason}",
        )
        hint = (
            "set the job's hostname to the address of this redirect"
            if response.status < 400
            else _OF_A_PROXY.get(response.status, "")
        )
    retry = response.status == 429 or response.status >= 500
    return ProblemError(Problem.received(code, message, hint=hint, retry=retry))
