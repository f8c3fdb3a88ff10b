"""The commands that daemons and servers both answer: keys, who changed what, the log."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cargo_sync.api.commands import Argument, Command, Role
from cargo_sync.api.log_command import LOG

LONGEST_PAGE: Final = 1000
"""Rows that one answer holds at most."""

PAGE: Final = {"since": Argument(int), "limit": Argument(int, low=1, high=LONGEST_PAGE)}

COMMON: Mapping[str, Command] = MappingProxyType(
    {
        "log": LOG,
        "audit": Command("who changed what", PAGE, role=Role.CONTROL),
        "key.list": Command("who is let in over TCP", role=Role.CONTROL),
        "key.add": Command(
            "let a key in over TCP",
            {
                "name": Argument(required=True),
                "public": Argument(required=True),
                "role": Argument(required=True),
            },
            changes=True,
        ),
        "key.revoke": Command(
            "let a key in no more", {"name": Argument(required=True)}, changes=True
        ),
    }
)
