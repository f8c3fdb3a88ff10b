"""The commands about the servers that share one state."""

from dataclasses import dataclass
from typing import Final

from cargo_sync.api.arguments import Args
from cargo_sync.api.commands import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class OneServer(Args):
    """A server, by its name or its id."""

    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDrainArgs(Args):
    """server: by its name or its id; None for the one that is asked. undo: it goes on."""

    server: str | None = None
    undo: bool = False


SERVER_LIST: Final = Command("server.list", "all servers that share the database of this one", Args)
SERVER_SHOW: Final = Command("server.show", "one server", OneServer)
SERVER_DRAIN: Final = Command(
    "server.drain",
    "let a server take no new transfers, and end those that it has",
    ServerDrainArgs,
    changes=True,
)
SERVER_REMOVE: Final = Command(
    "server.remove", "forget a server that is away", OneServer, changes=True
)

CLUSTER_COMMANDS: Final = (SERVER_LIST, SERVER_SHOW, SERVER_DRAIN, SERVER_REMOVE)
