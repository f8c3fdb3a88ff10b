"""One call to Pydio's API: a request, and its answer as a whole."""

from typing import Final

import aiohttp

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.pydio.answers import check_done
from cargo_sync.trees.pydio.problems import no_pydio
from cargo_sync.trees.webdav.connection import WebDavConnection, WebDavRequest, check_encoding
from cargo_sync.trees.webdav.problems import translated
from cargo_sync.trees.webdav.writing import StreamedBody

LARGEST: Final = 64 * 2**20
"""Bytes of an answer that is read into memory: a page has 200 to 500 names."""
OK: Final = frozenset({200})


class PydioApi:
    """Calls over one connection.

    Raises:
        WebDavRefusalError: the answer is not a success.
        ProblemError: the server cannot be reached, or the connection was cut.
    """

    def __init__(self, connection: WebDavConnection) -> None:
        self._connection = connection

    async def begin(self, asked: WebDavRequest) -> aiohttp.ClientResponse:
        """An answer that the caller closes."""
        return await self._connection.begin(asked)

    async def get(self, url: str, path: str) -> bytes:
        """The answer to a question about `path`."""
        return await self.send(WebDavRequest("GET", url, path, OK))

    async def post(self, url: str, path: str, fields: str = "") -> bytes:
        """The answer to a form about `path`, whose fields are encoded."""
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return await self.send(
            WebDavRequest("POST", url, path, OK, headers, fields.encode("ascii"))
        )

    async def send(self, asked: WebDavRequest) -> bytes:
        """The answer to a request."""
        async with self._connection.opened(asked) as answer:
            body = await self.body(answer)
            if isinstance(asked.body, StreamedBody) and asked.body.sent < (asked.body.size or 0):
                check_done(body, asked.path)
                message = f"the server answered before it had all of {asked.path!r}"
                raise ProblemError(Problem(Code.CUT, message, asked.path))
            return body

    async def body(self, answer: aiohttp.ClientResponse) -> bytes:
        """The body of an answer. Raises ProblemError: `bad_answer`, if it is too long."""
        check_encoding(answer)
        body = bytearray()
        with translated(self._connection.login.where):
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > LARGEST:
                    raise no_pydio(f"it is longer than {LARGEST:,} bytes")
        return bytes(body)
