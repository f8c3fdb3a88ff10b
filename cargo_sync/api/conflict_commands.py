"""The commands about conflicts of two-way jobs."""

from dataclasses import dataclass
from typing import Final, Literal

from cargo_sync.api.arguments import Args
from cargo_sync.api.commands import Command
from cargo_sync.api.common_commands import LONGEST_PAGE, PageLimit
from cargo_sync.api.job_commands import OneOrAllJobs


@dataclass(frozen=True, slots=True, kw_only=True)
class OneConflict(Args):
    """A conflict, by its number."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictListArgs(OneOrAllJobs):
    """state: which are wanted. after: only conflicts with greater numbers."""

    state: Literal["open", "resolved", "all"] = "open"
    after: int = 0
    limit: PageLimit = LONGEST_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictResolveArgs(OneConflict):
    """choice: the version that keeps the name, or both."""

    choice: Literal["keep_both", "local", "remote"]


CONFLICT_LIST: Final = Command(
    "conflict.list", "paths that both sides changed, of one job or all", ConflictListArgs
)
CONFLICT_SHOW: Final = Command("conflict.show", "what both sides have of one", OneConflict)
CONFLICT_RESOLVE: Final = Command(
    "conflict.resolve", "decide an open conflict", ConflictResolveArgs, changes=True
)

CONFLICT_COMMANDS: Final = (CONFLICT_LIST, CONFLICT_SHOW, CONFLICT_RESOLVE)
