"""The two ways in which a lane ends badly."""

from cargo_sync.model.problems import Code, Problem, ProblemError


def breach(message: str) -> ProblemError:
    """The other end did what no correct end does, or the bytes were changed on their way."""
    return ProblemError(
        Problem(
            Code.PROTOCOL,
            f"the lane was ended: {message}",
            hint="what was not committed is sent again",
        )
    )


def cut(message: str) -> ProblemError:
    """The way between both ends broke; nothing is wrong with either."""
    return ProblemError(
        Problem(Code.CUT, message, hint="the transfer goes on over a new connection")
    )
