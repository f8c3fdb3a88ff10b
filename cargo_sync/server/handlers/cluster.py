"""`server.…`: list, show, drain, remove."""

from collections.abc import Sequence
from typing import Any

from cargo_sync.api.arguments import Args
from cargo_sync.api.cluster_commands import (
    SERVER_DRAIN,
    SERVER_LIST,
    SERVER_REMOVE,
    SERVER_SHOW,
    OneServer,
    ServerDrainArgs,
)
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.cluster.membership import KnownServer, Membership
from cargo_sync.control.routes import Route
from cargo_sync.machines.cluster.states import ServerState
from cargo_sync.server.reporting import servers
from cargo_sync.suggest import did_you_mean


class ClusterHandlers:
    """Commands about the servers that share the state."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(SERVER_LIST, self.list),
            Route(SERVER_SHOW, self.show),
            Route(SERVER_DRAIN, self.drain),
            Route(SERVER_REMOVE, self.remove),
        )

    async def list(self, _: Args) -> JsonObject:
        return {"servers": [servers.row(one) for one in self._membership.all()]}

    async def show(self, args: OneServer) -> JsonObject:
        return self._shown(self._found(args.server))

    async def drain(self, args: ServerDrainArgs) -> JsonObject:
        name = self._membership.me.id if args.server is None else args.server
        one = self._found(name)
        if one.state is ServerState.AWAY:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT, f'the server "{one.row.name}" is away: it takes nothing'
            )
        await self._membership.drain(one, undo=args.undo)
        return self._shown(self._found(one.row.id))

    async def remove(self, args: OneServer) -> JsonObject:
        one = self._found(args.server)
        if one.state is not ServerState.AWAY:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f'the server "{one.row.name}" is {one.state}: only one that is away is forgotten',
                "stop it first; it would come back by itself",
            )
        await self._membership.remove(one)
        return {"server": one.row.name}

    def _shown(self, one: KnownServer) -> JsonObject:
        return {**servers.row(one), "flows": servers.flows(one)}

    def _found(self, name: str) -> KnownServer:
        """The server of a name or an id. Raises ControlError."""
        known = self._membership.all()
        found = [one for one in known if one.row.id == name]
        found = found or [one for one in known if one.row.name == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f'several servers are called "{name}"',
                f"name one by its id: {', '.join(one.row.id for one in found)}",
            )
        raise ControlError(
            ReplyCode.UNKNOWN_SERVER,
            f'there is no server "{name}"',
            did_you_mean(name, [one.row.name for one in known]) or "`server.list` names all",
        )
