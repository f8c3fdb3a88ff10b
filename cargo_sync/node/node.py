"""The parts of a storage node, connected."""

import datetime
import logging
import secrets
import socket
from collections.abc import Iterable
from typing import Final, NamedTuple

from cargo_sync.config.node import LANES, StorageNodeSettings
from cargo_sync.lanes.listener import LaneListener
from cargo_sync.lanes.threads import joined
from cargo_sync.local.content_hash import tagging
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.problems import ProblemError, unopened_port
from cargo_sync.model.world import World
from cargo_sync.node.flows import NodeFlow, NodeFlows
from cargo_sync.node.gateway import NodeGateway, OrderTable
from cargo_sync.node.metrics import families
from cargo_sync.node.recovery import NodeRecovery
from cargo_sync.node.scrubbing import Scrubbing
from cargo_sync.process import tls
from cargo_sync.process.doors import Doors
from cargo_sync.process.http.listener import HttpListener
from cargo_sync.process.metrics import Family
from cargo_sync.state.ages import Ages
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.clock import RetentionClock
from cargo_sync.state.database import Database
from cargo_sync.state.kept_folder import KeptFolder
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.snapshots.door import SnapshotDoor
from cargo_sync.stores.snapshots.shelf import SnapshotShelf

GOODBYE: Final = 2.0
"""Seconds that lanes have to write their checkpoints."""
PROGRAM: Final = "node"

_log = logging.getLogger(__name__)


class NodeUp(NamedTuple):
    """The addresses of a running node, and the fingerprint of its certificate."""

    api: str
    lanes: str
    fingerprint: str


def open_folder(
    settings: StorageNodeSettings, database: Database, clock: RetentionClock, token: str
) -> BlobFolder:
    """Opens the folder of contents; at the first start of a pairing it is made.

    Raises:
        ProblemError: it is another one than before, or cannot be used.
    """
    kept = KeptFolder(database)
    blobs = BlobFolder.open(
        settings.directory,
        kept.marker(settings.id),
        lambda: token,
        Checkpoints(database, clock),
        SpaceLedger(database.path),
        Ages(database, clock),
        holder="cargo_sync node",
        capacity=settings.capacity,
        hashes=tagging(secrets.token_bytes),
    )
    try:
        kept.put(settings.id, blobs.marker)
    except BaseException:
        blobs.close()
        raise
    return blobs


def certificate(state_dir: str, address: str) -> tls.Certificate:
    """The certificate of a node, made if there is none; `address` is what others reach it by.

    Raises:
        ProblemError: it cannot be read or written.
    """
    names = [one for one in (address, socket.gethostname(), "localhost", "127.0.0.1", "::1") if one]
    return tls.self_made(state_dir, names, datetime.datetime.now(datetime.UTC), PROGRAM)


class Node:
    """All parts of one node, connected."""

    def __init__(
        self, settings: StorageNodeSettings, blobs: BlobFolder, orders: OrderTable, world: World
    ) -> None:
        """`orders` are the deletions that were taken.

        Raises:
            ProblemError: the place of the last scrub cannot be read.
        """
        self._orders = orders
        self._settings = settings
        self._blobs = blobs
        self._world = world
        self.doors = Doors()
        self.scrubbing = Scrubbing(blobs, settings.scrub, world)
        self._flows = NodeFlows(blobs, LANES, settings.bandwidth, world.steady)
        self._lanes: LaneListener[NodeFlow] = LaneListener(self._flows, LANES, world.offload)
        self._listener: HttpListener | None = None
        self._certificate: tls.ServedCertificate | None = None

    async def start(self) -> NodeUp:
        """Opens the ports.

        Raises:
            ProblemError: one of them cannot be opened.
        """
        settings, world = self._settings, self._world
        made = await world.offload(certificate, settings.state_dir, "")
        served = self._certificate = tls.ServedCertificate(made, world)
        about = {"id": settings.id, "name": settings.name, "zone": settings.zone}
        door = SnapshotDoor(
            lambda: served.served.fingerprint.removeprefix("sha256:"), world.token, world.steady
        )
        recovery = NodeRecovery(SnapshotShelf(self._blobs), door, world)
        gateway = NodeGateway(
            about,
            settings.bearer,
            self._blobs,
            self._flows,
            self.scrubbing,
            recovery,
            self._orders,
            world,
        )
        try:
            lane_port = await self._lanes.start(self.doors, settings.host, settings.lane_port)
        except OSError as error:
            hint = "change lane_port, or stop the program that listens there"
            raise ProblemError(
                unopened_port(settings.host, settings.lane_port, error, hint)
            ) from error
        gateway.lane_port = lane_port
        self._listener = HttpListener(gateway.application(), served.context, self.doors)
        port = await self._listener.start(settings.host, settings.port)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return NodeUp(f"https://{host}:{port}", f"{host}:{lane_port}", made.fingerprint)

    async def count(self) -> None:
        """Counts what is kept, if the last process did not end in order."""
        await self._world.offload(self._blobs.count)

    async def watch_certificate(self) -> None:
        """Serves a changed certificate, until cancelled."""
        assert self._certificate is not None, "the node has started"
        await self._certificate.run()

    def words(self) -> str:
        """The state of the node in one line."""
        return f"{self._blobs.room().blobs} contents"

    def measured(self) -> Iterable[Family]:
        """The metrics of the node."""
        return families(self._blobs, self._flows, self.scrubbing, self.doors)

    async def rest(self) -> None:
        """Ends requests and lanes, at their checkpoints."""
        if self._listener is not None:
            await self._listener.close()
        self._lanes.close()
        await joined(self._flows.close(), GOODBYE, self._world)
