"""The HTTP API of a Cargo server, as calls (docs/http-api.md has the protocol).

One session a job. The login is made when it is first needed and again when the server does not know its
token any more. Every call raises ProblemError, and nothing else.
"""

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.trees.cargo.problems import translated

CONNECT: Final = 10.0
ANSWER: Final = 60.0
LONG_POLL: Final = 50.0


@dataclass(frozen=True, slots=True)
class Login:
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


class Api:
    """Calls of one user on one server."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._token = ""
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, /, **query: str | int) -> dict[str, Any]:
        return await self._call("GET", path, None, query)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._call("POST", path, body, {})

    async def delete(self, path: str) -> dict[str, Any]:
        return await self._call("DELETE", path, None, {})

    async def lines(self, path: str, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """The answer of a call that streams one JSON object a line, for work that takes long."""
        with translated(self._login.url):
            async with await self._send("POST", path, body, {}) as response:
                if response.status >= 300:
                    raise await _refusal(response)
                async for line in response.content:
                    if line.strip():
                        yield orjson.loads(line)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _call(
        self, method: str, path: str, body: dict[str, Any] | None, query: dict[str, str | int]
    ) -> dict[str, Any]:
        with translated(self._login.url):
            async with await self._send(method, path, body, query) as response:
                if response.status >= 300:
                    raise await _refusal(response)
                content = await response.read()
                return orjson.loads(content) if content else {}

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None, query: dict[str, str | int]
    ) -> aiohttp.ClientResponse:
        fresh = not self._token
        if fresh:
            await self._log_in()
        response = await self._request(method, path, body, query)
        if response.status == 401 and not fresh:
            response.release()
            await self._log_in()
            response = await self._request(method, path, body, query)
        return response

    async def _log_in(self) -> None:
        self._token = ""
        body = {"username": self._login.username, "password": self._login.password()}
        async with await self._request("POST", "/login", body, {}) as response:
            if response.status == 401:
                raise ProblemError(_wrong_password(self._login.username, response.url.host or ""))
            if response.status >= 300:
                raise await _refusal(response)
            self._token = str(orjson.loads(await response.read())["token"])

    async def _request(
        self, method: str, path: str, body: dict[str, Any] | None, query: dict[str, str | int]
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = _session(self._login)
        return await self._session.request(
            method,
            f"{self._login.url}/v1{path}",
            params=query,
            data=None if body is None else orjson.dumps(body),
            headers={"Authorization": f"Bearer {self._token}"} if self._token else {},
            timeout=_deadline(query),
            allow_redirects=False,
        )


def segment(name: str) -> str:
    """A workspace's name as one part of a URL's path."""
    return quote(name, safe="")


def _deadline(query: dict[str, str | int]) -> aiohttp.ClientTimeout:
    patience = ANSWER + float(query.get("wait", 0))
    return aiohttp.ClientTimeout(total=None, connect=CONNECT, sock_connect=CONNECT, sock_read=patience)


def _session(login: Login) -> aiohttp.ClientSession:
    trust: ssl.SSLContext | aiohttp.Fingerprint | bool = True
    if login.fingerprint:
        trust = aiohttp.Fingerprint(bytes.fromhex(login.fingerprint.removeprefix("sha256:")))
    elif login.ca_file:
        trust = ssl.create_default_context(cafile=login.ca_file)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust, limit=8),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _wrong_password(username: str, host: str) -> Problem:
    return Problem(
        "unauthorized", f"{host} does not let {username!r} in with this password",
        hint="look at username and password in the job", retry=False,
    )  # fmt: skip


async def _refusal(response: aiohttp.ClientResponse) -> ProblemError:
    """What an answer that is none says, trusted as words only. A redirect is not followed: it could lead a
    password anywhere."""
    try:
        error = (await response.json(loads=orjson.loads, content_type=None))["error"]
        code, message, hint = str(error["code"]), str(error["message"]), str(error.get("hint") or "")
    except (aiohttp.ClientError, ValueError, KeyError, TypeError):
        code, message = "refused", f"{response.url.host} answered {response.status} {response.reason}"
        hint = "give the job's hostname the address that this leads to" if response.status < 400 else ""
    retry = response.status == 429 or response.status >= 500
    return ProblemError(Problem(code, message, hint=hint, retry=retry))
