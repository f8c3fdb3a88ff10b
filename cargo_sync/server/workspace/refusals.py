"""What a workspace refuses, in words for its users: they have no path of the server."""

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer


def is_elsewhere(problem: Problem | None) -> bool:
    """Whether nothing is wrong: another server has the folder."""
    return problem is not None and problem.code is Code.ELSEWHERE


def changed(path: str) -> ProblemError:
    """The problem of an operation on a version that is not the current one."""
    message = f"{path!r} has changed: it is not the expected version any more"
    return ProblemError(Problem(Code.CHANGED, message, path, hint="look again, then decide"))


def vanished(path: str) -> ProblemError:
    """The problem of an operation on what is not there."""
    return ProblemError(Problem(Code.VANISHED, f"{path!r} is not there any more", path))


def exists(path: str, to: str) -> ProblemError:
    """The problem of a move to an occupied place."""
    return ProblemError(Problem(Code.OCCUPIED, f"{to!r} exists already", path))


def into_itself(path: str, to: str) -> ProblemError:
    """The problem of a move of a folder to a place in it."""
    reason = f"{path!r} cannot be moved to {to!r}, into itself"
    return ProblemError(Problem(Code.BAD_PATH, reason, path, retry=False))


def one_in_the_other(path: str, to: str) -> ProblemError:
    """The problem of an exchange of a folder with something in it."""
    reason = f"{path!r} and {to!r} cannot change places: one is in the other"
    return ProblemError(Problem(Code.BAD_PATH, reason, path, retry=False))


def not_empty(path: str) -> ProblemError:
    """The problem of the deletion of a folder of which a client knows nothing."""
    return ProblemError(Problem(Code.NOT_EMPTY, f"{path!r} is a folder that is not empty", path))


def no_file_or_folder(path: str) -> ProblemError:
    """The problem of a time or mode for a link, or for nothing."""
    return ProblemError(Problem(Code.NOT_A_FILE, f"{path!r} is not a file", path))


def not_a_file(path: str) -> ProblemError:
    """The problem of the content of something that has none."""
    return ProblemError(Problem(Code.NOT_A_FILE, f"{path!r} is not a file", path, retry=False))


def is_a_folder(path: str) -> ProblemError:
    """The problem of a file for a place where a folder is."""
    return ProblemError(Problem(Code.IS_A_FOLDER, f"{path!r} is a folder", path, retry=False))


def away() -> ProblemError:
    """For clients: the message has no path."""
    message = "the folder of this workspace is not there"
    hint = "the person who runs the server can bring it back; nothing is deleted meanwhile"
    return ProblemError(Problem(Code.ROOT_GONE, message, hint=hint))


def no_room(offer: Offer) -> Problem:
    """The problem of a file that does not fit; a client is not told what is free on the server."""
    message = f"{offer.path!r} needs {offer.size:,} bytes, and the server's disk has no room for it"
    return Problem(Code.DISK_FULL, message, offer.path, "free some space there; it is tried again")


def misplaced(offset: int, done: int) -> ProblemError:
    """The problem of a piece that does not come next."""
    message = f"the upload is at byte {done}, and the piece begins at {offset}"
    return ProblemError(Problem(Code.STALE, message, hint=f"go on at {done}", retry=False))


def too_long(offer: Offer) -> ProblemError:
    """The problem of a piece that is more than was announced."""
    message = f"the piece ends after the end of the file, which has {offer.size:,} bytes"
    return ProblemError(Problem(Code.TOO_LARGE, message, offer.path, retry=False))
