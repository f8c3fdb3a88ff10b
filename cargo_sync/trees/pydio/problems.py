"""Errors that are Pydio's own: it says them in a message, with status 200."""

from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError

_LONGEST: Final = 200
_FULL: Final = "(507)"
"""In the message about an upload that goes beyond the user's quota."""


class PydioRefusalError(ProblemError):
    """The server has answered with an error.

    said  its message, in the server's language
    """

    def __init__(self, problem: Problem, said: str) -> None:
        super().__init__(problem)
        self.said = said


def refused_with(said: str, path: str) -> PydioRefusalError:
    """The error of an answer that is a message of an error.

    Args:
        said: the message.
        path: what the call was about, relative to the remote's folder; "" for the folder.
    """
    shown = "".join(one if one.isprintable() else " " for one in said[:_LONGEST]).strip()
    name = repr(path) if path else "the folder"
    if _FULL in said:
        message = f"the server has no room for {name}"
        return PydioRefusalError(Problem(Code.DISK_FULL, message, path), said)
    message = f"the server could not do this with {name}"
    message += f"; it says: {shown}" if shown else ""
    return PydioRefusalError(Problem(Code.REFUSED, message, path), said)


def login_refused() -> ProblemError:
    """The problem of an answer that asks for a login, as a page would."""
    hint = "check username, and password or password_file"
    return ProblemError(
        Problem(Code.UNAUTHORIZED, "the server refuses this login", hint=hint, retry=False)
    )


def no_pydio(why: str) -> ProblemError:
    """The problem of an answer that no Pydio server would send."""
    return ProblemError(
        Problem(
            Code.BAD_ANSWER,
            f"the server's answer is not valid: {why}",
            hint="check hostname and workspace in the job: hostname is the address of Pydio 6 to "
            "8; Pydio Cells is reached by its S3 or WebDAV address",
        )
    )


def no_hidden_files(error: ProblemError) -> ProblemError:
    """The problem of a workspace in which `.cargo_sync` cannot be made."""
    return ProblemError(
        Problem(
            Code.REFUSED,
            f"the folder .cargo_sync cannot be made in the workspace: {error.problem.message}",
            hint="uploads and the trash need it: let the workspace show hidden files, in Pydio's "
            "settings of the workspace, and give the user the right to write",
            retry=False,
        )
    )
