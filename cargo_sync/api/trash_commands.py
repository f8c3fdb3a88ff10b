"""The commands about the trash: of a daemon's jobs, and of a server's workspaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from cargo_sync.api.arguments import Args, Mark, Range
from cargo_sync.api.commands import Command
from cargo_sync.api.common_commands import PageLimit

Text = Annotated[str, Mark.EMPTY]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashListArgs(Args):
    """A page of versions, the newest first: those with ids below `before`.

    pattern  a path, or with * ? [ a pattern; run: only of this run; since: unix seconds; all: also
             those that were restored or freed
    """

    pattern: Text = ""
    run: Text = ""
    since: int = 0
    all: bool = False
    before: Annotated[int | None, Range(1)] = None
    limit: PageLimit = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashRestoreArgs(Args):
    """ids: of versions, in the order in which they are restored. to: a folder below the root.

    inside  only what has this path in the folders that the versions are
    """

    ids: Sequence[str]
    to: Text = ""
    inside: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashEmptyArgs(Args):
    """Versions that are removed: those with these ids, or all that are so many seconds old."""

    ids: Sequence[str] | None = None
    older: int | None = None


Side = Literal["near", "far"]
"""near is a job's local folder, far the server; without it, the side that the job writes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTrashListArgs(TrashListArgs):
    """The trash of a job on one side."""

    job: str
    side: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTrashRestoreArgs(TrashRestoreArgs):
    """The trash of a job; the ids say on which side."""

    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTrashEmptyArgs(TrashEmptyArgs):
    """The trash of a job on one side."""

    job: str
    side: Side | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceTrashListArgs(TrashListArgs):
    """The trash of a named workspace, or of the own workspace of a user."""

    workspace: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceTrashRestoreArgs(TrashRestoreArgs):
    """The trash of a named workspace, or of the own workspace of a user."""

    workspace: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceTrashEmptyArgs(TrashEmptyArgs):
    """The trash of a named workspace, or of the own workspace of a user."""

    workspace: str | None = None
    user: str | None = None


_LIST: Final = "what was replaced and deleted, the newest first"
_RESTORE: Final = "bring versions back from the trash"
_EMPTY: Final = "remove versions from the trash for good"

JOB_TRASH_LIST: Final = Command("trash.list", _LIST, JobTrashListArgs)
JOB_TRASH_RESTORE: Final = Command("trash.restore", _RESTORE, JobTrashRestoreArgs, changes=True)
JOB_TRASH_EMPTY: Final = Command("trash.empty", _EMPTY, JobTrashEmptyArgs, changes=True)
WORKSPACE_TRASH_LIST: Final = Command("trash.list", _LIST, WorkspaceTrashListArgs)
WORKSPACE_TRASH_RESTORE: Final = Command(
    "trash.restore", _RESTORE, WorkspaceTrashRestoreArgs, changes=True
)
WORKSPACE_TRASH_EMPTY: Final = Command("trash.empty", _EMPTY, WorkspaceTrashEmptyArgs, changes=True)

JOB_TRASH_COMMANDS: Final = (JOB_TRASH_LIST, JOB_TRASH_RESTORE, JOB_TRASH_EMPTY)
WORKSPACE_TRASH_COMMANDS: Final = (
    WORKSPACE_TRASH_LIST,
    WORKSPACE_TRASH_RESTORE,
    WORKSPACE_TRASH_EMPTY,
)
