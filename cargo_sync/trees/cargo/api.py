"""The HTTP API of a Cargo server, as calls (docs/http-api.md has the protocol).

One login, with its token and its connections, is shared by all jobs of a user on a server: checking
a password keeps the server busy for a quarter of a second, and hundreds of jobs begin at the same
moment. It is made when it is first needed and again when the server does not know its token any
more. Every call raises ProblemError, and nothing else.
"""

import asyncio
import logging
import ssl
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cargo import pydio, requests
from cargo_sync.trees.cargo.problems import bad_answer, decoded, translated
from cargo_sync.trees.cargo.replies import Decoder, ErrorReply, LoginReply, T
from cargo_sync.trees.cargo.requests import Body

CONNECT: Final = 10.0
ANSWER: Final = 60.0
LONG_POLL: Final = 50.0
REFUSED: Final = 1.0
"""Seconds for which a login that failed is not tried again: many jobs ask at the same moment."""
HOPELESS: Final = 20.0
"""As REFUSED, of a wrong password or certificate; less than any job waits for before it asks
again."""

_Query = Mapping[str, str | int]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerLogin:
    """Where a server is and who asks.

    url          base address with its path prefix, without a slash at the end
    fingerprint  "sha256:…" of the certificate that is expected; then no CA is asked
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
    """The logins of a daemon, each once. `steady` gives monotonic seconds."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._known: weakref.WeakValueDictionary[tuple[str, ...], Api] = (
            weakref.WeakValueDictionary()
        )

    def of(self, login: ServerLogin) -> "Api":
        """The calls of `login`, the same for all who ask."""
        key = (login.url, login.username, login.password(), login.fingerprint, login.ca_file)
        api = self._known.get(key)
        if api is None:
            api = self._known[key] = Api(login, self._steady)
        return api


class Api:
    """Calls of one user on one server.

    Who uses it holds it: when the last one lets go, its connections are closed. It can be used
    again then.
    """

    def __init__(self, login: ServerLogin, steady: Callable[[], float]) -> None:
        self.login = login
        self._steady = steady
        self._token = ""
        self._session: aiohttp.ClientSession | None = None
        self._holders: set[int] = set()
        self._logging_in = asyncio.Lock()
        self._refused: tuple[float, Problem] | None = None

    def hold(self, holder: object) -> None:
        """From now on `holder` uses it, however often it says so."""
        self._holders.add(id(holder))

    async def let_go(self, holder: object) -> None:
        """`holder` does not use it any more."""
        self._holders.discard(id(holder))
        if not self._holders:
            await self.close()

    def ask_afresh(self) -> None:
        """A person wants to know now: a login that was refused lately is tried again at the next
        call."""
        self._refused = None

    async def get(self, path: str, reply: Decoder[T], /, **query: str | int) -> T:
        return decoded(reply, await self._call("GET", path, None, query))

    async def post(self, path: str, reply: Decoder[T], body: Body) -> T:
        return decoded(reply, await self._call("POST", path, body, {}))

    async def delete(self, path: str) -> None:
        await self._call("DELETE", path, None, {})

    async def lines(self, path: str, reply: Decoder[T], body: Body) -> AsyncIterator[T]:
        """The answer of a call that streams one JSON object a line, for work that takes long."""
        with translated(self.login.url):
            async with await self._send("POST", path, body, {}) as response:
                await self._expect(response)
                while line := await _line(response.content):
                    if line.strip():
                        yield decoded(reply, line)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _expect(self, response: aiohttp.ClientResponse) -> None:
        """Raises ProblemError for an answer that is none."""
        if response.status >= 300:
            raise await _refusal(response)

    async def _call(self, method: str, path: str, body: Body | None, query: _Query) -> bytes:
        with translated(self.login.url):
            async with await self._send(method, path, body, query) as response:
                await self._expect(response)
                return await response.read()

    async def _send(
        self, method: str, path: str, body: Body | None, query: _Query
    ) -> aiohttp.ClientResponse:
        fresh = not self._token
        if fresh:
            await self._log_in("")
        token = self._token
        response = await self._request(method, path, body, query)
        if response.status == 401 and not fresh:
            response.release()
            await self._log_in(token)
            response = await self._request(method, path, body, query)
        return response

    async def _log_in(self, known: str) -> None:
        """Another token than the one `known` to be worth nothing. Of many who ask at once, one logs
        in."""
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
                # The others who wait are told the same: none of them tries the wrong password once
                # more, or waits once more for a server that does not answer.
                seconds = REFUSED if error.problem.retry else HOPELESS
                self._refused = (self._steady() + seconds, error.problem)
                raise

    async def _ask_for_token(self) -> None:
        body = requests.login(self.login.username, self.login.password())
        async with await self._request("POST", "/login", body, {}) as response:
            if pydio.is_pydio(response.headers, await response.read()):
                raise ProblemError(pydio.problem(response.url.host or ""))
            if response.status == 401:
                raise ProblemError(_wrong_password(self.login.username, response.url.host or ""))
            await self._expect(response)
            self._token = decoded(LoginReply.read, await response.read()).token

    async def _request(
        self, method: str, path: str, body: Body | None, query: _Query
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = _session(self.login)
        response = await self._session.request(
            method,
            f"{self.login.url}/v1{path}",
            params=query,
            data=None if body is None else orjson.dumps(body),
            headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
            timeout=_deadline(query),
            allow_redirects=False,
        )
        _log.debug("%s %s: %d", method, path, response.status, extra={"user": self.login.username})
        return response


async def _line(content: aiohttp.StreamReader) -> bytes:
    """The next line, b"" at the end. Raises ProblemError for one that does not end."""
    try:
        return await content.readline()
    except ValueError as error:  # aiohttp's, of a line beyond its buffer
        raise bad_answer("a line does not end") from error


def segment(name: str) -> str:
    """A workspace's name as one part of a URL's path."""
    return quote(name, safe="")


def _deadline(query: _Query) -> aiohttp.ClientTimeout:
    patience = ANSWER + float(query.get("wait", 0))
    return aiohttp.ClientTimeout(
        total=None, connect=CONNECT, sock_connect=CONNECT, sock_read=patience
    )


def _session(login: ServerLogin) -> aiohttp.ClientSession:
    trust: ssl.SSLContext | aiohttp.Fingerprint | bool = True
    if login.fingerprint:
        trust = aiohttp.Fingerprint(bytes.fromhex(login.fingerprint.removeprefix("sha256:")))
    elif login.ca_file:
        trust = ssl.create_default_context(cafile=login.ca_file)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=trust, limit=0
        ),  # each job has a poll and a call at most
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _wrong_password(username: str, host: str) -> Problem:
    return Problem(
        Code.UNAUTHORIZED,
        f"{host} does not let {username!r} in with this password",
        hint="look at username and password in the job",
        retry=False,
    )


async def _refusal(response: aiohttp.ClientResponse) -> ProblemError:
    """What an answer that is none says, trusted as words only. A redirect is not followed: it could
    lead a password anywhere."""
    try:
        error = ErrorReply.read(orjson.loads(await response.read())).error
        code, message, hint = error.code, error.message, error.hint or ""
    except (aiohttp.ClientError, ValueError):
        code, message = (
            Code.REFUSED,
            f"{response.url.host} answered {response.status} {response.reason}",
        )
        hint = (
            "give the job's hostname the address that this leads to"
            if response.status < 400
            else ""
        )
    retry = response.status == 429 or response.status >= 500
    return ProblemError(Problem.received(code, message, hint=hint, retry=retry))
