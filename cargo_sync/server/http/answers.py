"""HTTP answers: JSON, and problems with one status a code and one shape of body.

`{"error": {"code": "…", "message": "…", "hint": "…"}}`.
"""

import math
from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.refusals import LaterError

STATUS: Final[Mapping[Code, int]] = {
    Code.BAD_REQUEST: 400,
    Code.BAD_PATH: 400,
    Code.UNAUTHORIZED: 401,
    Code.READ_ONLY: 403,
    Code.UNKNOWN: 404,
    Code.VANISHED: 404,
    Code.TIMEOUT: 408,
    Code.CHANGED: 409,
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
    Code.DISK_FULL: 507,
}
"""By problem code; others are 503 when they may pass by themselves, else 500."""


_PRIVATE: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def status_of(problem: Problem) -> int:
    return STATUS.get(problem.code, 503 if problem.retry else 500)


def answer(value: object, status: int = 200) -> web.Response:
    """`value` as JSON."""
    return web.Response(
        status=status, body=orjson.dumps(value), content_type="application/json", headers=_PRIVATE
    )


def refusal(error: ProblemError) -> web.Response:
    """The answer that says what is wrong."""
    problem = error.problem
    shown = {"code": problem.code_text, "message": problem.message, "hint": problem.hint}
    headers = dict(_PRIVATE)
    if isinstance(error, LaterError):
        headers["Retry-After"] = str(max(1, math.ceil(error.seconds)))
    return web.Response(
        status=status_of(problem),
        body=orjson.dumps({"error": shown}, option=orjson.OPT_APPEND_NEWLINE),
        content_type="application/json",
        headers=headers,
    )
