"""One HTTP session to one server: a request, an answer, and what may be sent twice.

Redirects are not followed, cookies not kept, no proxy is taken from the environment, and no answer
may be compressed. A server that asks for Digest gets it; all others Basic, from the first request.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from yarl import URL

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.descriptors import new_socket
from cargo_sync.trees.webdav.listing import ASKED, Answered, MultiStatus
from cargo_sync.trees.webdav.login import WebDavLogin
from cargo_sync.trees.webdav.problems import no_webdav, refused, translated
from cargo_sync.trees.webdav.writing import StreamedBody

CONNECT: Final = 10.0
ANSWER: Final = 120.0
"""Seconds of silence after which a server is given up: it may move or copy a large folder."""
KEPT: Final = 4.0
"""Seconds that an idle connection is kept: servers close theirs after 5 s or more."""
AT_ONCE: Final = 64
BUFFER: Final = 256 * 1024
"""Bytes of a content that wait to be read."""
_DRAINED: Final = 64 * 1024
"""Bytes that are read of an answer whose body means nothing."""
_SAFE: Final = frozenset({"PROPFIND", "GET"})
"""Methods that change nothing: after a cut they are sent once more."""
_XML: Final = "application/xml; charset=utf-8"
_NONE: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class WebDavRequest:
    """A request.

    path    what it is about, for people
    wanted  statuses of an answer that is a success
    silence  seconds without a byte after which the server is given up
    """

    method: str
    url: str
    path: str
    wanted: frozenset[int]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | StreamedBody | None = None
    silence: float = ANSWER


class WebDavConnection:
    """Requests of one user to one server."""

    def __init__(self, login: WebDavLogin) -> None:
        self.login = login
        self._session: aiohttp.ClientSession | None = None
        self._digest: aiohttp.DigestAuthMiddleware | None = None

    async def close(self) -> None:
        """Ends all connections; the next request makes new ones."""
        session, self._session, self._digest = self._session, None, None
        if session is not None:
            await session.close()

    async def call(self, asked: WebDavRequest) -> Mapping[str, str]:
        """Sends a request whose answer has no body that matters; returns the answer's headers.

        Raises:
            WebDavRefusalError: the answer is not a success.
            ProblemError: the server cannot be reached, or the connection was cut.
        """
        async with self.opened(asked) as answer:
            with translated(self.login.where):
                await _drain(answer)
            if isinstance(asked.body, StreamedBody) and asked.body.sent < (asked.body.size or 0):
                message = f"{self.login.where} answered before it had all of {asked.path!r}"
                raise ProblemError(Problem(Code.CUT, message, asked.path))
            return answer.headers

    async def find(
        self,
        url: str,
        path: str,
        depth: int,
        told: Callable[[Answered], None],
        asked: bytes = ASKED,
    ) -> None:
        """Asks for the properties of a resource, with those of what is directly in it at depth 1.

        Raises:
            WebDavRefusalError: there is none, or it may not be looked at.
            ProblemError: `bad_answer`, also if it is not complete; see `call`.
        """
        headers = {"Depth": str(depth), "Content-Type": _XML}
        wanted = frozenset({200, 204, 207})
        async with self.opened(
            WebDavRequest("PROPFIND", url, path, wanted, headers, asked)
        ) as answer:
            if answer.status != 207:
                raise no_webdav(f"it is {answer.status}, and no list of WebDAV")
            check_encoding(answer)
            reading = MultiStatus(told)
            with translated(self.login.where):
                async for piece in answer.content.iter_any():
                    reading.feed(piece)
            reading.end()

    @asynccontextmanager
    async def opened(self, asked: WebDavRequest) -> AsyncIterator[aiohttp.ClientResponse]:
        """A successful answer whose body the caller reads. Raises what `call` raises."""
        answer = await self.begin(asked)
        try:
            yield answer
        finally:
            answer.release() if answer.content.at_eof() else answer.close()

    async def begin(self, asked: WebDavRequest) -> aiohttp.ClientResponse:
        """As `opened`, for an answer that the caller closes."""
        try:
            answer = await self._sent(asked)
        except ProblemError as error:
            # The server may have closed an idle connection in this moment.
            if error.problem.code is not Code.CUT or asked.method not in _SAFE:
                raise
            answer = await self._sent(asked)
        if self._wants_digest(answer):
            answer.close()
            password = self.login.password()
            self._digest = aiohttp.DigestAuthMiddleware(self.login.username, password)
            answer = await self._sent(asked)
        if answer.status not in asked.wanted:
            location = answer.headers.get("Location", "")
            status = answer.status
            with translated(self.login.where):
                await _drain(answer)
            answer.release() if answer.content.at_eof() else answer.close()
            raise refused(status, self.login.where, asked.path, location)
        return answer

    def _wants_digest(self, answer: aiohttp.ClientResponse) -> bool:
        if answer.status != 401 or self._digest is not None or not self.login.username:
            return False
        schemes = {
            one.split(" ", 1)[0].lower() for one in answer.headers.getall("WWW-Authenticate", [])
        }
        return "digest" in schemes and "basic" not in schemes

    async def _sent(self, asked: WebDavRequest) -> aiohttp.ClientResponse:
        """Sends a request once; returns when the head of the answer is there."""
        where, digest = self.login.where, self._digest

        async def once(
            request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
        ) -> aiohttp.ClientResponse:
            # aiohttp would send a PUT or DELETE a second time after a cut.
            with translated(where):
                return await send(request)

        login = self.login.basic() if digest is None else _NONE
        sending = asked.body.sending if isinstance(asked.body, StreamedBody) else None
        silence = asked.silence if sending is None else None  # else it waits for the body, too
        with translated(where):
            request = self._open_session().request(
                asked.method,
                URL(asked.url, encoded=True),
                headers={**login, **asked.headers},
                data=asked.body,
                skip_auto_headers=("Accept", *(() if asked.body else ("Content-Type",))),
                allow_redirects=False,
                middlewares=(once,) if digest is None else (digest, once),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=silence),
            )
            if sending is not None:
                return await sending.answered(request, asked.silence)
            return await request

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = _new_session(self.login)
        return self._session


def check_encoding(answer: aiohttp.ClientResponse) -> None:
    """Raises ProblemError: `bad_answer`: it is compressed, which was not asked for."""
    if answer.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise no_webdav("it is compressed, which was not asked for")


def _new_session(login: WebDavLogin) -> aiohttp.ClientSession:
    try:
        trust = login.trust()
    except (OSError, ValueError) as error:
        problem = Problem(
            Code.CERTIFICATE,
            f"the CAs in {login.ca_file} cannot be used",
            hint="ca_file is a file with certificates in PEM form",
            retry=False,
        )
        raise ProblemError(problem) from error
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=trust, limit=AT_ONCE, keepalive_timeout=KEPT, socket_factory=new_socket
        ),
        headers={"User-Agent": "cargo_sync", "Accept-Encoding": "identity"},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=BUFFER,
        trust_env=False,
    )


async def _drain(answer: aiohttp.ClientResponse) -> None:
    """Reads the body away, up to a bound, so that the connection can be used again."""
    read = 0
    while read < _DRAINED and (piece := await answer.content.readany()):
        read += len(piece)
