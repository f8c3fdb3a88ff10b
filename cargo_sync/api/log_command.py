"""`log`: the last lines of a process's log. A daemon and a server answer it alike."""

from typing import Final

from cargo_sync.api.commands import Argument, Command, Role

LEVELS: Final = ("debug", "info", "warning", "error")
LONGEST_PAGE: Final = 1000
"""Lines that one answer holds at most."""

LOG: Final = Command(
    "the last lines of the log",
    {
        "after": Argument(int),
        "limit": Argument(int, low=1, high=LONGEST_PAGE),
        "level": Argument(one_of=LEVELS),
        "job": Argument(),
    },
    role=Role.CONTROL,
)
