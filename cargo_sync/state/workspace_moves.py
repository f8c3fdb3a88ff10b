"""Workspaces that move from one root to another, and what they left behind.

The server's file decides where a workspace is. So a move ends when the workspace is opened by its
new root, in the transaction that finds it there: between a change of the file and that of the state
nothing can come.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from cargo_sync.config.stored import is_stored
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.database import Database, Statements
from cargo_sync.state.drop_boxes import moved_drop_boxes

_MOVE: Final = """
SELECT workspace, root, target, workspace_move.marker, ready
FROM workspace_move JOIN workspace ON id = workspace
"""
_LEAVE: Final = "INSERT INTO left_behind (workspace, root, marker)"
_AGAIN: Final = "ON CONFLICT (workspace, root) DO UPDATE SET marker = excluded.marker"
_USED: Final = """
SELECT 1 FROM workspace WHERE root = ?1 AND (files > 0
    OR EXISTS (SELECT 1 FROM entry WHERE workspace = id AND deleted = 0)
    OR EXISTS (SELECT 1 FROM displaced WHERE owner = id AND state = 'kept'))
"""


class WorkspaceMove(NamedTuple):
    """A move that has begun.

    source  the root that the workspace has
    target  the one that it gets
    marker  of the new folder; "" for storage nodes
    ready   everything is there, so that it may be opened by its new root
    """

    workspace: int
    source: str
    target: str
    marker: str
    ready: int


class LeftBehind(NamedTuple):
    """A root that a workspace had, and the marker that was there."""

    root: str
    marker: str


class WorkspaceMoves:
    """The moves of a server's workspaces, which have ids of the catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def roots(self) -> Mapping[str, int]:
        """The ids of all workspaces, by root. Nothing is made."""
        with self._database.read() as connection:
            return dict(connection.execute("SELECT root, id FROM workspace").fetchall())

    def of(self, workspace: int) -> WorkspaceMove | None:
        """The move of a workspace that has not ended."""
        with self._database.read() as connection:
            row = connection.execute(f"{_MOVE} WHERE workspace = ?", (workspace,)).fetchone()
        return None if row is None else WorkspaceMove._make(row)

    def begin(self, workspace: int, target: str, marker: str) -> WorkspaceMove:
        """Begins a move, or goes on with the one to the same root: then its marker stays.

        One to another root is given up.

        Raises:
            ProblemError: `occupied`: another workspace has been there, or moves there.
        """
        with self._database.transaction() as connection:
            _must_be_free(connection, target, workspace)
            _give_up(connection, workspace, target)
            connection.execute(
                "INSERT INTO workspace_move (workspace, target, marker) VALUES (?, ?, ?) "
                "ON CONFLICT (workspace) DO NOTHING",
                (workspace, target, marker),
            )
        found = self.of(workspace)
        assert found is not None, "it was written just now"
        return found

    def ready(self, workspace: int) -> None:
        """Everything is there, durably. Raises ProblemError: `occupied`, as `begin`."""
        with self._database.transaction() as connection:
            row = connection.execute(f"{_MOVE} WHERE workspace = ?", (workspace,)).fetchone()
            _must_be_free(connection, row[2], workspace)
            connection.execute(
                "UPDATE workspace_move SET ready = 1 WHERE workspace = ?", (workspace,)
            )

    def give_up(self, workspace: int) -> None:
        """No move of a workspace is under way any more; a new folder is left behind."""
        with self._database.transaction() as connection:
            _give_up(connection, workspace, "")

    def left(self, workspace: int) -> list[LeftBehind]:
        """Where it was before."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT root, marker FROM left_behind WHERE workspace = ? ORDER BY root",
                (workspace,),
            )
            return [LeftBehind(*row) for row in rows]

    def removed(self, workspace: int, root: str) -> None:
        """Nothing is left at an earlier root any more."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM left_behind WHERE workspace = ? AND root = ?", (workspace, root)
            )


def arrive(connection: Statements, root: str) -> None:
    """A workspace is about to be opened by this root, which none has: one may have moved there.

    Raises:
        ProblemError: `not_moved`: one is moving there, and not everything is there.
    """
    row = connection.execute(f"{_MOVE} WHERE target = ?", (root,)).fetchone()
    if row is None:
        return
    workspace, source, target, marker, ready = row
    if not ready:
        raise _not_moved(target, source)
    connection.execute(
        f"{_LEAVE} SELECT id, root, marker FROM workspace WHERE id = ? {_AGAIN}",  # noqa: S608
        (workspace,),
    )
    connection.execute(
        "DELETE FROM left_behind WHERE workspace = ? AND root = ?", (workspace, target)
    )
    connection.execute(
        "UPDATE workspace SET root = ?, marker = ?, suspects = NULL WHERE id = ?",
        (target, marker, workspace),
    )
    connection.execute("DELETE FROM workspace_move WHERE workspace = ?", (workspace,))
    moved_drop_boxes(connection, source, target)
    if not is_stored(target):
        # A folder has in its trash what manifests say: they are not needed any more.
        for table in ("manifest", "manifest_top"):
            connection.execute(f"DELETE FROM {table} WHERE workspace = ?", (workspace,))  # noqa: S608


def opened(connection: Statements, workspace: int) -> None:
    """A workspace was opened by the root that it has: it may change, so no move of it is ready."""
    connection.execute(
        "UPDATE workspace_move SET ready = 0 WHERE workspace = ? AND ready = 1", (workspace,)
    )


def _give_up(connection: Statements, workspace: int, but: str) -> None:
    """The move of a workspace ends where it is, unless it leads to `but`.

    Contents on nodes have no root of their own: they belong to the workspace, wherever it is.
    """
    row = connection.execute(
        f"{_MOVE} WHERE workspace = ? AND target <> ?", (workspace, but)
    ).fetchone()
    if row is None:
        return
    move = WorkspaceMove._make(row)
    if not is_stored(move.target):
        connection.execute(
            f"{_LEAVE} VALUES (?, ?, ?) {_AGAIN}",
            (workspace, move.target, move.marker),
        )
    connection.execute("DELETE FROM workspace_move WHERE workspace = ?", (workspace,))


def _must_be_free(connection: Statements, target: str, workspace: int) -> None:
    """An unused workspace that has this root, as after a trial, gives it away."""
    other = connection.execute(
        "SELECT 1 FROM workspace_move WHERE target = ? AND workspace <> ?", (target, workspace)
    ).fetchone()
    if other or connection.execute(_USED, (target,)).fetchone():
        message = f"another workspace of this server is, or was, at {target!r}"
        hint = "choose another folder; for storage nodes give the workspace another name"
        raise ProblemError(Problem(Code.OCCUPIED, message, hint=hint, retry=False))
    connection.execute("UPDATE workspace SET root = 'unused: ' || id WHERE root = ?", (target,))


def _not_moved(target: str, source: str) -> ProblemError:
    message = f"the workspace at {source!r} is not moved to {target!r} yet: not everything is there"
    hint = "go on with cargo_sync migrate, or put its old place back into the server's file"
    return ProblemError(Problem(Code.NOT_MOVED, message, hint=hint, retry=False))
