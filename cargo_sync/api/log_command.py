"""The command `log` of daemons and servers: the last lines of the log."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal, get_args

from cargo_sync.api.arguments import Args, Range
from cargo_sync.api.commands import Command
from cargo_sync.api.roles import Role

LogLevel = Literal["debug", "info", "warning", "error"]
LEVELS: Final[tuple[LogLevel, ...]] = get_args(LogLevel)
LONGEST_PAGE: Final = 1000
"""Lines in one reply at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogArgs(Args):
    """after: lines with greater numbers; without it the newest. level: the lowest to show."""

    after: int | None = None
    limit: Annotated[int, Range(1, LONGEST_PAGE)] = LONGEST_PAGE
    level: LogLevel = "debug"
    job: str | None = None


LOG: Final = Command("log", "the last lines of the log", LogArgs, role=Role.CONTROL)
