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


@dataclass(frozen=True, slots=True, kw_only=True)
class OneNode(Args):
    """A storage node, by its name."""

    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDrainArgs(OneNode):
    """undo: its copies may stay, and it gets new ones again."""

    undo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRemoveArgs(OneNode):
    """lost: also if it may have copies that are needed, because they cannot be had any more."""

    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeScrubArgs(OneNode):
    """speed: at which it reads, such as "200mbps"; None for that of its file."""

    speed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecoveryKeyArgs(Args):
    """What is derived from a new recovery key (`api.recovery_key`). The key itself stays away.

    sealing   the key that seals snapshots: 64 hex digits
    verifier  the public key of who may ask nodes for them: 64 hex digits
    """

    sealing: Annotated[str, Mark.SECRET] = field(repr=False)
    verifier: str


NODE_INVITE: Final = Command(
    "node.invite",
    "invite a storage node, which then keeps contents for this server",
    NodeInviteArgs,
    changes=True,
)

NODE_LIST: Final = Command("node.list", "all storage nodes, and what is missing", Args)
NODE_SHOW: Final = Command("node.show", "one storage node", OneNode)
NODE_DRAIN: Final = Command(
    "node.drain", "make the copies of a storage node elsewhere", NodeDrainArgs, changes=True
)
NODE_REMOVE: Final = Command(
    "node.remove", "use a storage node no more", NodeRemoveArgs, changes=True
)
NODE_SCRUB: Final = Command(
    "node.scrub", "let a storage node check all of its copies", NodeScrubArgs, changes=True
)

NODE_RECOVERY: Final = Command(
    "node.recovery", "whether there is a recovery key, and how old the last snapshot is", Args
)
NODE_RECOVERY_KEY: Final = Command(
    "node.recovery_key",
    "keep snapshots of the server's state for a new recovery key",
    NodeRecoveryKeyArgs,
    changes=True,
)

NODE_COMMANDS: Final = (
    NODE_INVITE,
    NODE_LIST,
    NODE_SHOW,
    NODE_DRAIN,
    NODE_REMOVE,
    NODE_SCRUB,
    NODE_RECOVERY,
    NODE_RECOVERY_KEY,
)
