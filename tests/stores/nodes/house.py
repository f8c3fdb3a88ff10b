"""A store on nodes of this process, for tests."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple

from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.content_hash import ListedHash, tagging
from cargo_sync.local.parts import MemoryCheckpoints, Staged
from cargo_sync.local.piece_lists import PIECE
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import World
from cargo_sync.state.blobs import Blobs
from cargo_sync.state.nodes import NodeRow, NodeRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.blobs import BlobFolder, for_blobs
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.contract import Content, Secured
from cargo_sync.stores.nodes.client import NodeClient
from cargo_sync.stores.nodes.store import DAY, NodeSettings, NodeStore
from cargo_sync.stores.spool import BlobSpool
from cargo_sync.testing.nodes import FolderNode
from tests.local.systems import system
from tests.stores.blobs import content_of

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
ROOM: Final = 1 << 40
"""Bytes on the first node; each other one has half of those before it. So it does not depend on the
disk who gets copies: the first nodes do."""
PATIENCE_SECONDS = 60.0
"""Of real time, for what a test waits for."""


async def in_thread(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return await asyncio.to_thread(work, *args)


class House:
    """A store with nodes, in a fast world: pauses are short, and hours pass when a test says so."""

    def __init__(self, place: Path, last: ExitStack, nodes: int, copies: int) -> None:
        self.now = 1_000.0
        self.deletes = True
        self.database = last.enter_context(SqliteDatabase.open(str(place / "state.db"), "server"))
        self.blobs, self.rows = Blobs(self.database), NodeRows(self.database)
        self.claims = Claims()
        self.spool = BlobSpool(self._folder(place / "spool", last, durable=False), self.claims)
        self.nodes: dict[str, FolderNode] = {}
        for number in range(nodes):
            name = f"node{number}"
            self.rows.add(name, "", ("127.0.0.1", 1, 2), "f", "s")
            node = self.nodes[name] = FolderNode(self._folder(place / name, last), self.spool)
            node.most = ROOM >> number
        clock = self._clock
        numbers = count(1)
        world = World(clock, clock, lambda: 0.5, lambda: f"{next(numbers):032x}", in_thread, clock)
        settings = NodeSettings(
            lambda workspace: copies, deletes=lambda: self.deletes, keep_unknown=2 * DAY
        )
        tables = self.blobs, self.rows
        self.store = NodeStore(
            self.spool, self.claims, tables, self._dial, world, settings, self._pause
        )

    def _folder(self, path: Path, last: ExitStack, *, durable: bool = True) -> BlobFolder:
        blobs = BlobFolder.open(
            str(path),
            "",
            lambda: path.name.encode().hex().rjust(32, "0"),
            MemoryCheckpoints(),
            SpaceLedger(),
            MemoryAges(self._clock),
            holder="a test",
            durable=durable,
            hashes=ListedHash if durable else tagging(os.urandom),
            system=system("native"),
        )
        last.callback(blobs.close)
        return blobs

    def _clock(self) -> float:
        return self.now

    def _dial(self, row: NodeRow) -> NodeClient:
        return self.nodes[row.name]

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.05))

    # -- what tests do -----------------------------------------------------------------------------

    def put(self, contents: Sequence[bytes]) -> list[Content]:
        """Contents come into the spool."""
        found = [content_of(one) for one in contents]
        offers = for_blobs(
            Offer(one.hash, one.size, 0, 0, 0, 0, one.hash[:32], hash=one.hash) for one in found
        )
        pairs = zip(offers, contents, strict=True)
        staged = [self._staged(offer, memoryview(one)) for offer, one in pairs]
        assert self.spool.place(staged) == [None] * len(staged)
        return found

    def _staged(self, offer: Offer, content: memoryview) -> Staged:
        if offer.size <= PIECE:
            return self.spool.staging.write(offer, content)
        part = self.spool.staging.part(offer)
        for start in range(0, offer.size, PIECE):
            part.write(start, content[start : start + PIECE])
        return part.finish()

    async def upload(self, contents: Sequence[bytes], workspace: int = 1) -> list[Content]:
        """Contents are stored and recorded."""
        found = self.put(contents)
        results = await self.secured(found, workspace)
        where = [one for one in results if isinstance(one, Secured)]
        lists = {one.hash: to.pieces for one, to in zip(found, where, strict=True) if to.pieces}
        hashes, sizes = zip(*found, strict=True)
        self.blobs.record(workspace, hashes, sizes, [one.placement for one in where], lists)
        self.store.release(found)
        return found

    async def secured(
        self, contents: Sequence[Content], workspace: int = 1
    ) -> Sequence[Secured | Problem]:
        answer = asyncio.get_running_loop().create_future()
        self.store.secure(workspace, contents, answer.set_result)
        return await asyncio.wait_for(answer, PATIENCE_SECONDS)

    def read(self, content: Content) -> bytes:
        """As a caller does who may block."""
        reader = self.store.open(1, content, None)
        try:
            buffer = bytearray(content.size)
            assert reader.read_into(memoryview(buffer), 0) == content.size
            return bytes(buffer)
        finally:
            reader.close()

    def folders(self) -> list[BlobFolder]:
        return [node.folder for node in self.nodes.values()]

    def copies(self, content: Content) -> int:
        return sum(folder.has([content])[0] for folder in self.folders())

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                await asyncio.sleep(0.01)

    def free(self) -> list[int]:
        return [one.free for one in self.store.fleet.members().values()]

    def up(self) -> int:
        return sum(one.takes for one in self.store.fleet.members().values())


@asynccontextmanager
async def house(place: Path, nodes: int = 3, copies: int = 2) -> AsyncIterator[House]:
    with ExitStack() as last:
        found = House(place, last, nodes, copies)
        work = asyncio.create_task(found.store.run())
        try:
            await found.until(lambda: found.up() == nodes)
            yield found
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
