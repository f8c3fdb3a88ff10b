"""How fast the way to a client is, measured over HTTP: bytes that mean nothing, counted and thrown
away.

For `job.test`, which must not need a file. One probe a user at a time, a few at once in all, each
bounded by size and by time: whoever probes again and again takes no more than one download's worth
of the server.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Final

from aiohttp import web

from cargo_sync.model.problems import Code, Problem
from cargo_sync.server.accounts.users import User
from cargo_sync.server.http.answers import answer
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.fields import Query, digits, whole
from cargo_sync.server.http.limits import chunks, refuse_encoding, refuse_length, too_large
from cargo_sync.server.refusals import LaterError

LARGEST: Final = 64 * 2**20
"""Bytes of one probe."""
LONGEST: Final = 5.0
"""Seconds of one probe."""
AT_ONCE: Final = 8
_PIECE: Final = 256 * 1024


class _Send(Query):
    bytes: Annotated[int, digits, whole(LARGEST)] = LARGEST


class Probe:
    """The handlers of `/v1/probe`."""

    def __init__(self, entrance: Authentication) -> None:
        self._entrance = entrance
        # Nothing that a proxy or a VPN on the way could make smaller.
        self._noise = hashlib.shake_128(b"probe").digest(_PIECE)
        self._busy: set[str] = set()

    def routes(self, v1: str) -> list[web.RouteDef]:
        return [web.get(f"{v1}/probe", self.send), web.post(f"{v1}/probe", self.take)]

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Streams so many bytes, or as many as the time allows."""
        user = self._entrance.user(request)
        left = _Send.read(request.query).bytes
        with self._one_of(user):
            response = web.StreamResponse(headers={"Cache-Control": "no-store"})
            response.content_type = "application/octet-stream"
            await response.prepare(request)
            now = asyncio.get_running_loop().time
            until = now() + LONGEST
            with suppress(ConnectionError):  # who has measured enough leaves
                while left and now() < until:
                    piece = self._noise[:left]
                    await _written(response.write(piece))
                    left -= len(piece)
                await _written(response.write_eof())
            return response

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Counts what comes: {bytes, seconds}. What comes after the time is over is not waited
        for."""
        user = self._entrance.user(request)
        refuse_encoding(request)
        refuse_length(request, LARGEST)
        with self._one_of(user):
            now = asyncio.get_running_loop().time
            began, count = now(), 0
            with suppress(TimeoutError):  # what has come by then is the answer
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
            raise LaterError(Problem(Code.BUSY, "another probe is under way"), LONGEST)
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
