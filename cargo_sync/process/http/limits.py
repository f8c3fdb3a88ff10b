"""Limits for clients: what they may send, how much of it, and how long it may take.

Every wait for a client has an end, and every amount that a client can make the server keep has a
limit.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Any, Final

import orjson
from aiohttp import web

from cargo_sync.machines.budget import Amount, Budgets
from cargo_sync.model.documents import parsed
from cargo_sync.model.problems import Code, LaterError, Problem, ProblemError, bad_request
from cargo_sync.model.world import Offload

LOGIN_BYTES: Final = 8 * 1024
BODY_BYTES: Final = 16 * 1024 * 1024
"""Enough for 2,000 operations with two paths of 4 KiB each."""
BODY_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 30.0
"""Seconds without a byte of an upload, or while a client does not read a download."""
DRAIN_SECONDS: Final = 60.0
VALUES: Final = 1 << 16
"""The most values in a large body; 2,000 operations have a quarter of them."""
SMALL: Final = 64 * 1024
"""Bytes of a body that are parsed at once. The values of a larger one are counted before, in a
thread."""

SERVER_OPTIONS: Final[Mapping[str, Any]] = {
    # aiohttp closes a connection whose request is not complete by then, also its first one:
    # slow headers.
    "keepalive_timeout": 30.0,
    "lingering_time": 5.0,
    "max_line_size": 16 * 1024,  # a path of 4 KiB, percent-encoded
    "max_field_size": 8 * 1024,
    # Nothing is decompressed: a small body stays small.
    "auto_decompress": False,
    "access_log": None,
}
"""Options for the aiohttp runner."""

Body = Mapping[str, object]
_Take = Callable[[int], None]


class Bodies:
    """Reads the bodies of users, and keeps them until they are complete: JSON, pieces of files.

    budgets  in bytes: who sends many at once, and slowly, gets 429 for the next ones
    """

    def __init__(self, offload: Offload, budgets: Budgets | None = None) -> None:
        self._offload = offload
        self._budgets = budgets or Budgets()
        self._numbers = count()

    async def read(self, request: web.Request, user: str) -> Body:
        """The JSON object in the body of a user's request.

        Raises:
            ProblemError: `too_large`, `timeout`, `cut`, `bad_request`, `busy`.
        """
        with self._room(user) as take:
            content = await _content(request, BODY_BYTES, take)
            if len(content) <= SMALL:
                return _object(content)
            return await self._offload(_object, content)

    @asynccontextmanager
    async def piece(self, request: web.Request, user: str, cap: int) -> AsyncIterator[bytearray]:
        """A piece of a file, which is the body of a user's request, kept until it is used.

        Raises:
            ProblemError: `too_large`, `timeout`, `cut`, `busy`.
        """
        refuse_encoding(request)
        refuse_length(request, cap)
        with self._room(user) as take:
            yield await _taken(request, cap, take)

    @contextmanager
    def _room(self, user: str) -> Iterator[_Take]:
        number, held = f"{next(self._numbers)}", 0

        def take(size: int) -> None:
            nonlocal held
            if not self._budgets.take(number, user, Amount(0, size)):
                raise LaterError(Problem(Code.BUSY, "too much is being sent at the same time"), 1)
            held += size

        try:
            yield take
        finally:
            self._budgets.give(number, user, Amount(0, held))


async def read_login(request: web.Request) -> Body:
    """The JSON object in the body of a login, or of another small request.

    Raises:
        ProblemError: `too_large`, `timeout`, `cut`, `bad_request`.
    """
    return _object(await _content(request, LOGIN_BYTES, lambda _: None))


async def _content(request: web.Request, cap: int, take: _Take) -> bytearray:
    refuse_encoding(request)
    refuse_length(request, cap)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _taken(request, cap, take)
    except TimeoutError as error:
        raise timed_out() from error


async def _taken(request: web.Request, cap: int, take: _Take) -> bytearray:
    content = bytearray()
    async for chunk in chunks(request):
        if len(content) + len(chunk) > cap:
            raise too_large(cap)
        take(len(chunk))
        content += chunk
    return content


def _object(content: bytearray) -> Body:
    try:
        value = parsed(content, VALUES)
    except orjson.JSONDecodeError as error:
        raise bad_request("the body is not JSON", "send one JSON object") from error
    except ValueError as error:
        raise bad_request(f"the body cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise bad_request("the body is not a JSON object", "send one JSON object")
    return value


async def chunks(request: web.Request) -> AsyncIterator[bytes]:
    """A body as it arrives, with a deadline for every piece.

    Raises:
        ProblemError: `timeout`, `cut`.
    """
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                chunk = await request.content.readany()
        except TimeoutError as error:
            raise timed_out() from error
        except (OSError, web.RequestPayloadError) as error:  # also a broken record of TLS
            raise ProblemError(
                Problem(Code.CUT, "the connection was closed before the end of the body")
            ) from error
        if not chunk:
            return
        yield chunk


async def sent(writing: Awaitable[None]) -> None:
    """Waits until a piece of a response is on its way.

    Raises:
        ConnectionResetError: the client is gone, or does not read any more.
    """
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await writing
    except TimeoutError as error:
        raise ConnectionResetError("the client does not read") from error


def refuse_encoding(request: web.Request) -> None:
    """Checks that a body is not compressed.

    Raises:
        ProblemError: `unsupported`.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        message = f"a body with Content-Encoding {encoding[:40]!r} is not supported"
        raise ProblemError(
            Problem(Code.UNSUPPORTED, message, hint="send it uncompressed", retry=False)
        )


def refuse_length(request: web.Request, cap: int) -> None:
    """Checks the announced length of a body.

    Raises:
        ProblemError: `too_large`.
    """
    if (request.content_length or 0) > cap:
        raise too_large(cap)


def too_large(cap: int) -> ProblemError:
    """The refusal of a body that is too large."""
    return ProblemError(
        Problem(Code.TOO_LARGE, f"the body is larger than {cap:,} bytes", retry=False)
    )


def timed_out() -> ProblemError:
    """The refusal of a body that does not arrive in time."""
    return ProblemError(Problem(Code.TIMEOUT, "nothing arrived for too long"))
