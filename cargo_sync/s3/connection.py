"""One HTTP session to one bucket: sends, tries again, translates what fails.

Redirects are not followed, cookies not kept, no proxy is taken from the environment, and no answer
may be compressed.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

import aiohttp
from yarl import URL

from cargo_sync.machines.retry import delay
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.body_room import BodyRoom
from cargo_sync.process.http_exchange import LONGEST_ANSWER, UnopenedError
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.s3.answers import AnswerReader, Records
from cargo_sync.s3.content import (
    SMALL,
    ContentPayload,
    S3Content,
    SentDigests,
    digest_of,
    digests,
)
from cargo_sync.s3.credentials import S3Login
from cargo_sync.s3.direct import DirectRequests
from cargo_sync.s3.errors import S3Error, S3Refusal, asked_anew, bad_answer, refused, translated
from cargo_sync.s3.requests import S3Request, Signer
from cargo_sync.s3.sent_hashes import UNKNOWN, SentHash, needed
from cargo_sync.s3.session import OnceError, new_session, once
from cargo_sync.wire.http1 import HttpAnswer
from cargo_sync.wire.sigv4 import EMPTY, UNSIGNED

CONNECT: Final = 10.0
TRIES: Final = 5
FIRST_WAIT: Final = 0.2
LONGEST_WAIT: Final = 10.0
"""Seconds between two tries, also if the server asks for more."""
NO_RECORDS: Final[Records] = {}

_REFUSAL: Final = 64 * 1024
"""Bytes that are read of a refusal."""

_NOT_DONE: Final = frozenset({405, 501})
_UNPROVED: Final = "InvalidRequest"
"""A bucket that locks its objects wants the MD5 of each: the lock may have come lately."""
_FOUND: Final = ("if-", "x-amz-copy-source")
"""How headers begin that many servers do not know."""
_AS_IT_IS: Final = ("identity", "aws-chunked", "")

T = TypeVar("T")

_log = logging.getLogger(__name__)


async def _pause(seconds: float) -> None:
    await Wakeup().wait(seconds)


class S3Connection:
    """Calls of one user on one bucket.

    doubted  an answer contradicts what was found out of the server: it does not do what it did
    checks   what the server was found to compare a content with

    Args:
        login: bucket and key.
        world: clock, chance and threads.
        session: a session to use, which is not closed here; None for one of its own.
        pause: waits for some seconds before another try.
    """

    def __init__(
        self,
        login: S3Login,
        world: World,
        session: aiohttp.ClientSession | None = None,
        pause: Callable[[float], Awaitable[None]] = _pause,
    ) -> None:
        self.login = login
        self.world = world
        self._given = session
        self._own: aiohttp.ClientSession | None = None
        self._pause = pause
        self._shorts = DirectRequests(login)
        self._longs = DirectRequests(login)
        """For large contents: short requests need not wait for these."""
        self._signer = Signer(login.address)
        self.doubted = False
        self.checks = UNKNOWN

    async def aclose(self) -> None:
        """Ends its own connections; the next call makes new ones."""
        own, self._own = self._own, None
        if own is not None:
            await own.close()
        await self._shorts.aclose()
        await self._longs.aclose()

    async def headers(self, request: S3Request) -> Mapping[str, str]:
        """The headers of a successful answer, whose body is empty or means nothing.

        Raises:
            S3Error: it failed, also after more tries.
        """

        async def read(response: aiohttp.ClientResponse) -> Mapping[str, str]:
            await _drained(response)
            return response.headers

        async def send(hashed: SentDigests | None) -> Mapping[str, str]:
            if (direct := self._direct(request)) is None:
                return await self._read(request, hashed, read)
            with suppress(UnopenedError):
                return (await self._exchanged(direct, request, hashed, _REFUSAL)).headers
            return await self._read(_unpaced(request), hashed, read)

        return await self._tried(request, send)

    async def short(self, request: S3Request, longest: int) -> HttpAnswer | None:
        """A successful answer with its body of at most so many bytes (`None`: it is longer).

        Returns:
            None: this server cannot be asked in this way; use `opened`.

        Raises:
            S3Error: it failed, also after more tries.
        """

        async def send(hashed: SentDigests | None) -> HttpAnswer | None:
            if (direct := self._direct(request)) is not None:
                with suppress(UnopenedError):
                    return await self._exchanged(direct, request, hashed, longest)
            return None

        return await self._tried(request, send)

    async def received(self, request: S3Request, room: BodyRoom) -> bool:
        """Receives the body of a successful answer in its place.

        Returns:
            Whether it did. If not, nothing was told to be full: this server cannot be asked in this
            way, or the room does not accept what it answers. Use `opened`.

        Raises:
            S3Error: it failed, also after more tries. Once some of it was told to be full, there
                is no other try.
        """
        cut = list[Exception]()

        async def send(hashed: SentDigests | None) -> bool:
            if self._given is not None or not self._longs.may:
                return False
            try:
                await self._exchanged(self._longs, request, hashed, _REFUSAL, room)
            except UnopenedError:
                return False
            except OSError as error:
                if not room.is_told:
                    raise
                cut.append(error)
            return room.is_told

        found = await self._tried(request, send)
        with translated(request.what, self.where):
            if cut:
                raise cut[0]
        return found

    async def answer(
        self, request: S3Request, records: Records = NO_RECORDS, *, optional: bool = False
    ) -> AnswerReader:
        """A successful answer in XML; an empty one has no `root` if it may be empty.

        Raises:
            S3Error: it failed, also after more tries, or it cannot be read.
        """

        async def read(response: aiohttp.ClientResponse) -> AnswerReader:
            answer = AnswerReader(records, response.headers)
            async for piece in response.content.iter_any():
                answer.feed(piece)
            if answer.size or not optional:
                answer.end()
            if answer.root == "Error":
                # What takes long begins with 200 and may still fail: Complete and copies.
                asked = self.world.wall()
                refusal = self._refusal(request, 500, asked, response.headers, answer.fields)
                raise refused(refusal)
            return answer

        return await self._tried(request, partial(self._read, request, read=read))

    @asynccontextmanager
    async def opened(self, request: S3Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """A successful answer whose body is read by the caller, who translates what fails then.

        Raises:
            S3Error: it failed, also after more tries.
        """
        response = await self._tried(request, partial(self._sent, request, streams=True))
        try:
            yield response
        finally:
            response.release() if response.content.at_eof() else response.close()

    async def with_md5(self, content: S3Content) -> tuple[S3Content, bytes]:
        """A content that knows its MD5; and that."""
        if content.md5 is not None:
            return content, content.md5
        if content.size <= SMALL:
            md5 = digest_of(SentHash.MD5, content.views)
        else:
            md5 = await self.world.offload(digest_of, SentHash.MD5, content.views)
        return replace(content, md5=md5), md5

    def sent_hashes(self, content: S3Content) -> Set[SentHash]:
        """The hashes that a content is sent with."""
        return needed(
            self.checks,
            content.known,
            is_sealed=self.login.address.sealed,
            is_checked_later=content.is_checked_later,
        )

    @property
    def where(self) -> str:
        """Host and port, for people."""
        return self.login.address.host

    async def _tried(
        self, request: S3Request, send: Callable[[SentDigests | None], Awaitable[T]]
    ) -> T:
        """What `send` returns, which sends the request once and reads a successful answer."""
        hashed = await self._digests(request)
        tries = 1
        while True:
            try:
                with translated(request.what, self.where):
                    return await send(hashed)
            except S3Error as error:
                if error.server_code == _UNPROVED and hashed is not None and not hashed.has_md5:
                    self.checks, self.doubted = UNKNOWN, True
                    hashed = await self._digests(request, {SentHash.MD5})
                    continue
                if error.status in _NOT_DONE and _relies(request):
                    self.doubted = True
                    raise asked_anew(error) from error
                safe = request.idempotent or error.undone
                if not error.again or not safe or tries == TRIES:
                    raise
                wait = delay(tries, self.world.chance(), FIRST_WAIT, LONGEST_WAIT)
                wait = max(wait, min(error.wait, LONGEST_WAIT))
                _log.debug("%s %s: again in %.1f s: %s", request.method, self.where, wait, error)
            await self._pause(wait)
            tries += 1

    async def _digests(
        self, request: S3Request, also: Set[SentHash] = frozenset()
    ) -> SentDigests | None:
        if (content := request.content) is None:
            return None
        kinds = self.sent_hashes(content) | also
        if content.size <= SMALL or kinds <= content.known:
            return digests(content, kinds)
        return await self.world.offload(digests, content, kinds)

    async def _read(
        self,
        request: S3Request,
        hashed: SentDigests | None,
        read: Callable[[aiohttp.ClientResponse], Awaitable[T]],
    ) -> T:
        """Sends a request once; what `read` returns of a successful answer."""
        async with await self._sent(request, hashed) as response:
            return await read(response)

    def _signed(
        self, request: S3Request, hashed: SentDigests | None, asked: float
    ) -> tuple[str, dict[str, str]]:
        """The path and the query of a request, as they are sent, and all headers."""
        if hashed is None:
            payload = UNSIGNED if self.login.address.sealed else EMPTY
        else:
            payload = hashed.payload
            request = replace(request, headers={**request.headers, **hashed.headers})
        return self._signer.signed(request, self.login.access_key(), asked, payload)

    def _direct(self, request: S3Request) -> DirectRequests | None:
        """By what a request is sent past aiohttp, if the answer to it is short; None: it is not.

        A content whose speed is limited goes in pieces, each in its time.
        """
        content = request.content
        if content is None or content.size <= SMALL:
            found = self._shorts
        elif content.pace is None:
            found = self._longs
        else:
            return None
        return found if self._given is None and found.may else None

    async def _exchanged(
        self,
        direct: DirectRequests,
        request: S3Request,
        hashed: SentDigests | None,
        longest: int,
        room: BodyRoom | None = None,
    ) -> HttpAnswer:
        """Sends a request once, past aiohttp; returns a successful answer.

        Raises:
            UnopenedError: nothing was sent; its content has waited for its turn already.
        """
        content = request.content
        if content is not None and content.pace is not None:
            await content.pace(content.size)
        asked = self.world.wall()  # a server takes no signature that is old
        target, headers = self._signed(request, hashed, asked)
        answer = await direct.ask(
            request.method, target, headers, content, longest, request.patience, room
        )
        _log.debug("%s %s: %d", request.method, self.where, answer.status)
        if answer.status >= 300:
            fields = _told(answer.headers, answer.body) if answer.body else {}
            raise refused(self._refusal(request, answer.status, asked, answer.headers, fields))
        return answer

    async def _sent(
        self, request: S3Request, hashed: SentDigests | None, *, streams: bool = False
    ) -> aiohttp.ClientResponse:
        """Sends a request once; returns a successful answer when its head is there."""
        asked = self.world.wall()
        target, headers = self._signed(request, hashed, asked)
        url = f"{self.login.address.root}{target}"
        body = None if request.content is None else ContentPayload(request.content)
        endless = streams or body is not None
        try:
            sent = self._session().request(
                request.method,
                URL(url, encoded=True),
                headers=headers,
                data=body,
                skip_auto_headers=("Content-Type", "Accept"),
                allow_redirects=False,
                middlewares=(once,),
                timeout=aiohttp.ClientTimeout(
                    total=None if endless else LONGEST_ANSWER * request.patience,
                    sock_connect=CONNECT,
                    sock_read=request.patience if body is None else None,
                ),
            )
            patience = request.patience
            response = await (sent if body is None else body.sending.answered(sent, patience))
        except OnceError as ended:
            raise ended.error from ended
        _log.debug("%s %s: %d", request.method, self.where, response.status)
        # Of an object it says what somebody has stored, and its bytes are wanted as they are.
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if not streams and request.method != "HEAD" and encoding not in _AS_IT_IS:
            response.close()
            raise bad_answer(request.what, "it is compressed, which was not asked for")
        if response.status >= 300:
            async with response:
                fields = await _fields(response)
                raise refused(
                    self._refusal(request, response.status, asked, response.headers, fields)
                )
        return response

    def _refusal(
        self,
        request: S3Request,
        status: int,
        asked: float,
        headers: Mapping[str, str],
        fields: Mapping[str, str],
    ) -> S3Refusal:
        return S3Refusal(
            request.what,
            self.where,
            status,
            headers,
            fields,
            asked,
            request.absent,
        )

    def _session(self) -> aiohttp.ClientSession:
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = new_session(self.login)
        return self._own


def _unpaced(request: S3Request) -> S3Request:
    """A request whose content waits no more."""
    content = request.content
    return request if content is None else replace(request, content=replace(content, pace=None))


def _relies(request: S3Request) -> bool:
    """Whether a request is only sent because the server was found to do such a thing."""
    return any(name.lower().startswith(_FOUND) for name in request.headers)


async def _drained(response: aiohttp.ClientResponse) -> bytes:
    """The body; of one that is longer than any refusal, the beginning."""
    body = bytearray()
    while len(body) < _REFUSAL and (piece := await response.content.readany()):
        body += piece
    return bytes(body)


async def _fields(response: aiohttp.ClientResponse) -> Mapping[str, str]:
    """What a refusal says in its XML; nothing if it says it in another way."""
    body = b""
    with suppress(aiohttp.ClientError, OSError):  # the status is known, and says enough
        body = await _drained(response)
    return _told(response.headers, body)


def _told(headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
    answer = AnswerReader(NO_RECORDS, headers)
    try:
        answer.feed(body)
        answer.end()
    except ProblemError:  # a proxy's page, an empty body
        return {}
    return answer.fields
