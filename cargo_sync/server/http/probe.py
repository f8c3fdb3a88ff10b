"""Probes: the speed of the connection to a client, measured with bytes that are thrown away.

They are for `job.test`, which must not need a file. A user can have one probe at a time, and the
server a few; each is limited in size and time, so that repeated probes use no more than one
download.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Final

from aiohttp import web

from cargo_sync.model.problems import Code, LaterError, Problem, ProblemError
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.fields import Query, digits, whole
from cargo_sync.process.http.limits import chunks, refuse_encoding, refuse_length, too_large
from cargo_sync.server.accounts.users import User
from cargo_sync.server.http.authentication import Authentication

LARGEST: Final = 64 * 2**20
"""Bytes per probe."""
LONGEST: Final = 5.0
"""Seconds per probe."""
AT_ONCE: Final = 8
_PIECE: Final = 256 * 1024


class _Send(Query):
    bytes: Annotated[int, digits, whole(LARGEST)] = LARGEST


class Readiness:
    """The handler of `/v1/ready`: a balancer asks it, without a login, whether to send requests.

    unready  why none should come now, or ""
    """

    def __init__(self, unready: Callable[[], str]) -> None:
        self._unready = unready

    def routes(self, v1: str) -> list[web.RouteDef]:
        return [web.get(f"{v1}/ready", self.ready)]

    async def ready(self, _: web.Request) -> web.Response:
        if why := self._unready():
            raise ProblemError(Problem(Code.ELSEWHERE, why, hint="ask another server"))
        return answer({"ready": True})


class Probe:
    """The handlers of `/v1/probe`."""

    def __init__(self, entrance: Authentication) -> None:
        self._entrance = entrance
        # Bytes that no proxy or VPN can compress.
        self._noise = hashlib.shake_128(b"probe").digest(_PIECE)
        self._busy: set[str] = set()

    def routes(self, v1: str) -> list[web.RouteDef]:
        return [web.get(f"{v1}/probe", self.send), web.post(f"{v1}/probe", self.take)]

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Streams as many bytes as asked for, or as the time allows."""
        user = self._entrance.user(request)
        left = _Send.read(request.query).bytes
        with self._one_of(user):
            response = web.StreamResponse(headers={"Cache-Control": "no-store"})
            response.content_type = "application/octet-stream"
            await response.prepare(request)
            now = asyncio.get_running_loop().time
            until = now() + LONGEST
            with suppress(ConnectionError):  # a client that has measured enough leaves
                while left and now() < until:
                    piece = self._noise[:left]
                    await _written(response.write(piece))
                    left -= len(piece)
                await _written(response.write_eof())
            return response

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Counts what arrives, as {bytes, seconds}, until the time is over."""
        user = self._entrance.user(request)
        refuse_encoding(request)
        refuse_length(request, LARGEST)
        with self._one_of(user):
            now = asyncio.get_running_loop().time
            began, count = now(), 0
            with suppress(TimeoutError):  # what has arrived by then counts
                async with asyncio.timeout(LONGEST):
                    async for chunk in chunks(request):
                        count += len(chunk)
                        if count > LARGEST:
                            raise too_large(LARGEST)
            response = answer({"bytes": count, "seconds": round(now() - began, 6)})
            if not request.content.is_eof():
                response.force_close()
            return response

    @contextmanager
    def _one_of(self, user: User) -> Iterator[None]:
        if user.name in self._busy or len(self._busy) >= AT_ONCE:
            raise LaterError(Problem(Code.BUSY, "another probe is running"), LONGEST)
        self._busy.add(user.name)
        try:
            yield
        finally:
            self._busy.discard(user.name)


async def _written(writing: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(LONGEST):
            await writing
    except TimeoutError as error:
        raise ConnectionResetError("the client does not read") from error
