"""The registry: the roster of a server, read from its file and its state, and changed by command.

One change at a time. What a command changed is durable before it takes effect, and takes effect
before it is answered.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.config import places
from cargo_sync.config.fields import served_folder
from cargo_sync.config.server import ServerSettings, UserSettings, WorkspaceSettings
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.server.accounts.roster import Roster, effective, ground
from cargo_sync.server.accounts.users import Users
from cargo_sync.server.workspace.opened import OpenWorkspaces
from cargo_sync.state.users import UserRows
from cargo_sync.state.workspaces import WorkspaceRows
from cargo_sync.suggest import did_you_mean

Take = Callable[[Roster, frozenset[str]], Awaitable[None]]
"""Has a roster take effect; the logins and flows of the users that are named end."""


@dataclass(frozen=True, slots=True)
class Read:
    """What reading the file came to: what became of each user and workspace, and sentences for a
    person.

    The words are added, changed, unchanged and removed.
    """

    users: Mapping[str, str]
    workspaces: Mapping[str, str]
    notices: tuple[str, ...]


class Registry:
    """Who may use the server, and what is served.

    user_rows, workspace_rows  what the state keeps; who writes there holds `changing` and refreshes
                               after
    roster                     what holds now
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
        self._file = Roster()
        self._state_dir = ""
        self.file_name = ""

    # -- what there is -----------------------------------------------------------------------------

    def user(self, name: str) -> UserSettings:
        """Raises ControlError(unknown_user), with what may have been meant."""
        found = self.roster.user(name)
        if found is None:
            hint = did_you_mean(name, [one.username for one in self.roster.users])
            raise ControlError(
                ReplyCode.UNKNOWN_USER,
                f'there is no user "{name}"',
                hint or "`user.list` names those that there are",
            )
        return found

    def workspace(self, name: str) -> WorkspaceSettings:
        """Raises ControlError(unknown_workspace), with what may have been meant."""
        found = self.roster.workspace(name)
        if found is None:
            hint = did_you_mean(name, [one.name for one in self.roster.workspaces])
            raise ControlError(
                ReplyCode.UNKNOWN_WORKSPACE,
                f'there is no workspace "{name}"',
                hint or "`workspace.list` names those that there are",
            )
        return found

    def workspace_of_file(self, name: str) -> WorkspaceSettings | None:
        """A workspace as the file has it."""
        return self._file.workspace(name)

    # -- the file ----------------------------------------------------------------------------------

    async def read(self, settings: ServerSettings) -> Read:
        """Takes the file's users and workspaces over, and the passwords in it.

        Raises:
            ProblemError: the state cannot be read or written.
        """
        async with self.changing:
            before = self.roster
            self._file = Roster(settings.users, settings.workspaces)
            self._state_dir, self.file_name = settings.state_dir, settings.file
            self.roster = await self._effective()
            applied = await self._logins.apply(self.roster.users)
            await self._take(self.roster, applied.changed)
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

    # -- what commands do --------------------------------------------------------------------------

    async def refresh(self, ended: frozenset[str] = frozenset()) -> None:
        """Has the rows that were written take effect; `ended` are users whose logins end
        besides."""
        self.roster = await self._effective()
        gone = self._logins.take(self.roster.users)
        await self._take(self.roster, gone | ended)

    async def folder(self, kind: Literal["user", "workspace"], path: str, name: str) -> str:
        """`path` as a folder to serve for the user or workspace `name`, opened.

        Raises:
            ControlError: bad_argument: it is not absolute, cannot be made, or lies in somebody
                else's.
            ProblemError: it cannot be opened.
        """
        path = await self._offload(self._checked, kind, path, name)
        if problem := await self._opened.open(await self._offload(os.path.realpath, path)):
            raise ProblemError(problem)
        return path

    def _checked(self, kind: Literal["user", "workspace"], path: str, name: str) -> str:
        try:
            if not os.path.isabs(path):
                raise ValueError(f"{path} is not an absolute path")
            path = served_folder(places.local_path(path, "/", {}))
        except ValueError as error:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, f'"path": {error}', "a folder of the server's machine"
            ) from None
        users = [one for one in self.roster.users if kind != "user" or one.username != name]
        spaces = [one for one in self.roster.workspaces if kind != "workspace" or one.name != name]
        against = ground(users, spaces, self._state_dir, os.path.realpath).clash(kind, path)
        if against is not None:
            hint = (
                "take the same folder to share it, or two apart"
                if against.kind == kind == "user"
                else ""
            )
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f'"path": {path} and {against.words}, {against.path}, lie one in the other',
                hint or "take a folder apart from it",
            )
        return path

    async def _effective(self) -> Roster:
        return await self._offload(self._read_rows)

    def _read_rows(self) -> Roster:
        return effective(
            self._file,
            self.user_rows.all(),
            self.workspace_rows.all(),
            self._state_dir,
            os.path.realpath,
        )


def _became(
    before: Mapping[str, object], now: Mapping[str, object], changed: frozenset[str] = frozenset()
) -> dict[str, str]:
    """What became of each, by name; `changed` are others although they look alike."""
    became = {name: "removed" for name in before if name not in now}
    for name, one in now.items():
        same = before.get(name) == one and name not in changed
        became[name] = "added" if name not in before else "unchanged" if same else "changed"
    return dict(sorted(became.items()))
