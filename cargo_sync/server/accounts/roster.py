"""The roster: all users and workspaces of a server, of its file and made by command together.

The file wins, field by field. A user or workspace that was made by command and conflicts with the
file is left out, with a sentence that says why. It is kept, and comes back when the conflict is
over.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from cargo_sync.config.server import UserSettings, WorkspaceSettings
from cargo_sync.state.users import UserRow
from cargo_sync.state.workspaces import WorkspaceRow

RATES: Final = ("upload_speed", "download_speed", "upload_bandwidth", "download_bandwidth")
SETTABLE: Final[Mapping[str, str]] = {
    **dict(zip(RATES, RATES, strict=True)),
    "enabled": "enabled",
    "quota_bytes": "quota",
    "quota_files": "quota",
    "expires": "expires",
    "networks": "networks",
}
"""What a command may set of a user of the file, if the file does not; with the field there."""

OwnerKind = Literal["user", "workspace", "server"]
Real = Callable[[str], str]
"""Resolves the links in a path."""


class Holder(NamedTuple):
    """The holder of a folder, described in words; several users may hold the same folder."""

    kind: OwnerKind
    words: str
    path: str


@dataclass(frozen=True, slots=True)
class Roster:
    """The current users and workspaces. `notices` are sentences about those that were left out."""

    users: tuple[UserSettings, ...] = ()
    workspaces: tuple[WorkspaceSettings, ...] = ()
    notices: tuple[str, ...] = ()

    def user(self, name: str) -> UserSettings | None:
        return next((one for one in self.users if one.username == name), None)

    def workspace(self, name: str) -> WorkspaceSettings | None:
        return next((one for one in self.workspaces if one.name == name), None)


class Ground:
    """The holders of folders: none may be inside another, but users may share one."""

    def __init__(self, real: Real) -> None:
        self._real = real
        self._held: dict[str, Holder] = {}
        self._within: dict[str, Holder] = {}
        """The holder of a folder below, by each folder above a held one."""

    def clash(self, kind: OwnerKind, path: str) -> Holder | None:
        """The holder that `path` would conflict with, or None."""
        own = self._real(path)
        holder = self._held.get(own)
        if holder is not None:
            return None if kind == holder.kind == "user" else holder
        above = next((self._held[one] for one in _above(own) if one in self._held), None)
        return above or self._within.get(own)

    def take(self, holder: Holder) -> None:
        own = self._real(holder.path)
        self._held.setdefault(own, holder)
        for one in _above(own):
            self._within.setdefault(one, holder)


def ground(
    users: Iterable[UserSettings],
    workspaces: Iterable[WorkspaceSettings],
    state_dir: str,
    real: Real,
) -> Ground:
    """The folders of these, and of the server itself."""
    held = Ground(real)
    held.take(Holder("server", "the server's state_dir", state_dir))
    for user in users:
        held.take(_user_holder(user))
    for space in workspaces:
        held.take(_workspace_holder(space))
    return held


def effective(
    of_file: Roster,
    users: Mapping[str, UserRow],
    workspaces: Mapping[str, WorkspaceRow],
    state_dir: str,
    real: Real,
) -> Roster:
    """The current roster: the file's users and workspaces, and those in the state."""
    held = ground(of_file.users, of_file.workspaces, state_dir, real)
    known = {one.username: _merged_user(one, users.get(one.username)) for one in of_file.users}
    spaces = {one.name: one for one in of_file.workspaces}
    notices: list[str] = []
    for row in users.values():
        if row.path is None or row.name in known:
            continue
        numbers = (*RATES, "quota_bytes", "quota_files", "expires")
        if not _is_usable(row.path, *(getattr(row, name) for name in numbers)):
            notices.append(_unusable("user", row.name))
            continue
        if against := held.clash("user", row.path):
            notices.append(_left_out("user", row.name, row.path, against))
            continue
        known[row.name] = _made_user(row, row.path)
        held.take(_user_holder(known[row.name]))
    for space in workspaces.values():
        if space.path is None or space.name in spaces:
            continue
        if not _is_usable(space.path):
            notices.append(_unusable("workspace", space.name))
            continue
        if against := held.clash("workspace", space.path):
            notices.append(_left_out("workspace", space.name, space.path, against))
            continue
        spaces[space.name] = WorkspaceSettings(space.name, space.path, {})
        held.take(_workspace_holder(spaces[space.name]))
    granted = [_with_grants(one, workspaces.get(one.name), known) for one in spaces.values()]
    return Roster(tuple(known.values()), tuple(granted), tuple(notices))


def _is_usable(path: object, *numbers: object) -> bool:
    """Whether a row's values are what they should be: a file of state may have been changed."""
    absolute = isinstance(path, str) and os.path.isabs(path) and "\0" not in path
    return absolute and all(one is None or isinstance(one, int | float) for one in numbers)


def _unusable(kind: OwnerKind, name: str) -> str:
    return f'the {kind} "{name}" was made by command and is left out: its row cannot be read'


def _above(path: str) -> Iterator[str]:
    """The folders above a real path, the nearest first."""
    while (above := os.path.dirname(path)) != path:
        yield above
        path = above


def _user_holder(user: UserSettings) -> Holder:
    return Holder("user", f'the folder of the user "{user.username}"', user.path)


def _workspace_holder(space: WorkspaceSettings) -> Holder:
    return Holder("workspace", f'the folder of the workspace "{space.name}"', space.path)


def _merged_user(one: UserSettings, row: UserRow | None) -> UserSettings:
    if row is None:
        return one
    open_fields = {
        name: getattr(row, name) for name, field in SETTABLE.items() if field not in one.given
    }
    return replace(one, **open_fields)


def _made_user(row: UserRow, path: str) -> UserSettings:
    return replace(UserSettings(row.name, path), **{name: getattr(row, name) for name in SETTABLE})


def _with_grants(
    one: WorkspaceSettings, row: WorkspaceRow | None, users: Collection[str]
) -> WorkspaceSettings:
    kept = (
        {}
        if row is None
        else {user: access for user, access in row.grants.items() if user in users}
    )
    with_grants = replace(one, grants={**kept, **one.grants})
    if row is None or one.quota_bytes is not None or one.quota_files is not None:
        return with_grants  # the file wins
    return replace(with_grants, quota_bytes=row.quota_bytes, quota_files=row.quota_files)


def _left_out(kind: str, name: str, path: str, against: Holder) -> str:
    return (
        f'the {kind} "{name}" was made by command and is left out: {path} and '
        f"{against.words}, {against.path}, overlap"
    )
