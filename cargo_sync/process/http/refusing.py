"""What every application of ours does with requests that fail: one form of answer, nothing else."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from logging import getLogger
from typing import Any, Final

from aiohttp import web

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.http.answers import EVERY_ANSWER

_log = getLogger(__name__)
_STARTED: Final = web.RequestKey("started", bool)
"""Whether the head of the answer is on its way: then no other answer can follow."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serving = Callable[[web.Request], AbstractContextManager[Any]]
Respond = Callable[[web.Request, ProblemError], web.Response]


def refusing(serving: Serving, respond: Respond, where: str) -> web.Application:
    """An application without routes, whose requests fail in one form.

    An unexpected error is logged, and not shown.

    Args:
        serving: entered for each request. It may raise ProblemError, as handlers may.
        respond: makes the answer for a problem.
        where: says what the API is under, for those who ask for something else.
    """

    @web.middleware
    async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
        allowed = ""
        try:
            with serving(request):
                return await handler(request)
        except ProblemError as error:
            problem = error
        except web.HTTPException as error:
            problem = ProblemError(_of_aiohttp(error, where))
            allowed = error.headers.get("Allow", "")
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            _log.exception("%s %s failed", request.method, ascii(request.path))
            problem = ProblemError(
                Problem(Code.FAILED, "the request failed on the server; the server's log says why")
            )
        _log.debug(
            "%s %s refused: %s", request.method, ascii(request.path), problem.problem.code_text
        )
        if request.get(_STARTED) and request.transport is not None:
            request.transport.abort()  # the client sees that the answer is not complete
            raise ConnectionResetError(problem.problem.code_text)
        response = respond(request, problem)
        if allowed:
            response.headers["Allow"] = allowed
        if not request.content.is_eof():
            response.force_close()  # the rest of the body is not read
        return response

    app = web.Application(middlewares=[refusals])
    app.on_response_prepare.append(_prepare)
    return app


async def _prepare(request: web.Request, response: web.StreamResponse) -> None:
    request[_STARTED] = True
    response.headers.update(EVERY_ANSWER)


def _of_aiohttp(error: web.HTTPException, where: str) -> Problem:
    match error.status:
        case 404:
            return Problem(Code.UNKNOWN, "there is nothing here", hint=where, retry=False)
        case 405:
            return Problem(Code.METHOD, "this address does not allow that method", retry=False)
        case _:
            return Problem(
                Code.BAD_REQUEST, error.reason or "the request cannot be read", retry=False
            )
