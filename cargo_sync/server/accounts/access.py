"""Access: which user may use which workspace, under which name, and what they may do there.

A user's own path is their workspace `default`; other workspaces are named in the file and granted,
as a whole or one folder of them. A name is looked up only among a user's own workspaces, so nobody
can find out what others have.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cargo_sync.config.grants import AccessLevel, Grant
from cargo_sync.config.server import UserSettings, WorkspaceSettings
from cargo_sync.config.server_shape import USER_WORKSPACE
from cargo_sync.config.stored import real_root
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.grants.drop_box import DropBox
from cargo_sync.server.grants.receipts import Receipts
from cargo_sync.server.grants.rights import Right, refused, writes
from cargo_sync.server.grants.view import WorkspaceView
from cargo_sync.server.refusals import (
    access_changed,
    read_only,
    read_only_folder,
    unknown,
    write_only,
)
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.state.drop_boxes import DropIntents

_AllReceipts = dict[tuple[str, str, str], Receipts]
"""Those of drop boxes, by served folder, its subfolder and user."""


class Access(NamedTuple):
    """A workspace as one user has it.

    whole  the served folder, which others may have too
    view   what the user sees of it: doors use nothing else
    level  what they may do, if the folder can be written to
    """

    name: str
    whole: Workspace
    view: WorkspaceView
    level: AccessLevel

    @property
    def shown(self) -> AccessLevel:
        """The level as it is now: a read-only folder can only be read."""
        return "ro" if self.level == "rw" and self.whole.read_only else self.level

    def may(self, right: Right) -> bool:
        """Whether the user has a right, by the table of rights."""
        return refused(self.level, right) is None

    def require(self, right: Right) -> None:
        """Checks that the user has a right, by the table of rights.

        Raises:
            ProblemError: `read_only`, `write_only`.
        """
        match refused(self.level, right):
            case Code.READ_ONLY:
                raise read_only(self.name)
            case Code.WRITE_ONLY:
                raise write_only(self.name)
        if writes(right) and self.whole.read_only:
            raise read_only_folder(self.name)

    def sees_as(self, other: "Access") -> bool:
        """Whether both show the same of the same workspace: what began with one may go on."""
        same = self.whole is other.whole and self.view.path == other.view.path
        return same and isinstance(self.view, DropBox) == isinstance(other.view, DropBox)


def served(users: Sequence[UserSettings], workspaces: Sequence[WorkspaceSettings]) -> list[str]:
    """The folders of enabled users and of workspaces, each once: real paths, sorted."""
    folders = [one.path for one in users if one.enabled] + [one.path for one in workspaces]
    return sorted({real_root(folder) for folder in folders})


class Grants:
    """Every user's workspaces. All of them are replaced when the file is read again."""

    def __init__(self, intents: DropIntents) -> None:
        self._intents = intents
        self._of: Mapping[str, Mapping[str, Access]] = {}
        self._receipts: _AllReceipts = {}

    def apply(
        self,
        users: Sequence[UserSettings],
        workspaces: Sequence[WorkspaceSettings],
        at: Callable[[str], Workspace],
    ) -> None:
        """Takes over users and workspaces; `at` gives the workspace of a real path. It blocks.

        Raises:
            ProblemError: the state of a new drop box cannot be written.
        """
        own: dict[str, dict[str, Access]] = {}
        receipts: _AllReceipts = {}
        for user in (one for one in users if one.enabled):
            home = at(real_root(user.path))
            access = Access(USER_WORKSPACE, home, WorkspaceView(home), "rw")
            own[user.username] = {USER_WORKSPACE: access}
        for one in workspaces:
            workspace = at(real_root(one.path))
            for user_name, grant in one.grants.items():
                if user_name in own:
                    view = self._view(one.name, workspace, grant, user_name, receipts)
                    access = Access(one.name, workspace, view, grant.access)
                    own[user_name][one.name] = access
        self._of, self._receipts = own, receipts

    def _view(
        self, name: str, workspace: Workspace, grant: Grant, user: str, receipts: _AllReceipts
    ) -> WorkspaceView:
        """What a user sees by a grant; `receipts` gets those of a drop box."""
        if grant.access != "wo":
            return WorkspaceView(workspace, grant.path, makes=grant.access == "rw")
        key = (workspace.path, grant.path, user)
        if key not in receipts:
            receipts[key] = self._receipts.get(key) or Receipts(
                workspace, grant.path, user, self._intents
            )
        return DropBox(workspace, grant.path, name, receipts[key])

    def only_reading(self) -> dict[str, list[str]]:
        """Who was granted to write to a read-only folder: users by the folder's path."""
        found: dict[str, list[str]] = {}
        for user, accesses in sorted(self._of.items()):
            for access in accesses.values():
                if access.level != "ro" and access.whole.read_only:
                    found.setdefault(access.whole.path, []).append(user)
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
        access.whole.must_not_be_held()
        return access

    def refusal(self, user: str, access: Access, right: Right) -> Problem | None:
        """Why a user may not use a workspace any more as they began to, or None."""
        try:
            now = self.get(user, access.name)
            if now.whole is not access.whole:
                raise unknown("such workspace")
            now.require(right)
            if not now.sees_as(access):
                raise access_changed(access.name)
        except ProblemError as error:
            return error.problem
        return None
