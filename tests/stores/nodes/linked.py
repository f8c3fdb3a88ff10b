"""A store on nodes that are reached over their ports, for tests."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from cargo_sync.config.node import StorageNodeSettings
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.machines.nodes.orders import OrderBook
from cargo_sync.model.world import World
from cargo_sync.node.node import Node
from cargo_sync.process.offload import ThreadOffload
from cargo_sync.state.nodes import NodeRow
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.nodes.client import NodeClient
from cargo_sync.stores.nodes.link import NodeLink
from tests.stores.blobs import opened
from tests.stores.nodes.house import House

SECRET: Final = "what only the server knows"
CAME: Final = "cargo_node_content_bytes_total"


class LinkedNode:
    """The parts of a node on loopback ports; they can be stopped, and started again."""

    def __init__(self, path: Path, number: int, world: World) -> None:
        self.name = f"node{number}"
        self.kept = path / "kept"
        self._token = f"{number:032x}"
        self._world = world
        self._checkpoints = MemoryCheckpoints()
        self._orders = OrderBook()
        state = path / "state"
        state.mkdir(parents=True)
        self.settings = StorageNodeSettings(
            name=self.name,
            id=number,
            bearer=hashlib.sha256(SECRET.encode()).hexdigest(),
            directory=str(self.kept),
            state_dir=str(state),
            host="127.0.0.1",
            port=0,
            lane_port=0,
        )
        self.fingerprint = ""
        self.folder: BlobFolder | None = None
        self.node: Node | None = None

    async def start(self, bandwidth: int | None = None) -> None:
        """Starts it, at the port that it had before."""
        chosen = replace(self.settings, bandwidth=bandwidth)
        known = self._token if self.kept.exists() else ""
        self.folder = opened(self.kept, known=known, token=self._token)
        self.node = Node(chosen, self.folder, self._orders, self._world)
        up = await self.node.start()
        self.fingerprint = up.fingerprint
        self.settings = replace(self.settings, port=int(up.api.rpartition(":")[2]))

    async def stop(self) -> None:
        """Stops it in order."""
        node, folder = self.node, self.folder
        self.node = self.folder = None
        if node is not None and folder is not None:
            await node.rest()
            folder.close()

    def arrived(self) -> int:
        """Bytes of content that came since it was started."""
        assert self.node is not None
        [came] = [one for one in self.node.measured() if one.name == CAME]
        return int(sum(value for labels, value in came.samples if labels["direction"] == "upload"))


class LinkedHouse(House):
    """A store that reaches its nodes by `NodeLink`."""

    def __init__(self, place: Path, last: ExitStack, world: World, copies: int) -> None:
        super().__init__(place, last, 0, copies)
        self.linked: list[LinkedNode] = []
        self.links: dict[str, NodeLink] = {}
        self._place = place
        self._links_world = world

    async def add(self, *, secret: str = SECRET, fingerprint: str = "") -> LinkedNode:
        """Another node is started and known; whether it is followed is seen at the next start."""
        number = len(self.linked) + 1
        node = LinkedNode(self._place / f"node{number}", number, self._links_world)
        await node.start()
        self.linked.append(node)
        address = "127.0.0.1", node.settings.port, 1
        self.rows.add(node.name, "", address, fingerprint or node.fingerprint, secret)
        return node

    def folders(self) -> list[BlobFolder]:
        return [node.folder for node in self.linked if node.folder is not None]

    def _dial(self, row: NodeRow) -> NodeClient:
        link = self.links[row.name] = NodeLink(row, self.spool, self._links_world)
        return link


@asynccontextmanager
async def stopped_house(place: Path, copies: int = 2) -> AsyncIterator[LinkedHouse]:
    """A store that does not work yet, without nodes."""
    with ExitStack() as last, ThreadPoolExecutor(8) as pool:
        clock = time.monotonic
        world = World(
            time.time, clock, lambda: 0.5, partial(str, "f" * 32), ThreadOffload(pool), clock
        )
        found = LinkedHouse(place, last, world, copies)
        try:
            yield found
        finally:
            for node in found.linked:
                await node.stop()


@asynccontextmanager
async def at_work(found: LinkedHouse, nodes: int) -> AsyncIterator[LinkedHouse]:
    """The store works, and has so many nodes."""
    work = asyncio.create_task(found.store.run())
    try:
        await found.until(lambda: found.up() == nodes)
        yield found
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


@asynccontextmanager
async def linked_house(place: Path, nodes: int = 3, copies: int = 2) -> AsyncIterator[LinkedHouse]:
    """A store at work on nodes."""
    async with stopped_house(place, copies) as found:
        for _ in range(nodes):
            await found.add()
        async with at_work(found, nodes):
            yield found
