"""The commands of daemons and servers: the process itself, keys, the audit, the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Final

from cargo_sync.api.arguments import UNSET, Args, Mark, Range
from cargo_sync.api.commands import Command
from cargo_sync.api.log_command import LOG
from cargo_sync.api.roles import Role

LONGEST_PAGE: Final = 1000
"""Rows in one reply at most."""
PageLimit = Annotated[int, Range(1, LONGEST_PAGE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsSince(Args):
    """A page of rows, oldest first: those after the row `since`, or without it the newest."""

    since: int | None = None
    limit: PageLimit = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLastArgs(Args):
    """A page of last messages: of the topics with one of these prefixes, after one topic."""

    prefixes: Sequence[str] = ("",)
    after: Annotated[str, Mark.EMPTY] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAddArgs(Args):
    """public: the public key of a pair, Z85."""

    name: str
    public: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OneKey(Args):
    """A key, by its name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BandwidthArgs(Args):
    """The bandwidths of a process: "10mbps", "none" for no limit, None for the file's value."""

    def wanted(self) -> Mapping[str, str | None]:
        """The values that were sent, by name."""
        sent = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: text for name, text in sent.items() if text is not UNSET}


HELLO: Final = Command("hello", "what answers, and what it supports", Args, role=Role.PLAIN)
STATUS: Final = Command(
    "status", "the overall state, and totals of the transfers", Args, role=Role.PLAIN
)
BANDWIDTH_SHOW: Final = Command("bandwidth.show", "the bandwidth of all transfers together", Args)
FEED_LAST: Final = Command("feed.last", "the last message of each topic of the feed", FeedLastArgs)
RELOAD: Final = Command("reload", "read the configuration again", Args, changes=True)
SHUTDOWN: Final = Command("shutdown", "stop the daemon or server", Args, changes=True)
AUDIT: Final = Command("audit", "who changed what", RowsSince, role=Role.CONTROL)
KEY_LIST: Final = Command("key.list", "the keys for access over TCP", Args, role=Role.CONTROL)
KEY_ADD: Final = Command("key.add", "add a key for access over TCP", KeyAddArgs, changes=True)
KEY_REVOKE: Final = Command("key.revoke", "revoke a key", OneKey, changes=True)

COMMON: Final = (
    HELLO,
    STATUS,
    BANDWIDTH_SHOW,
    FEED_LAST,
    RELOAD,
    SHUTDOWN,
    LOG,
    AUDIT,
    KEY_LIST,
    KEY_ADD,
    KEY_REVOKE,
)
