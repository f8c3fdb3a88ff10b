"""`node.invite`: how a storage node comes to this server."""

from collections.abc import Callable, Sequence
from typing import Any

from cargo_sync.api.invitation import node_opening
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.api.node_commands import NODE_INVITE, NodeInviteArgs
from cargo_sync.config import places
from cargo_sync.control.routes import Route
from cargo_sync.server.accounts.invitations import is_token
from cargo_sync.server.handlers.invitation import ServerEnds, reached_at
from cargo_sync.stores.nodes.pairing import NodePairing


class NodeHandlers:
    """Commands about storage nodes."""

    def __init__(self, pairing: NodePairing, ends: Callable[[], ServerEnds]) -> None:
        self._pairing = pairing
        self._ends = ends

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(NODE_INVITE, self.invite),)

    async def invite(self, args: NodeInviteArgs) -> JsonObject:
        if not is_token(args.token):
            raise _bad('"token" must be 16 random bytes in base64url: 22 characters')
        name, zone = _segment("node", args.node), _segment("zone", args.zone or args.node)
        ends = self._ends()
        url = reached_at(ends, args.address)
        until = await self._pairing.invite(name, zone, args.token, args.seconds)
        return {
            "node": name,
            "zone": zone,
            "ends": until,
            "invitation": node_opening(name, url, ends.fingerprint),
        }


def _segment(field: str, text: str) -> str:
    try:
        return places.segment(text)
    except ValueError as error:
        raise _bad(f'"{field}" {error}') from None


def _bad(message: str) -> ControlError:
    return ControlError(ReplyCode.BAD_ARGUMENT, message)
