"""The commands about the storage nodes of a server."""

from dataclasses import dataclass, field
from typing import Annotated, Final

from cargo_sync.api import invitation
from cargo_sync.api.arguments import Args, Mark, Range
from cargo_sync.api.commands import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeInviteArgs(Args):
    """An invitation for a storage node. A later one for the same name takes its place.

    node     the name that it will have
    zone     what it may fail together with, such as a building; None for nothing
    token    16 random bytes in base64url; only the caller and the node know it
    address  HOST, HOST:PORT or URL by which the node reaches the server; None if it knows
    seconds  for which it may be used
    """

    node: str
    zone: str | None = None
    token: Annotated[str, Mark.SECRET] = field(repr=False)
    address: str | None = None
    seconds: Annotated[int, Range(invitation.SHORTEST, invitation.LONGEST)] = invitation.DEFAULT


NODE_INVITE: Final = Command(
    "node.invite",
    "invite a storage node, which then keeps contents for this server",
    NodeInviteArgs,
    changes=True,
)

NODE_COMMANDS: Final = (NODE_INVITE,)
