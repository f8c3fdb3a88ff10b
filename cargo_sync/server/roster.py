"""The roster: all users and workspaces that a server has, of its file and made by command together.

What the file says wins, field by field. What was made by command and does not go with the file any more is
left out, with a sentence that says why; it is kept, and comes back when the file makes room for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from cargo_sync.config.places import inside
from cargo_sync.config.server import UserSettings, WorkspaceSettings
from cargo_sync.state.users import UserRow
from cargo_sync.state.workspaces import WorkspaceRow

RATES: Final = ("upload_speed", "download_speed", "upload_bandwidth", "download_bandwidth")
SETTABLE: Final = (*RATES, "enabled")
"""The fields of a user of the file that a command may set while the file leaves them out."""

Real = Callable[[str], str]
"""A path -> the path that it leads to."""


class Holder(NamedTuple):
    """Who holds a folder, in words; several users may hold the same one."""

    kind: Literal["user", "workspace", "server"]
    words: str
    path: str


@dataclass(frozen=True, slots=True)
class Roster:
    """Users and workspaces as they hold now. `notices` are sentences about what was left out."""

    users: tuple[UserSettings, ...] = ()
    workspaces: tuple[WorkspaceSettings, ...] = ()
    notices: tuple[str, ...] = ()

    def user(self, name: str) -> UserSettings | None:
        return next((one for one in self.users if one.username == name), None)

    def workspace(self, name: str) -> WorkspaceSettings | None:
        return next((one for one in self.workspaces if one.name == name), None)


def effective(
    of_file: Roster,
    users: Mapping[str, UserRow],
    workspaces: Mapping[str, WorkspaceRow],
    state_dir: str,
    real: Real,
) -> Roster:
    """The file's users and workspaces, and those that the state keeps."""
    known = [_merged_user(one, users.get(one.username)) for one in of_file.users]
    spaces = list(of_file.workspaces)
    notices: list[str] = []
    for user in users.values():
        if user.path is None or of_file.user(user.name) is not None:
            continue
        if against := clash("user", user.path, holders(known, spaces, state_dir), real):
            notices.append(_left_out("user", user.name, user.path, against))
        else:
            known.append(_made_user(user, user.path))
    for space in workspaces.values():
        if space.path is None or of_file.workspace(space.name) is not None:
            continue
        if against := clash("workspace", space.path, holders(known, spaces, state_dir), real):
            notices.append(_left_out("workspace", space.name, space.path, against))
        else:
            spaces.append(WorkspaceSettings(space.name, space.path, {}))
    names = {one.username for one in known}
    granted = [_with_grants(one, workspaces.get(one.name), names) for one in spaces]
    return Roster(tuple(known), tuple(granted), tuple(notices))


def holders(
    users: Sequence[UserSettings], workspaces: Sequence[WorkspaceSettings], state_dir: str
) -> Iterator[Holder]:
    """Who holds which folder."""
    yield Holder("server", "the server's state_dir", state_dir)
    for user in users:
        yield Holder("user", f'the folder of the user "{user.username}"', user.path)
    for space in workspaces:
        yield Holder("workspace", f'the folder of the workspace "{space.name}"', space.path)


def clash(
    kind: Literal["user", "workspace"], path: str, others: Iterator[Holder], real: Real
) -> Holder | None:
    """The one in whose way `path` is: none may lie in another, but users may share one."""
    own = real(path)
    for other in others:
        theirs = real(other.path)
        if own == theirs and kind == other.kind == "user":
            continue
        if inside(own, theirs) or inside(theirs, own):
            return other
    return None


def _merged_user(one: UserSettings, row: UserRow | None) -> UserSettings:
    if row is None:
        return one
    open_fields = {name: getattr(row, name) for name in SETTABLE if name not in one.given}
    return replace(one, **open_fields)


def _made_user(row: UserRow, path: str) -> UserSettings:
    return UserSettings(
        row.name, path, None, None, row.upload_speed, row.download_speed, row.upload_bandwidth,
        row.download_bandwidth, row.enabled,
    )  # fmt: skip


def _with_grants(one: WorkspaceSettings, row: WorkspaceRow | None, users: set[str]) -> WorkspaceSettings:
    kept = {} if row is None else {user: access for user, access in row.grants.items() if user in users}
    return replace(one, grants={**kept, **one.grants})


def _left_out(kind: str, name: str, path: str, against: Holder) -> str:
    return (
        f'the {kind} "{name}" was made by command and is left out: {path} and {against.words}, '
        f"{against.path}, lie one in the other"
    )
