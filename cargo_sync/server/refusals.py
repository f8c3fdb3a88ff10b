"""The server's refusals, as errors that do not depend on HTTP.

Something that belongs to others and something that does not exist are refused in the same way.
"""

from cargo_sync.model.problems import Code, Problem, ProblemError


class LaterError(ProblemError):
    """Not now: the same request may succeed after `seconds`."""

    def __init__(self, problem: Problem, seconds: float) -> None:
        super().__init__(problem)
        self.seconds = seconds


def unauthorized(
    message: str = "user name or password is wrong, or the token has expired",
) -> ProblemError:
    """The refusal of a request without a valid login."""
    return ProblemError(
        Problem(Code.UNAUTHORIZED, message, hint="log in at /v1/login", retry=False)
    )


def unknown(what: str) -> ProblemError:
    """The refusal of something that does not exist or belongs to others: the answer is the same."""
    return ProblemError(Problem(Code.UNKNOWN, f"there is no {what} here", retry=False))


def bad_request(message: str, hint: str = "") -> ProblemError:
    """The refusal of a request that is not valid."""
    return ProblemError(Problem(Code.BAD_REQUEST, message, hint=hint, retry=False))


def read_only(workspace: str) -> ProblemError:
    """The refusal of a change in a workspace that the user may only read."""
    message = f'you may read the workspace "{workspace}" but not change it'
    hint = 'the person who runs the server can grant "rw"'
    return ProblemError(Problem(Code.READ_ONLY, message, hint=hint, retry=False))
