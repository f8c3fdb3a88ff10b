"""Workspaces that were made by a command, and the grants for these and those of the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cargo_sync.config.grants import Grant
from cargo_sync.state.database import Database

_GRANT: Final = (
    "INSERT OR REPLACE INTO workspace_grant (workspace, user, access, path) VALUES (?, ?, ?, ?)"
)
_GRANTS: Final = "SELECT workspace, user, access, path FROM workspace_grant"


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """One workspace.

    path    absolute folder; None for a workspace of the server's file, which has it
    grants  by user
    """

    name: str
    path: str | None = None
    grants: Mapping[str, Grant] = field(default_factory=dict)


class WorkspaceRows:
    """The workspaces of a server, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, WorkspaceRow]:
        grants: dict[str, dict[str, Grant]] = {}
        with self._database.read() as connection:
            paths = dict(connection.execute("SELECT name, path FROM named_workspace").fetchall())
            for name, user, access, path in connection.execute(_GRANTS):
                grants.setdefault(name, {})[user] = Grant(access, path)
        names = sorted(paths.keys() | grants.keys())
        return {name: WorkspaceRow(name, paths.get(name), grants.get(name, {})) for name in names}

    def add(self, row: WorkspaceRow) -> None:
        """Adds a workspace. Grants left from an earlier workspace of this name are deleted."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM workspace_grant WHERE workspace = ?", (row.name,))
            connection.execute(
                "INSERT OR REPLACE INTO named_workspace VALUES (?, ?)", (row.name, row.path)
            )
            for user, grant in row.grants.items():
                connection.execute(_GRANT, (row.name, user, grant.access, grant.path))

    def remove(self, name: str) -> None:
        """Deletes the workspace and its grants."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM named_workspace WHERE name = ?", (name,))
            connection.execute("DELETE FROM workspace_grant WHERE workspace = ?", (name,))

    def grant(self, workspace: str, user: str, grant: Grant) -> None:
        with self._database.transaction() as connection:
            connection.execute(_GRANT, (workspace, user, grant.access, grant.path))

    def revoke(self, workspace: str, user: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM workspace_grant WHERE workspace = ? AND user = ?", (workspace, user)
            )
