"""Access: which user may use which workspace, under which name, and whether to write.

A user's own path is their workspace `default`; other workspaces are named in the file and granted.
A name is looked up only among a user's own workspaces, so nobody can find out what others have.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cargo_sync.config.server import UserSettings, WorkspaceSettings
from cargo_sync.config.server_shape import USER_WORKSPACE
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.server.refusals import read_only, read_only_folder, unknown
from cargo_sync.server.workspace.workspace import Workspace


class Access(NamedTuple):
    """A workspace as one user sees it.

    granted  the user may write, if the folder can be written to
    """

    name: str
    workspace: Workspace
    granted: bool

    @property
    def writable(self) -> bool:
        return self.granted and not self.workspace.read_only

    def may_write(self) -> None:
        """Checks the permission to write.

        Raises:
            ProblemError: `read_only`.
        """
        if not self.granted:
            raise read_only(self.name)
        if self.workspace.read_only:
            raise read_only_folder(self.name)


def served(users: Sequence[UserSettings], workspaces: Sequence[WorkspaceSettings]) -> list[str]:
    """The folders of enabled users and of workspaces, each once: real paths, sorted."""
    folders = [one.path for one in users if one.enabled] + [one.path for one in workspaces]
    return sorted({os.path.realpath(folder) for folder in folders})


class Grants:
    """Every user's workspaces. All of them are replaced when the file is read again."""

    def __init__(self) -> None:
        self._of: Mapping[str, Mapping[str, Access]] = {}

    def apply(
        self,
        users: Sequence[UserSettings],
        workspaces: Sequence[WorkspaceSettings],
        at: Callable[[str], Workspace],
    ) -> None:
        """Takes over users and workspaces; `at` gives the workspace of a real path."""
        own: dict[str, dict[str, Access]] = {}
        for user in (one for one in users if one.enabled):
            home = at(os.path.realpath(user.path))
            own[user.username] = {USER_WORKSPACE: Access(USER_WORKSPACE, home, True)}
        for one in workspaces:
            workspace = at(os.path.realpath(one.path))
            for name, access in one.grants.items():
                if name in own:
                    own[name][one.name] = Access(one.name, workspace, access == "rw")
        self._of = own

    def only_reading(self) -> dict[str, list[str]]:
        """Who was granted to write to a read-only folder: users by the folder's path."""
        found: dict[str, list[str]] = {}
        for user, accesses in sorted(self._of.items()):
            for access in accesses.values():
                if access.granted and not access.writable:
                    found.setdefault(access.workspace.path, []).append(user)
        return found

    def of(self, user: str) -> list[Access]:
        """A user's workspaces, by name."""
        return [access for _, access in sorted(self._of.get(user, {}).items())]

    def get(self, user: str, name: str) -> Access:
        """The user's workspace of that name.

        Raises:
            ProblemError: `unknown`; the same for a workspace that belongs to others. `root_held`,
                while another program holds its folder.
        """
        access = self._of.get(user, {}).get(name)
        if access is None:
            raise unknown("such workspace")
        access.workspace.must_not_be_held()
        return access

    def refusal(self, user: str, access: Access, writes: bool) -> Problem | None:
        """Why a user may not use a workspace any more as they began to, or None."""
        try:
            now = self.get(user, access.name)
            if now.workspace is not access.workspace:
                raise unknown("such workspace")
            if writes:
                now.may_write()
        except ProblemError as error:
            return error.problem
        return None
