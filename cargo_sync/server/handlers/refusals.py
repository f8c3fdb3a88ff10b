"""Refusals: of changes that only the server's file may make, and of names of jobs."""

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.config.server import UserSettings
from cargo_sync.server.accounts.registry import Registry


def in_file(registry: Registry, user: UserSettings, *fields: str) -> None:
    """Checks that none of a user's fields is set in the file.

    Raises:
        ControlError: `in_file`.
    """
    given = [field for field in fields if field in user.given]
    if not given:
        return
    if given == ["username"]:
        what = f'the user "{user.username}" is'
    else:
        names = " and ".join(f'"{field}"' for field in given)
        what = f'{names} of the user "{user.username}" {"is" if len(given) == 1 else "are"}'
    raise by_file(registry, what)


def no_job(name: str) -> None:
    """Raises ControlError(unknown_job): jobs are in daemons."""
    raise ControlError(
        ReplyCode.UNKNOWN_JOB, f'there is no job "{name}"', "a server has no jobs: ask a daemon"
    )


def by_file(registry: Registry, what: str) -> ControlError:
    """The refusal of a change: `what` ends with "is" or "are" and is set in the file."""
    return ControlError(
        ReplyCode.IN_FILE,
        f"{what} in {registry.file_name}, and the file wins",
        "change it in the file, then `reload`",
    )
