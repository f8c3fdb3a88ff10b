"""`node.…`: invite, list, show, drain, remove, scrub, recovery, recovery_key."""

from collections.abc import Callable, Sequence
from typing import Any

from cargo_sync.api.arguments import Args
from cargo_sync.api.invitation import node_opening
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.api.node_commands import (
    NODE_DRAIN,
    NODE_INVITE,
    NODE_LIST,
    NODE_RECOVERY,
    NODE_RECOVERY_KEY,
    NODE_REMOVE,
    NODE_SCRUB,
    NODE_SHOW,
    NodeDrainArgs,
    NodeInviteArgs,
    NodeRecoveryKeyArgs,
    NodeRemoveArgs,
    NodeScrubArgs,
    OneNode,
)
from cargo_sync.api.recovery_key import KEY
from cargo_sync.config import places, units
from cargo_sync.control.routes import Route
from cargo_sync.machines.nodes.repair import Missing
from cargo_sync.server.accounts.invitations import is_token
from cargo_sync.server.handlers.invitation import ServerEnds, reached_at
from cargo_sync.server.reporting import nodes
from cargo_sync.server.workspace.storage.on_nodes import NodeStorage
from cargo_sync.stores.nodes.pairing import NodePairing
from cargo_sync.stores.nodes.store import NodeStore
from cargo_sync.stores.snapshots.keeping import SnapshotReport
from cargo_sync.suggest import did_you_mean


class NodeHandlers:
    """Commands about storage nodes."""

    def __init__(
        self,
        pairing: NodePairing,
        ends: Callable[[], ServerEnds],
        storage: NodeStorage,
    ) -> None:
        self._pairing = pairing
        self._ends = ends
        self._storage = storage

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(NODE_INVITE, self.invite),
            Route(NODE_LIST, self.list),
            Route(NODE_SHOW, self.show),
            Route(NODE_DRAIN, self.drain),
            Route(NODE_REMOVE, self.remove),
            Route(NODE_SCRUB, self.scrub),
            Route(NODE_RECOVERY, self.recovery),
            Route(NODE_RECOVERY_KEY, self.recovery_key),
        )

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

    async def list(self, _: Args) -> JsonObject:
        store = self._storage.store
        if store is None:
            return {"nodes": [], "missing": Missing()._asdict(), "repair": None}
        found = await store.look()
        return {"nodes": [nodes.row(found, one) for one in found.nodes], **nodes.totals(found)}

    async def show(self, args: OneNode) -> JsonObject:
        return await self._shown(*self._found(args))

    async def drain(self, args: NodeDrainArgs) -> JsonObject:
        store, id = self._found(args)
        await store.drain(id, draining=not args.undo)
        return await self._shown(store, id)

    async def remove(self, args: NodeRemoveArgs) -> JsonObject:
        store, id = self._found(args)
        if not args.lost and not await store.is_drained(id):
            raise ControlError(
                ReplyCode.NOT_DRAINED,
                f'the node "{args.node}" may have copies that are needed',
                "drain it first, and wait until `node.show` says that it is drained; if its copies "
                "are lost anyway, say so: --lost",
            )
        await store.remove(id)
        return {"node": args.node}

    async def scrub(self, args: NodeScrubArgs) -> JsonObject:
        store, id = self._found(args)
        await store.scrub(id, None if args.speed is None else _speed(args.speed))
        return {"node": args.node}

    async def recovery(self, _: Args) -> JsonObject:
        snapshots = self._storage.snapshots
        report = SnapshotReport() if snapshots is None else snapshots.report
        return {
            "has_key": await self._storage.has_recovery_key(),
            "made": report.made,
            "current": report.current,
            "nodes": report.nodes,
        }

    async def recovery_key(self, args: NodeRecoveryKeyArgs) -> JsonObject:
        sealing, verifier = _key("sealing", args.sealing), _key("verifier", args.verifier)
        await self._storage.recovery_key(sealing, verifier)
        return {}

    def _found(self, args: OneNode) -> tuple[NodeStore, int]:
        """The store, and the id of a node. Raises ControlError."""
        store = self._storage.store
        names = {} if store is None else {one.row.name: id for id, one in store.fleet.nodes.items()}
        if store is None or args.node not in names:
            raise ControlError(
                ReplyCode.UNKNOWN_NODE,
                f'there is no storage node "{args.node}"',
                did_you_mean(args.node, list(names)) or "`node.list` names all nodes",
            )
        return store, names[args.node]

    async def _shown(self, store: NodeStore, id: int) -> JsonObject:
        drained = await store.is_drained(id)
        found = await store.look()
        one = store.fleet.report(id)
        return {
            **nodes.row(found, one),
            "lane_port": one.row.lane_port,
            "fingerprint": one.row.fingerprint,
            "drained": drained,
            "repair": nodes.totals(found)["repair"],
        }


def _speed(text: str) -> int:
    try:
        if speed := units.parse_speed(text):
            return speed
        raise ValueError("must be more than 0")
    except ValueError as error:
        raise _bad(f'"speed" {error}') from None


def _key(field: str, text: str) -> bytes:
    try:
        if len(found := bytes.fromhex(text)) == KEY:
            return found
    except ValueError:
        pass  # it is told without the text
    raise _bad(f'"{field}" must be {2 * KEY} hex digits')


def _segment(field: str, text: str) -> str:
    try:
        return places.segment(text)
    except ValueError as error:
        raise _bad(f'"{field}" {error}') from None


def _bad(message: str) -> ControlError:
    return ControlError(ReplyCode.BAD_ARGUMENT, message)
