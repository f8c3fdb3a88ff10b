"""Why a change is refused that the server's file has a say in."""

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.config.server import UserSettings
from cargo_sync.server.accounts.registry import Registry


def in_file(registry: Registry, user: UserSettings, *fields: str) -> None:
    """Of a user's fields none may stand in the file. Raises ControlError(in_file)."""
    given = [field for field in fields if field in user.given]
    if not given:
        return
    if given == ["username"]:
        what = f'the user "{user.username}" stands'
    else:
        what = (
            " and ".join(f'"{field}"' for field in given) + f' of the user "{user.username}" stand'
        )
        what += "s" if len(given) == 1 else ""
    raise by_file(registry, what)


def by_file(registry: Registry, what: str) -> ControlError:
    """`what` "… stands", which the file says."""
    return ControlError(
        ReplyCode.IN_FILE,
        f"{what} in {registry.file_name}, which wins",
        "change it there, then `reload`",
    )
