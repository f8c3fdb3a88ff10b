"""One node on another machine: its API over HTTPS, and lanes for contents and for their pieces."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from socket import socket
from typing import Final

from cargo_sync.lanes.connect import open_lane
from cargo_sync.lanes.end import OnReceipts
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import pace_of
from cargo_sync.lanes.ports import Source
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.machines.nodes.orders import DeletionOrder
from cargo_sync.machines.nodes.returning import Life
from cargo_sync.machines.nodes.snapshots import MadeSnapshot
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.nodes import NodeRow
from cargo_sync.stores.blob_sink import SpoolSink
from cargo_sync.stores.blob_source import SpoolSource
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.stores.nodes.client import NodeStatus, ScrubStatus
from cargo_sync.stores.nodes.forward_lane import ArrivingSource, ForwardLanes
from cargo_sync.stores.nodes.node_api import (
    LATE,
    SOON,
    AnyReply,
    DeletedReply,
    InventoryReply,
    NodeApi,
    NodeFlowReply,
    StatusReply,
)
from cargo_sync.stores.nodes.node_lane import NodeLane, OpenedLane
from cargo_sync.stores.nodes.packing import place_packed
from cargo_sync.stores.nodes.piece_sink import PieceAsks, PieceSink
from cargo_sync.stores.nodes.ports import Results
from cargo_sync.stores.reading.pieces import PieceRun, Take
from cargo_sync.stores.spool import BlobSpool
from cargo_sync.wire.handshake import LaneKeys

CONNECT: Final = 10.0
"""Seconds for a lane to open."""
BUSY_SECONDS: Final = 0.5
BUSY_TRIES: Final = 1_200
"""How long a content is waited for that comes from another node already: ten minutes."""


class NodeLink:
    """One node; see `NodeClient`. To be made, and used, in the event loop.

    It connects when something is asked for, also again after `hang_up` or after a failure. It is
    what `NodeStore` calls `dial`, with the spool of that store:

        NodeStore(…, dial=lambda row: NodeLink(row, spool, world), …)
    """

    def __init__(self, row: NodeRow, spool: BlobSpool, world: World) -> None:
        """Connects to nothing yet.

        Args:
            row: where the node is, the fingerprint of its certificate, and its secret.
            spool: contents are placed from there, and fetched to there.
            world: the clock of lanes, and the threads that open them.
        """
        self._row = row
        self._spool = spool
        self._world = world
        self._api = NodeApi(row, world.offload)
        self._lanes = {
            mode: NodeLane(
                f"lane to node {row.name} ({mode.value})",
                partial(self._open, mode),
                machine,
                late,
                world,
            )
            for mode, machine, late in (
                (Mode.UPLOAD, self._sender, _stays),
                (Mode.DOWNLOAD, self._receiver, spool.give_back),
            )
        }
        self._forwards = ForwardLanes(self._forward_lane)
        self._asks = PieceAsks()
        self._reads = NodeLane(
            f"lane to node {row.name} (read)",
            partial(self._open, Mode.DOWNLOAD),
            self._reader,
            _stays,
            world,
        )

    async def status(self) -> NodeStatus:
        found = await self._api.get("/status", StatusReply, SOON)
        return NodeStatus(
            Life(found.epoch, found.sequence),
            found.free,
            found.used,
            found.capacity,
            found.blobs,
            found.damaged.found,
            ScrubStatus(**found.scrub.model_dump()),
            DeletionOrder(found.order.lineage, found.order.number),
            found.damaged.hashes,
        )

    async def place(self, contents: Sequence[Content]) -> Results:
        lane = self._lanes[Mode.UPLOAD]
        return await self._forwards.place(contents, partial(place_packed, lane))

    async def forward(self, arriving: ArrivingContent) -> None:
        await self._forwards.send(arriving)

    async def fetch(self, contents: Sequence[Content]) -> Results:
        lane = self._lanes[Mode.DOWNLOAD]
        problems = list((await lane.move(contents)).problems)
        try:
            for _ in range(BUSY_TRIES):
                busy = [number for number, why in enumerate(problems) if _is_busy(why)]
                if not busy:
                    break
                # It is on its way from another node: one file of the spool has one writer.
                await Wakeup().wait(BUSY_SECONDS)
                again = await lane.move([contents[number] for number in busy])
                for number, why in zip(busy, again.problems, strict=True):
                    problems[number] = why
        except BaseException:
            self._spool.give_back(Results(problems).done(contents))
            raise
        return Results(problems)

    async def stream(self, runs: Sequence[PieceRun], take: Take) -> Results:
        with self._asks.open(runs, take) as offers:
            return await self._reads.move([run.content for run in runs], offers)

    async def delete(
        self, hashes: Sequence[str], order: DeletionOrder, after: DeletionOrder | None = None
    ) -> None:
        body = {
            "hashes": list(hashes),
            "order": order.number,
            "lineage": order.lineage,
            "after": after._asdict() if after else None,
        }
        failed = (await self._api.post("/delete", DeletedReply, LATE, body)).failed
        if failed:
            message = f"node {self._row.name} could not delete {len(failed)} copies"
            hint = f"look at the log of node {self._row.name}; it is tried again"
            raise ProblemError(Problem(Code.STORE_FAILED, message, hint=hint))

    async def inventory(self, after: str, limit: int) -> Mapping[str, int]:
        found = await self._api.get("/inventory", InventoryReply, LATE, after=after, limit=limit)
        hashes, sizes = found.hashes, found.sizes
        # Sorted, and behind what is known: else whoever asks for the next page never ends.
        ordered = [after, *hashes]
        if (
            len(hashes) != len(sizes)
            or len(hashes) > limit
            or any(one >= next for one, next in zip(ordered, hashes, strict=False))
        ):
            message = f"the inventory of node {self._row.name} is not in order"
            raise ProblemError(Problem(Code.BAD_ANSWER, message))
        return dict(zip(hashes, sizes, strict=True))

    async def scrub(self, rate: int | None) -> None:
        await self._api.post("/scrub", AnyReply, SOON, {"rate": rate})

    async def keep_snapshot(
        self, content: Content, snapshot: MadeSnapshot, verifier: bytes
    ) -> None:
        body = {**snapshot._asdict(), **content._asdict(), "verifier": verifier.hex()}
        await self._api.post("/snapshots", AnyReply, LATE, body)

    async def hang_up(self) -> None:
        await self._api.close()
        for lane in (*self._lanes.values(), self._reads):
            await lane.stop()
        await self._forwards.stop()

    # -- lanes -------------------------------------------------------------------------------------

    async def _open(self, mode: Mode) -> OpenedLane:
        """Opens a flow, and its lane. Raises ProblemError."""
        flow = await self._api.post("/flows", NodeFlowReply, SOON, {"mode": mode.value})
        lane = flow.lane
        keys = LaneKeys(lane.token, lane.auth, lane.up, lane.down)
        where = self._row.host, lane.port
        opening: asyncio.Future[tuple[socket, Link]] = asyncio.ensure_future(
            self._world.offload(open_lane, *where, keys, CONNECT, self._world.steady)
        )
        try:
            sock, link = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_not_needed)
            raise
        return OpenedLane(sock, link, flow.granted, flow.packets, flow.shared, flow.epoch)

    def _forward_lane(self, arriving: ArrivingContent) -> NodeLane:
        def machine(opened: OpenedLane, on_receipts: OnReceipts) -> Sender:
            source = ArrivingSource(self._spool, arriving, shares=opened.shared)
            return self._sending(source, opened, on_receipts)

        return NodeLane(
            f"lane to node {self._row.name} (forward)",
            partial(self._open, Mode.UPLOAD),
            machine,
            _stays,
            self._world,
        )

    def _sender(self, opened: OpenedLane, on_receipts: OnReceipts) -> Sender:
        return self._sending(SpoolSource(self._spool), opened, on_receipts)

    def _sending(self, source: Source, opened: OpenedLane, on_receipts: OnReceipts) -> Sender:
        steady = self._world.steady
        pace = pace_of(opened.sock)
        pace.limit(opened.granted, steady())
        return Sender(opened.link, source, steady, client=True, pace=pace, on_receipts=on_receipts)

    def _receiver(self, opened: OpenedLane, on_receipts: OnReceipts) -> Receiver:
        sink = SpoolSink(self._spool)
        return Receiver(opened.link, sink, self._world.steady, client=True, on_receipts=on_receipts)

    def _reader(self, opened: OpenedLane, on_receipts: OnReceipts) -> Receiver:
        sink = PieceSink(self._asks)
        return Receiver(opened.link, sink, self._world.steady, client=True, on_receipts=on_receipts)


def _is_busy(why: Problem | None) -> bool:
    return why is not None and why.code == Code.BUSY


def _stays(_contents: Sequence[Content]) -> None:
    """What a node has without that it is known is found in its inventory."""


def _not_needed(opening: asyncio.Future[tuple[socket, Link]]) -> None:
    """A lane that was opened when nobody waited for it any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[1].close()
