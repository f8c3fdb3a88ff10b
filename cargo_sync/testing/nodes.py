"""A storage node in this process: a folder of blobs that can be away, full, or come back old."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import TypeVar

from cargo_sync.local.parts import Staged
from cargo_sync.machines.nodes.orders import DeletionOrder, OrderBook, OrderVerdict
from cargo_sync.machines.nodes.returning import Life
from cargo_sync.machines.nodes.snapshots import MadeSnapshot
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.blobs import BlobFolder, for_blobs
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.stores.nodes.client import NodeStatus
from cargo_sync.stores.nodes.ports import Results
from cargo_sync.stores.packets import contents_of, is_packet
from cargo_sync.stores.reading.pieces import PieceRun, Take, length_of
from cargo_sync.stores.snapshots.shelf import SnapshotShelf
from cargo_sync.stores.spool import BlobSpool

T = TypeVar("T")
_ROTTEN = Problem(Code.CORRUPT, "the node gave something else than was stored")
_AWAY = Problem(Code.CUT, "the node does not answer")
_LATE = Problem(Code.STALE, "this deletion came late")
_FULL = Problem(Code.DISK_FULL, "the disk of the node is full")


class _AwayError(Exception):
    """The node went away."""


class FolderNode:
    """A node over a folder; see `NodeClient`.

    is_away, is_full  what a test wants of it
    forwarded         contents of which it was told that they arrive
    most              bytes of which it says that it takes them; None: as its folder says
    given             pieces and packets that were read from it
    dies_after        so many of these; then it is away
    """

    def __init__(self, folder: BlobFolder, spool: BlobSpool) -> None:
        self.folder = folder
        self.spool = spool
        self.is_away = False
        self.is_full = False
        self.most: int | None = None
        self.given = 0
        self.dies_after: float = math.inf
        self.forwarded: list[ArrivingContent] = []
        self._orders = OrderBook()

    def life(self) -> Life:
        """What its folder is now."""
        return Life(self.folder.marker, self.folder.sequence)

    async def status(self) -> NodeStatus:
        return await self._answer(self._status)

    async def place(self, contents: Sequence[Content]) -> Results:
        results = await self._answer(lambda: self._copy(self.spool, self.folder, contents))
        return results._replace(life=self.life())

    async def forward(self, arriving: ArrivingContent) -> None:
        await self._answer(lambda: None)
        self.forwarded.append(arriving)
        await arriving.over.wait()

    async def fetch(self, contents: Sequence[Content]) -> Results:
        return await self._answer(lambda: self._copy(self.folder, self.spool, contents))

    async def stream(self, runs: Sequence[PieceRun], take: Take) -> Results:
        return await self._answer(lambda: self._read(runs, take))

    async def delete(
        self, hashes: Sequence[str], order: DeletionOrder, after: DeletionOrder | None = None
    ) -> None:
        await self._answer(lambda: self._delete(hashes, order, after))

    async def inventory(self, after: str, limit: int) -> Mapping[str, int]:
        found = await self._answer(lambda: self.folder.inventory(after, limit))
        return dict(zip(found.hashes, found.sizes, strict=True))

    async def scrub(self, rate: int | None) -> None:
        await self._answer(lambda: None)

    async def keep_snapshot(
        self, content: Content, snapshot: MadeSnapshot, verifier: bytes
    ) -> None:
        await self._answer(lambda: SnapshotShelf(self.folder).keep(content, snapshot, verifier))

    async def hang_up(self) -> None:
        """There is no connection."""

    async def _answer(self, work: Callable[[], T]) -> T:
        if self.is_away:
            raise ProblemError(_AWAY)
        result = await asyncio.to_thread(work)
        if self.is_away:
            raise ProblemError(_AWAY)
        return result

    def _status(self) -> NodeStatus:
        room = self.folder.room()
        life = self.life()
        damaged = self.folder.rotten
        free = room.free if self.most is None else max(0, self.most - room.used)
        order = self._orders.last()
        return NodeStatus(
            life,
            free,
            room.used,
            room.capacity,
            room.blobs,
            damaged,
            order=order,
            aside=self.folder.damaged,
        )

    def _read(self, runs: Sequence[PieceRun], take: Take) -> Results:
        problems: list[Problem | None] = [None] * len(runs)
        for index, run in enumerate(runs):
            try:
                if is_packet(run.content.hash):
                    memory = bytearray(run.content.size)
                    self._give()
                    self.folder.read_small(contents_of(*run.content), memoryview(memory))
                    take(index, 0, memoryview(memory))
                    continue
                with closing(self.folder.open_blob(run.content)) as reader:
                    for number in range(run.first, run.first + run.pieces):
                        self._give()
                        memory = bytearray(length_of(run.content, number))
                        reader.read_into(memoryview(memory), number * PIECE)
                        if not take(index, number, memoryview(memory)):
                            raise ProblemError(_ROTTEN)
            except ProblemError as error:
                problems[index] = error.problem
            except _AwayError as error:
                raise ProblemError(_AWAY) from error
        return Results(problems)

    def _give(self) -> None:
        self.given += 1
        if self.is_away or self.given > self.dies_after:
            self.is_away = True
            raise _AwayError

    def _delete(
        self, hashes: Sequence[str], order: DeletionOrder, after: DeletionOrder | None
    ) -> None:
        if self._orders.take(order, after) is not OrderVerdict.TAKEN:
            raise ProblemError(_LATE)
        if hashes:
            self.folder.remove(hashes)

    def _copy(
        self,
        source: BlobSpool | BlobFolder,
        target: BlobSpool | BlobFolder,
        contents: Sequence[Content],
    ) -> Results:
        """Copies contents, each checked on the way, and places them as one batch."""
        there = target.has(contents) if isinstance(target, BlobFolder) else [False] * len(contents)
        problems: list[Problem | None] = [None] * len(contents)
        staged = dict[int, Staged]()
        for number, content in enumerate(contents):
            if there[number]:
                continue
            if self.is_full and target is self.folder:
                problems[number] = _FULL
                continue
            try:
                staged[number] = _stage(source, target, content)
            except ProblemError as error:
                problems[number] = error.problem
        for number, why in zip(staged, target.place(list(staged.values())), strict=True):
            problems[number] = why
        return Results(problems)


def _stage(
    source: BlobSpool | BlobFolder, target: BlobSpool | BlobFolder, content: Content
) -> Staged:
    """Raises ProblemError: it is not there, or not what it was."""
    buffer = memoryview(bytearray(content.size))
    opened = source.open if isinstance(source, BlobSpool) else source.open_blob
    reader = opened(content)
    try:
        reader.read_into(buffer, 0)
    finally:
        reader.close()
    hash, size = content
    [offer] = for_blobs([Offer(hash, size, 0, 0, 0, 0, hash[:32], hash=hash)])
    return target.staging.write(offer, buffer)
