"""What the server's rooms refuse, as errors that know nothing of HTTP.

What is not yours and what is not there are refused alike.
"""

from cargo_sync.model.problems import Code, Problem, ProblemError


class LaterError(ProblemError):
    """Not now: the same request is welcome in `seconds`."""

    def __init__(self, problem: Problem, seconds: float) -> None:
        super().__init__(problem)
        self.seconds = seconds


def unauthorized(
    message: str = "user name or password is wrong, or the token has run out",
) -> ProblemError:
    return ProblemError(
        Problem(Code.UNAUTHORIZED, message, hint="log in at /v1/login", retry=False)
    )


def unknown(what: str) -> ProblemError:
    """There is no such thing, or it is somebody else's: nobody learns which."""
    return ProblemError(Problem(Code.UNKNOWN, f"there is no {what} here", retry=False))


def bad_request(message: str, hint: str = "") -> ProblemError:
    return ProblemError(Problem(Code.BAD_REQUEST, message, hint=hint, retry=False))


def read_only(workspace: str) -> ProblemError:
    message = f'you may read the workspace "{workspace}" but not change it'
    hint = 'whoever runs the server can grant "rw"'
    return ProblemError(Problem(Code.READ_ONLY, message, hint=hint, retry=False))
