"""The lock of a state: one process of ours has it."""

from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.process.file_lock import FileLock, LockedError


def only_process(path: str) -> FileLock:
    """Takes the lock of the state at `path`.

    Raises:
        ProblemError: `state_in_use`, with the holder's process id.
    """
    place = f"{path}.lock"
    try:
        lock = FileLock(place)
    except LockedError as error:
        raise ProblemError(
            Problem(
                Code.STATE_IN_USE,
                f"{path!r} is in use by process {error.holder}",
                hint="stop that process, or give this one a state folder of its own",
                retry=False,
            )
        ) from error
    except OSError as error:
        raise ProblemError(from_os_error(error, place)) from error
    lock.sign()
    return lock
