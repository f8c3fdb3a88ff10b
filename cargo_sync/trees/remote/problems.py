"""Problems of steps on a remote that are the same over every protocol."""

from cargo_sync.model.problems import Code, Problem, ProblemError, changed


def was_changed(path: str) -> ProblemError:
    """What is at a path is not what the plan saw there."""
    return ProblemError(changed(path))


def is_occupied(path: str) -> ProblemError:
    """Something is where nothing should be."""
    return ProblemError(Problem(Code.OCCUPIED, f"{path!r} is there already", path))


def is_uncertain(path: str) -> ProblemError:
    """A file was sent, and what is at its place now is something else."""
    message = f"{path!r} was sent, and something else is in its place now"
    return ProblemError(Problem(Code.UNCERTAIN, message, path))


def cut_off(path: str) -> Problem:
    """A file was being sent, or put in its place, when that was cut off."""
    message = (
        f"{path!r} was being sent when that was cut off: the server may have it, or not; "
        "the next look finds out"
    )
    return Problem(Code.UNCERTAIN, message, path)


def has_vanished(path: str) -> ProblemError:
    """Nothing is there any more."""
    return ProblemError(Problem(Code.VANISHED, f"{path!r} does not exist", path))


def is_no_folder(path: str) -> ProblemError:
    """A file is where a folder is needed."""
    message = f"{path!r} is a file where a folder is needed"
    return ProblemError(Problem(Code.NOT_A_FOLDER, message, path))


def is_not_empty(path: str) -> ProblemError:
    """Something is in a folder that is to be removed."""
    return ProblemError(Problem(Code.NOT_EMPTY, f"{path!r} is not empty", path))


def ended_early(path: str) -> ProblemError:
    """The content of a file has ended before its end."""
    return ProblemError(Problem(Code.CUT, f"the content of {path!r} ended early", path))
