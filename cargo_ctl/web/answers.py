"""The answers of the page's HTTP API, and the bodies of its requests."""

import asyncio
from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web

from cargo_sync.api.messages import JsonObject, encode
from cargo_sync.api.web_headers import NOT_STORED

LARGEST_BODY: Final = 1024 * 1024
BODY_SECONDS: Final = 10.0
_JSON: Final = "application/json"


class RefusedRequest(Exception):  # noqa: N818 - the fault of who asks, not of ours
    """A request that is answered with an error.

    status  of the answer
    after   seconds after which it may be tried again, or 0
    """

    def __init__(
        self, status: int, code: str, message: str, hint: str = "", *, after: float = 0.0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.after = after

    def response(self) -> web.Response:
        """The answer."""
        error = {"code": self.code, "message": self.message, "hint": self.hint}
        found = answer({"error": error}, self.status)
        if self.after > 0:
            found.headers["Retry-After"] = str(int(self.after) + 1)
        return found


def answer(value: JsonObject, status: int = 200) -> web.Response:
    """An answer in JSON."""
    return web.Response(
        body=encode(value), status=status, content_type=_JSON, charset="utf-8", headers=NOT_STORED
    )


async def body_of(request: web.Request) -> Mapping[str, object]:
    """The JSON object that was sent. Raises RefusedRequest."""
    if request.content_type != _JSON:
        raise RefusedRequest(415, "unsupported", f"the body must be {_JSON}")
    if request.headers.get("Content-Encoding"):
        raise RefusedRequest(415, "unsupported", "the body must not be compressed")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            raw = await request.read()
    except TimeoutError:
        raise RefusedRequest(408, "timeout", "the body did not come") from None
    except web.HTTPRequestEntityTooLarge:
        raise RefusedRequest(413, "too_large", "the body is over 1 MiB") from None
    try:
        fields = orjson.loads(raw)
    except ValueError:
        raise RefusedRequest(400, "bad_request", "the body is not JSON") from None
    if not isinstance(fields, dict):
        raise RefusedRequest(400, "bad_request", "the body is not a JSON object")
    return fields


def text_of(fields: Mapping[str, object], name: str, longest: int) -> str:
    """A text that a body must have. Raises RefusedRequest."""
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise RefusedRequest(
            400, "bad_request", f'"{name}" must be text of at most {longest} characters'
        )
    return value


def only(fields: Mapping[str, object], *names: str) -> None:
    """Refuses a body with other fields. Raises RefusedRequest."""
    for name in fields:
        if name not in names:
            raise RefusedRequest(400, "bad_request", f'unknown field "{name[:64]}"')
