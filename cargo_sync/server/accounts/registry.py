"""The registry: the users and workspaces of a server, from its file and its state.

Changes happen one at a time. A command's change is first made durable, then takes effect, and then
the command is answered.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.config import places
from cargo_sync.config.fields import served_folder
from cargo_sync.config.server import ServerSettings, UserSettings, WorkspaceSettings
from cargo_sync.config.server_shape import USER_WORKSPACE
from cargo_sync.config.stored import real_root
from cargo_sync.machines.quota import Use
from cargo_sync.model import paths
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.server.accounts.roster import Roster, effective, ground
from cargo_sync.server.accounts.users import Users
from cargo_sync.server.workspace.opened import OpenWorkspaces
from cargo_sync.state.users import UserRows
from cargo_sync.state.workspaces import WorkspaceRows
from cargo_sync.suggest import did_you_mean

Take = Callable[[Roster, frozenset[str]], Awaitable[None]]
"""Makes a roster take effect; the logins and flows of the named users end."""


@dataclass(frozen=True, slots=True)
class Read:
    """The result of reading the file.

    users       by name: added, changed, unchanged or removed
    workspaces  the same
    notices     sentences for a person
    """

    users: Mapping[str, str]
    workspaces: Mapping[str, str]
    notices: tuple[str, ...]


class Registry:
    """The users and workspaces of the server.

    user_rows, workspace_rows  the rows in the state; to write one, hold `changing` and call
                               `refresh` afterwards
    roster                     the current users and workspaces
    reading                    called before they are read; it raises ProblemError
    """

    def __init__(
        self,
        user_rows: UserRows,
        workspace_rows: WorkspaceRows,
        logins: Users,
        opened: OpenWorkspaces,
        offload: Offload,
        take: Take,
    ) -> None:
        self.user_rows = user_rows
        self.workspace_rows = workspace_rows
        self.changing = asyncio.Lock()
        self.roster = Roster()
        self._logins = logins
        self._opened = opened
        self._offload = offload
        self._take = take
        self.reading: Callable[[], Awaitable[None]] = _nothing
        self._file = Roster()
        self._state_dir = ""
        self._users_dir: str | None = None
        self.file_name = ""

    # -- lookup ------------------------------------------------------------------------------------

    def user(self, name: str) -> UserSettings:
        """The settings of a user.

        Raises:
            ControlError: `unknown_user`, with a similar name as the hint.
        """
        found = self.roster.user(name)
        if found is None:
            hint = did_you_mean(name, [one.username for one in self.roster.users])
            raise ControlError(
                ReplyCode.UNKNOWN_USER,
                f'there is no user "{name}"',
                hint or "`user.list` names all users",
            )
        return found

    def workspace(self, name: str) -> WorkspaceSettings:
        """The settings of a workspace.

        Raises:
            ControlError: `unknown_workspace`, with a similar name as the hint.
        """
        found = self.roster.workspace(name)
        if found is None and name == USER_WORKSPACE:
            raise ControlError(
                ReplyCode.UNKNOWN_WORKSPACE,
                f'"{name}" is how each user calls their own workspace, so it is not one of all',
                "name the user: with --user USER instead of a workspace, if the command takes it",
            )
        if found is None:
            hint = did_you_mean(name, [one.name for one in self.roster.workspaces])
            raise ControlError(
                ReplyCode.UNKNOWN_WORKSPACE,
                f'there is no workspace "{name}"',
                hint or "`workspace.list` names all workspaces",
            )
        return found

    def workspace_of_file(self, name: str) -> WorkspaceSettings | None:
        """The workspace as it is in the file, or None."""
        return self._file.workspace(name)

    async def used(self, some: Sequence[UserSettings | WorkspaceSettings]) -> list[Use]:
        """How much is in the folder of each of these users or workspaces."""
        return await self._offload(self._opened.used, [one.path for one in some])

    # -- the file ----------------------------------------------------------------------------------

    async def read(self, settings: ServerSettings) -> Read:
        """Takes over the users, workspaces and passwords of the file.

        Raises:
            ProblemError: the state cannot be read or written.
        """
        async with self.changing:
            before = self.roster
            self._file = Roster(settings.users, settings.workspaces)
            self._state_dir, self.file_name = settings.state_dir, settings.file
            self._users_dir = settings.users_dir
            self.roster = await self._effective()
            names = {one.username for one in settings.users}
            forgotten = await self._offload(self.user_rows.forget_others, names)
            applied = await self._logins.apply(self.roster.users)
            await self.refresh(applied.changed | frozenset(forgotten))
            users = _became(
                {one.username: one for one in before.users},
                {one.username: one for one in self.roster.users},
                applied.changed,
            )
            spaces = _became(
                {one.name: one for one in before.workspaces},
                {one.name: one for one in self.roster.workspaces},
            )
            return Read(users, spaces, (*self.roster.notices, *applied.notices))

    async def again(self) -> None:
        """Takes over what other servers have written.

        Raises:
            ProblemError: the state cannot be read.
        """
        async with self.changing:
            await self.refresh()

    # -- changes by command ------------------------------------------------------------------------

    async def refresh(self, ended: frozenset[str] = frozenset()) -> None:
        """Makes the written rows take effect; the logins of the `ended` users end too."""
        self.roster = await self._effective()
        gone = self._logins.take(self.roster.users)
        await self._take(self.roster, gone | ended)

    async def folder(self, kind: Literal["user", "workspace"], path: str, name: str) -> str:
        """Checks and opens `path` as the folder of a user or workspace.

        Returns:
            The path to keep.

        Raises:
            ControlError: `bad_argument`: it is not absolute, cannot be made, or overlaps with
                another folder.
            ProblemError: it cannot be opened.
        """
        path = await self._offload(self._checked, kind, path, name)
        if problem := await self._opened.open(await self._offload(real_root, path)):
            raise ProblemError(problem)
        return path

    async def folder_of_new(self, name: str, path: str | None) -> str:
        """Opens the folder of a new user: `path`, or without it one in `users_dir`.

        Raises:
            ControlError: as `folder`; or there is no `users_dir`, or the folder in it is in use.
            ProblemError: as `folder`.
        """
        if path is None:
            path = await self._offload(self._own_folder, name)
        return await self.folder("user", path, name)

    def _own_folder(self, name: str) -> str:
        """The path of a user's folder in `users_dir`, which is made. Raises ControlError."""
        above = self._users_dir
        if above is None:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f'a new user "{name}" needs a folder',
                f'name one, or set "users_dir" in {self.file_name}',
            )
        path = os.path.join(above, name)
        try:
            if name.startswith("."):
                raise ValueError(f"a folder {name!r} would be hidden")
            paths.check(name)
            os.makedirs(served_folder(above), exist_ok=True)
            if os.path.lexists(path) and (not os.path.isdir(path) or os.listdir(path)):
                raise ValueError(f"{path} is there already, and not empty")
        except (ValueError, OSError, ProblemError) as error:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f'the user "{name}" cannot get a folder in {above}: {error}',
                "name another folder",
            ) from None
        if any(real_root(one.path) == real_root(path) for one in self.roster.users):
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, f"{path} belongs to another user", "name another folder"
            )
        return path

    def _checked(self, kind: Literal["user", "workspace"], path: str, name: str) -> str:
        try:
            if not os.path.isabs(path):
                raise ValueError(f"{path} is not an absolute path")
            path = served_folder(places.local_path(path, "/", {}))
        except ValueError as error:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, f'"path": {error}', "a folder on the server's machine"
            ) from None
        users = [one for one in self.roster.users if kind != "user" or one.username != name]
        spaces = [one for one in self.roster.workspaces if kind != "workspace" or one.name != name]
        against = ground(users, spaces, self._state_dir, real_root).clash(kind, path)
        if against is not None:
            hint = (
                "use the same folder to share it, or a separate one"
                if against.kind == kind == "user"
                else ""
            )
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f'"path": {path} and {against.words}, {against.path}, overlap',
                hint or "use a separate folder",
            )
        return path

    async def _effective(self) -> Roster:
        await self.reading()
        return await self._offload(self._read_rows)

    def _read_rows(self) -> Roster:
        return effective(
            self._file,
            self.user_rows.all(),
            self.workspace_rows.all(),
            self._state_dir,
            real_root,
        )


async def _nothing() -> None:
    """No other server writes them."""


def _became(
    before: Mapping[str, object], now: Mapping[str, object], changed: frozenset[str] = frozenset()
) -> dict[str, str]:
    """The change of each one, by name; those in `changed` count even if they look the same."""
    became = {name: "removed" for name in before if name not in now}
    for name, one in now.items():
        same = before.get(name) == one and name not in changed
        became[name] = "added" if name not in before else "unchanged" if same else "changed"
    return dict(sorted(became.items()))
