"""The commands about a server's history, and the callbacks that are made from it."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from cargo_sync.api.arguments import Args, Mark, Range
from cargo_sync.api.commands import Command
from cargo_sync.api.common_commands import LONGEST_PAGE, PageLimit
from cargo_sync.api.roles import Role

FileKind = Literal["uploaded", "downloaded", "moved", "deleted", "displaced", "restored", "changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHistoryArgs(Args):
    """A page of rows. With `since` those after this cursor, the oldest first; else newest first.

    before     only rows before this cursor
    path       a path, for it and all below it; or with * ? [ a pattern of a path or a name
    workspace  a name, or USER:default for the own folder of a user
    start, end   unix seconds: only what happened from then on, and before then
    """

    since: int | None = None
    before: Annotated[int | None, Range(1)] = None
    path: Annotated[str, Mark.EMPTY] = ""
    user: str | None = None
    workspace: str | None = None
    kind: FileKind | None = None
    start: int | None = None
    end: int | None = None
    limit: PageLimit = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCallbackListArgs(Args):
    """A page of callbacks in one state, or any. after: only those with greater numbers."""

    state: Literal["pending", "dead"] | None = None
    after: int = 0
    limit: PageLimit = LONGEST_PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCallbackRetryArgs(Args):
    """One callback, or all."""

    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCallbackTestArgs(Args):
    """event: one of `events` in the server's file; without it the first."""

    event: str | None = None


SERVER_HISTORY: Final = Command(
    "history", "what happened to the files of a server, one row per file", FileHistoryArgs
)
SERVER_CALLBACK_LIST: Final = Command(
    "callback.list", "the callbacks that wait or were given up", ServerCallbackListArgs
)
SERVER_CALLBACK_RETRY: Final = Command(
    "callback.retry", "send callbacks now: one, or all", ServerCallbackRetryArgs, changes=True
)
SERVER_CALLBACK_TEST: Final = Command(
    "callback.test",
    "send one callback with example values",
    ServerCallbackTestArgs,
    role=Role.CONTROL,
)

HISTORY_COMMANDS: Final = (
    SERVER_HISTORY,
    SERVER_CALLBACK_LIST,
    SERVER_CALLBACK_RETRY,
    SERVER_CALLBACK_TEST,
)
