"""A node in this process, and the coordinator that it belongs to."""

import hashlib
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from cargo_sync.config.node import StorageNodeSettings
from cargo_sync.lanes.connect import open_lane
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.machines.nodes.orders import OrderBook
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.model.world import World
from cargo_sync.node.node import Node
from cargo_sync.process.offload import ThreadOffload
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.contract import Content
from cargo_sync.testing.disk import MemoryDisk, MemoryFile, MemorySink, MemorySource
from cargo_sync.wire.handshake import LaneKeys
from tests.local.systems import system
from tests.stores.blobs import content_of

BEARER = "what only the coordinator knows"
SECONDS = 20.0


def settings(path: Path, id: int = 7, **more: Any) -> StorageNodeSettings:
    return StorageNodeSettings(
        name="one",
        id=id,
        bearer=hashlib.sha256(BEARER.encode()).hexdigest(),
        directory=str(path / "kept"),
        state_dir=str(path / "state"),
        zone="cellar",
        host="127.0.0.1",
        port=0,
        lane_port=0,
        **more,
    )


def offer_of(content: Content) -> Offer:
    """As a coordinator offers a content, or asks for it."""
    hash, size = content
    return Offer(hash, size, 0, 0o600, 1, 1, hash[:32], hash=hash)


@dataclass
class Coordinator:
    """Speaks to one node."""

    node: Node
    blobs: BlobFolder
    api: str
    session: aiohttp.ClientSession
    offload: ThreadOffload

    async def call(
        self,
        method: str,
        path: str,
        json: Mapping[str, object] | None = None,
        bearer: str | None = BEARER,
    ) -> tuple[int, Any]:
        """A request; the status, and the JSON of the answer (None if there is none)."""
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        async with self.session.request(
            method, f"{self.api}{path}", json=json, headers=headers, ssl=False
        ) as response:
            return response.status, await response.json() if await response.read() else None

    async def send(self, contents: Sequence[bytes]) -> list[Receipt]:
        """Sends contents in one batch over a lane of its own."""
        return await self.send_as([(content_of(each), each) for each in contents])

    async def send_as(self, some: Sequence[tuple[Content, bytes]], path: str = "") -> list[Receipt]:
        """As `send`, with what each content is said to be; `path` in place of its hash."""
        files = {path or said.hash: MemoryFile(content) for said, content in some}
        offers = [offer_of(said)._replace(path=path or said.hash) for said, _ in some]
        source = MemorySource(files)
        batches: list[Sequence[Receipt]] = []

        def sender(link: Any) -> Sender:
            made = Sender(
                link,
                source,
                time.monotonic,
                client=True,
                on_receipts=lambda batch, receipts: batches.append(receipts),
            )
            made.offer(0, offers)
            made.finish()
            return made

        problem = await self._lane("upload", sender)
        assert problem is None, problem
        return list(batches[0])

    async def fetch(self, wanted: Sequence[Content]) -> dict[str, bytes | str]:
        """Asks for contents in one batch: what came, or the code of the problem, by hash."""
        disk = MemoryDisk()
        batches: list[Sequence[Receipt]] = []
        offers = list(map(offer_of, wanted))

        def receiver(link: Any) -> Receiver:
            made = Receiver(
                link,
                MemorySink(disk),
                time.monotonic,
                client=True,
                on_receipts=lambda batch, receipts: batches.append(receipts),
            )
            made.ask(0, offers)
            made.finish()
            return made

        problem = await self._lane("download", receiver)
        assert problem is None, problem
        return {
            one.hash: disk.files[one.hash].content if receipt.code == "done" else receipt.code
            for one, receipt in zip(wanted, batches[0], strict=True)
        }

    async def _lane(self, mode: str, machine: Any) -> Problem | None:
        status, opened = await self.call("POST", "/n1/flows", {"mode": mode})
        assert status == 200, opened
        lane = opened["lane"]
        keys = LaneKeys(*(bytes.fromhex(lane[name]) for name in ("token", "auth", "up", "down")))
        over = threading.Event()

        def run() -> Problem | None:
            sock, link = open_lane("127.0.0.1", lane["port"], keys, SECONDS, time.monotonic)
            made = machine(link)
            thread = LaneThread(made, sock, "coordinator", lambda _: over.set())
            thread.start()
            assert over.wait(SECONDS)
            problem: Problem | None = made.problem
            return problem

        return await self.offload(run)


@asynccontextmanager
async def running(path: Path, **more: Any) -> AsyncIterator[Coordinator]:
    """A node that keeps its contents below `path`."""
    chosen = settings(path, **more)
    Path(chosen.state_dir).mkdir(exist_ok=True)
    blobs = BlobFolder.open(
        chosen.directory,
        "",
        lambda: "0123456789abcdef" * 2,
        MemoryCheckpoints(),
        SpaceLedger(),
        MemoryAges(time.monotonic),
        holder="a test",
        capacity=chosen.capacity,
        system=system("native"),
    )
    with ThreadPoolExecutor(4) as pool, closing(blobs):
        offload = ThreadOffload(pool)
        clock = time.monotonic
        world = World(time.time, clock, lambda: 0.5, partial(str, "f" * 32), offload, clock)
        node = Node(chosen, blobs, OrderBook(), world)
        up = await node.start()
        try:
            async with aiohttp.ClientSession() as session:
                yield Coordinator(node, blobs, up.api, session, offload)
        finally:
            await node.rest()
