"""Workspaces that were made by a command, and the grants for these and those of the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cargo_sync.config.grants import Grant
from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database, Statements

_GRANT: Final = put("workspace_grant", "workspace, user", "access, path")
_NAMED: Final = put("named_workspace", "name", "path")
_GRANTS: Final = "SELECT workspace, user, access, path FROM workspace_grant"
_QUOTAS: Final = "SELECT workspace, bytes, files FROM workspace_quota"


@dataclass(frozen=True, slots=True)
class WorkspaceRow:
    """One workspace.

    path    absolute folder; None for a workspace of the server's file, which has it
    grants  by user
    quota_bytes, quota_files  the most that may be in it; None for no limit
    """

    name: str
    path: str | None = None
    grants: Mapping[str, Grant] = field(default_factory=dict)
    quota_bytes: int | None = None
    quota_files: int | None = None


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
            quotas = {name: (size, files) for name, size, files in connection.execute(_QUOTAS)}
        names = sorted(paths.keys() | grants.keys() | quotas.keys())
        return {
            name: WorkspaceRow(
                name, paths.get(name), grants.get(name, {}), *quotas.get(name, (None, None))
            )
            for name in names
        }

    def add(self, row: WorkspaceRow) -> None:
        """Adds a workspace. What is left from an earlier workspace of this name is deleted."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM workspace_grant WHERE workspace = ?", (row.name,))
            _set_quota(connection, row.name, row.quota_bytes, row.quota_files)
            connection.execute(_NAMED, (row.name, row.path))
            for user, grant in row.grants.items():
                connection.execute(_GRANT, (row.name, user, grant.access, grant.path))

    def remove(self, name: str) -> None:
        """Deletes the workspace, its grants and its quota."""
        with self._database.transaction() as connection:
            _set_quota(connection, name, None, None)
            connection.execute("DELETE FROM named_workspace WHERE name = ?", (name,))
            connection.execute("DELETE FROM workspace_grant WHERE workspace = ?", (name,))

    def set_quota(self, name: str, size: int | None, files: int | None) -> None:
        """Sets the most bytes and files; None for no limit."""
        with self._database.transaction() as connection:
            _set_quota(connection, name, size, files)

    def grant(self, workspace: str, user: str, grant: Grant) -> None:
        with self._database.transaction() as connection:
            connection.execute(_GRANT, (workspace, user, grant.access, grant.path))

    def revoke(self, workspace: str, user: str) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM workspace_grant WHERE workspace = ? AND user = ?", (workspace, user)
            )


def _set_quota(connection: Statements, name: str, size: int | None, files: int | None) -> None:
    connection.execute("DELETE FROM workspace_quota WHERE workspace = ?", (name,))
    if size is not None or files is not None:
        connection.execute("INSERT INTO workspace_quota VALUES (?, ?, ?)", (name, size, files))
