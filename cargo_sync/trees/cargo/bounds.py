"""What an answer may cost: bytes, seconds, memory. A hostile server fails the job and nothing else.

Nothing is decompressed: a compressed answer can grow a thousandfold, and Cargo's servers do not
compress. So no answer may be compressed.
"""

from contextlib import AbstractAsyncContextManager
from typing import Final

import aiohttp

from cargo_sync.trees.cargo.problems import bad_answer

SMALL: Final = 64 * 1024
"""Bytes of the answer to a login, and of a refusal. More are decoded in a thread: a page of changes
would take the event loop, and the commands that wait for it, 20 ms."""
PAGE: Final = 16 * 2**20
"""Bytes of every other answer. A server ends its pages at half of it."""
SECONDS: Final = 60.0
"""For an answer with all of its body; a long poll may wait before that."""
IDLE: Final = 30.0
"""Seconds without a byte that end an answer that may take as long as it needs."""
LARGE: Final = 2**20
LARGE_AT_ONCE: Final = 2
"""So many answers of more than `LARGE` bytes are read from one server at the same time: hundreds of
its jobs may ask at once."""
PLAIN: Final = {"Accept-Encoding": "identity"}


def plain(response: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
    """The same response.

    Raises:
        ProblemError: it is compressed.
    """
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        response.close()
        raise bad_answer("it is compressed, which was not asked for")
    return response


async def beginning(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, or the first `most` + 1 bytes of a longer one.

    Raises:
        ProblemError: it was not complete in time.
    """
    body = bytearray()
    try:
        while piece := await response.content.read(most + 1 - len(body)):
            body += piece
    except TimeoutError as error:
        raise bad_answer("it was not complete in time") from error
    return bytes(body)


def complete(body: bytes, most: int) -> bytes:
    """The same body.

    Raises:
        ProblemError: it is longer than `most`.
    """
    if len(body) > most:
        size = f"{most // 2**20} MiB" if most >= 2**20 else f"{most // 1024} KiB"
        raise bad_answer(f"it is larger than {size}")
    return body


async def whole(
    response: aiohttp.ClientResponse, large: AbstractAsyncContextManager[None]
) -> bytes:
    """The body of an answer. Beyond `LARGE` bytes it is read within `large`.

    Raises:
        ProblemError: it is too large, or was not complete in time.
    """
    body = await beginning(response, LARGE)
    if len(body) > LARGE:
        async with large:
            body += await beginning(response, PAGE - len(body))
    return complete(body, PAGE)
