"""The two errors that end a lane."""

from cargo_sync.model.problems import Code, Problem, ProblemError


def breach(message: str) -> ProblemError:
    """The other end broke the protocol, or the bytes were changed on the way."""
    return ProblemError(
        Problem(
            Code.PROTOCOL,
            f"the lane was ended: {message}",
            hint="what was not committed is sent again",
        )
    )


def cut(message: str) -> ProblemError:
    """The connection between both ends broke; both ends are fine."""
    return ProblemError(
        Problem(Code.CUT, message, hint="the transfer continues on a new connection")
    )
