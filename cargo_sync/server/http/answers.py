"""HTTP answers: JSON, and problems with one status a code and one shape of body.

`{"error": {"code": "…", "message": "…", "hint": "…"}}`.
"""

import math
from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import web

from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.server.refusals import LaterError

STATUS: Final[Mapping[str, int]] = {
    "bad_request": 400,
    "bad_path": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "read_only": 403,
    "unknown": 404,
    "vanished": 404,
    "timeout": 408,
    "changed": 409,
    "occupied": 409,
    "not_empty": 409,
    "is_a_folder": 409,
    "not_a_folder": 409,
    "symlink": 409,
    "unstable": 409,
    "stale": 412,
    "no_length": 411,
    "too_large": 413,
    "method": 405,
    "unsupported": 415,
    "bad_range": 416,
    "throttled": 429,
    "busy": 429,
    "disk_full": 507,
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
    shown = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    headers = dict(_PRIVATE)
    if isinstance(error, LaterError):
        headers["Retry-After"] = str(max(1, math.ceil(error.seconds)))
    return web.Response(
        status=status_of(problem),
        body=orjson.dumps({"error": shown}, option=orjson.OPT_APPEND_NEWLINE),
        content_type="application/json",
        headers=headers,
    )
