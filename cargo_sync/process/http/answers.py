"""HTTP responses: values as JSON, and problems with one status per code and one form of body.

`{"error": {"code": "…", "message": "…", "hint": "…"}}`.
"""

import math
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import orjson
from aiohttp import web

from cargo_sync.model.problems import Code, Problem
from cargo_sync.process.http.connection import ANONYMOUS

STATUS: Final[Mapping[Code, int]] = {
    Code.BAD_REQUEST: 400,
    Code.BAD_PATH: 400,
    Code.RESERVED_NAME: 400,
    Code.CORRUPT: 400,
    Code.TLS: 400,
    Code.UNAUTHORIZED: 401,
    Code.LOGGED_OUT: 401,
    Code.READ_ONLY: 403,
    Code.WRITE_ONLY: 403,
    Code.EXPIRED: 403,
    Code.FOREIGN_NETWORK: 403,
    Code.UNKNOWN: 404,
    Code.VANISHED: 404,
    Code.TIMEOUT: 408,
    Code.IN_FILE: 409,
    Code.CHANGED: 409,
    Code.DAMAGED: 409,
    Code.FENCED: 409,
    Code.OCCUPIED: 409,
    Code.NOT_EMPTY: 409,
    Code.IS_A_FOLDER: 409,
    Code.NOT_A_FOLDER: 409,
    Code.SYMLINK: 409,
    Code.STALE: 412,
    Code.NO_LENGTH: 411,
    Code.TOO_LARGE: 413,
    Code.METHOD: 405,
    Code.UNSUPPORTED: 415,
    Code.BAD_RANGE: 416,
    Code.THROTTLED: 429,
    Code.BUSY: 429,
    Code.BELOW_QUORUM: 503,
    Code.DISK_FULL: 507,
    Code.OVER_QUOTA: 507,
}
"""Status by problem code; for others 503 if a retry may help, else 500."""


_PRIVATE: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


EVERY_ANSWER: Final[Mapping[str, str]] = {
    **ANONYMOUS,
    # Pages of other sites may not embed answers.
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of all answers, also of those to requests that are not HTTP."""
_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


def status_of(problem: Problem) -> int:
    """The HTTP status for a problem."""
    return STATUS.get(problem.code, 503 if problem.retry else 500)


def answer(value: object, status: int = 200) -> web.Response:
    """The value as a JSON response."""
    return web.Response(
        status=status, body=orjson.dumps(value), content_type="application/json", headers=_PRIVATE
    )


def shown_problem(problem: Problem) -> dict[str, str]:
    """A problem as JSON."""
    return {"code": problem.code_text, "message": problem.message, "hint": problem.hint}


def refusal(
    problem: Problem, seconds: float | None = None, more: Mapping[str, object] = _NOTHING
) -> web.Response:
    """The response that tells a client about a problem.

    Args:
        problem: as the client may read it.
        seconds: after which the same request may succeed, if that is known.
        more: fields of the body beside "error".
    """
    headers = dict(_PRIVATE)
    if seconds is not None:
        headers["Retry-After"] = str(max(1, math.ceil(seconds)))
    told = {"error": shown_problem(problem), **more}
    return web.Response(
        status=status_of(problem),
        body=orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE),
        content_type="application/json",
        headers=headers,
    )


def at_once(problem: Problem) -> bytes:
    """The same response as bytes, for a connection that is closed after it."""
    body = orjson.dumps({"error": shown_problem(problem)}, option=orjson.OPT_APPEND_NEWLINE)
    headers = {
        **EVERY_ANSWER,
        **_PRIVATE,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    status = HTTPStatus(status_of(problem))
    return f"HTTP/1.1 {status} {status.phrase}\r\n{lines}\r\n".encode() + body
