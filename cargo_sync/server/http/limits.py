"""Limits for clients: what they may send, how much of it, and how long it may take.

Every wait for a client has an end, and every amount that a client can make the server keep has a
limit.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.refusals import bad_request

LOGIN_BYTES: Final = 8 * 1024
BODY_BYTES: Final = 16 * 1024 * 1024
"""Enough for 2,000 operations with two paths of 4 KiB each."""
BODY_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 30.0
"""Seconds without a byte of an upload, or while a client does not read a download."""
DRAIN_SECONDS: Final = 60.0

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


async def read_object(request: web.Request, cap: int = BODY_BYTES) -> Mapping[str, object]:
    """The JSON object in a request's body.

    Raises:
        ProblemError: `too_large`, `timeout`, `cut`, `bad_request`.
    """
    refuse_encoding(request)
    refuse_length(request, cap)
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in chunks(request):
                content += chunk
                if len(content) > cap:
                    raise too_large(cap)
    except TimeoutError as error:
        raise timed_out() from error
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise bad_request("the body is not JSON", "send one JSON object") from error
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
        except (ConnectionError, web.RequestPayloadError) as error:
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
