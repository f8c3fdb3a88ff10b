"""The store on nodes: three nodes in this process, which die, are full, or rot."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import pytest

from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import World
from cargo_sync.state.blobs import Blobs
from cargo_sync.state.database import Database
from cargo_sync.state.nodes import NodeRow, NodeRows
from cargo_sync.stores.blob_changes import blob_path
from cargo_sync.stores.blobs import BlobFolder, for_blobs
from cargo_sync.stores.contract import Content, Secured
from cargo_sync.stores.nodes.claims import Claims
from cargo_sync.stores.nodes.store import NodeSettings, NodeStore
from cargo_sync.stores.spool import BlobSpool
from cargo_sync.testing.nodes import FolderNode
from tests.local.systems import system
from tests.stores.blobs import LARGE, content_of

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
PATIENCE_SECONDS = 60.0
"""Of real time, for what a test waits for."""
SMALL = [f"content {number}".encode() for number in range(20)]


async def in_thread(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return await asyncio.to_thread(work, *args)


class House:
    """A store with nodes, in a fast world: pauses are short, and hours pass when a test says so."""

    def __init__(self, place: Path, last: ExitStack, nodes: int, copies: int) -> None:
        self.now = 1_000.0
        self.database = last.enter_context(Database.open(str(place / "state.db"), "server"))
        self.blobs, self.rows = Blobs(self.database), NodeRows(self.database)
        self.claims = Claims()
        self.spool = BlobSpool(self._folder(place / "spool", last), self.claims)
        self.nodes: dict[str, FolderNode] = {}
        for number in range(nodes):
            name = f"node{number}"
            self.rows.add(name, "", ("127.0.0.1", 1, 2), "f", "s")
            self.nodes[name] = FolderNode(self._folder(place / name, last), self.spool)
        clock = self._clock
        world = World(clock, clock, lambda: 0.5, lambda: "", in_thread, clock)
        settings = NodeSettings(lambda workspace: copies)
        tables = self.blobs, self.rows
        self.store = NodeStore(
            self.spool, self.claims, tables, self._dial, world, settings, self._pause
        )

    def _folder(self, path: Path, last: ExitStack) -> BlobFolder:
        blobs = BlobFolder.open(
            str(path),
            "",
            lambda: path.name.encode().hex().rjust(32, "0"),
            MemoryCheckpoints(),
            SpaceLedger(),
            MemoryAges(self._clock),
            holder="a test",
            system=system("native"),
        )
        last.callback(blobs.close)
        return blobs

    def _clock(self) -> float:
        return self.now

    def _dial(self, row: NodeRow) -> FolderNode:
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
        staged = [self.spool.staging.write(offer, memoryview(one)) for offer, one in pairs]
        assert self.spool.place(staged) == [None] * len(staged)
        return found

    async def upload(self, contents: Sequence[bytes], workspace: int = 1) -> list[Content]:
        """Contents are stored and recorded."""
        found = self.put(contents)
        results = await self.secured(found, workspace)
        numbers = [one.placement for one in results if isinstance(one, Secured)]
        sizes = [one.size for one in found]
        self.blobs.record(workspace, [one.hash for one in found], sizes, numbers)
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

    def copies(self, content: Content) -> int:
        return sum(node.folder.has([content])[0] for node in self.nodes.values())

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                await asyncio.sleep(0.01)

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


async def test_contents_have_their_copies_before_it_is_said(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload([*SMALL, LARGE])
        assert [one.copies(content) for content in contents] == [2] * len(contents)
        await one.until(lambda: not any(one.spool.holds(contents)))
        found = [await asyncio.to_thread(one.read, content) for content in contents]
        assert found == [*SMALL, LARGE]
        await one.until(lambda: not any(one.spool.holds(contents)))


async def test_a_lane_is_woken_when_a_content_has_come(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload(SMALL)
        await one.until(lambda: not any(one.spool.holds(contents)))
        woken = asyncio.Event()
        loop = asyncio.get_running_loop()
        one.store.coming(1, contents)

        def wake() -> None:
            loop.call_soon_threadsafe(woken.set)

        reader = one.store.open(1, contents[0], wake)
        buffer = memoryview(bytearray(contents[0].size))
        got = reader.read_into(buffer, 0)
        while got is None:
            await asyncio.wait_for(woken.wait(), PATIENCE_SECONDS)
            got = reader.read_into(buffer, 0)
        reader.close()
        assert bytes(buffer) == SMALL[0]


async def test_below_the_quorum_it_waits(tmp_path: Path) -> None:
    async with house(tmp_path, nodes=2) as one:
        one.nodes["node0"].is_away = True
        contents = one.put(SMALL)
        waiting = asyncio.create_task(one.secured(contents))
        await one.until(lambda: one.up() == 1)
        refusal = one.store.refusal(1)
        assert refusal is not None and refusal.code is Code.BELOW_QUORUM
        assert not waiting.done() and all(one.spool.holds(contents))
        one.nodes["node0"].is_away = False
        assert all(isinstance(result, Secured) for result in await waiting)
        assert one.store.refusal(1) is None
        assert [one.copies(content) for content in contents] == [2] * len(contents)


async def test_a_node_that_dies_is_replaced_in_an_upload_and_by_a_repair(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        before = await one.upload(SMALL)
        one.nodes["node1"].is_away = True
        after = await one.upload([LARGE])
        assert one.copies(after[0]) == 2
        for content in before:
            assert await asyncio.to_thread(one.read, content)
        one.now += 3_600.0
        left = [one.nodes[name].folder for name in ("node0", "node2")]
        await one.until(lambda: all(all(folder.has(before)) for folder in left))
        await one.until(lambda: one.up() == 2)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await one.store.missing()).copies:
                await asyncio.sleep(0.01)


async def test_what_rots_is_read_from_the_other_copy_and_repaired(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        [content] = await one.upload([LARGE])
        await one.until(lambda: not any(one.spool.holds([content])))
        holders = [node for node in one.nodes.values() if node.folder.has([content])[0]]
        path = Path(holders[0].folder.root.path) / blob_path(content.hash)
        damaged = bytearray(path.read_bytes())
        damaged[5] ^= 1
        path.write_bytes(damaged)
        for _ in range(2):
            assert await asyncio.to_thread(one.read, content) == LARGE
        await one.until(lambda: not holders[0].folder.damaged or one.copies(content) == 2)
        await one.until(lambda: one.copies(content) == 2)


async def test_what_no_node_has_is_a_problem(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        [content] = await one.upload([LARGE])
        await one.until(lambda: not any(one.spool.holds([content])))
        for node in one.nodes.values():
            node.is_away = True
        await one.until(lambda: one.up() == 0)
        with pytest.raises(ProblemError) as caught:
            await asyncio.to_thread(one.read, content)
        assert caught.value.problem.code is Code.UNREACHABLE


async def test_a_full_node_gets_no_more(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        one.nodes["node0"].is_full = True
        contents = [await one.upload([each]) for each in SMALL]
        assert all(one.copies(content) == 2 for [content] in contents)
        assert not one.nodes["node0"].folder.inventory("", 9).hashes


async def test_what_nobody_has_any_more_is_deleted(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload(SMALL)
        hashes = [content.hash for content in contents]
        one.blobs.condemn(1, hashes[1:], one.now)
        one.store.forget(1, hashes)
        await one.until(lambda: not any(one.copies(content) for content in contents[1:]))
        assert one.copies(contents[0]) == 2


async def test_a_node_is_drained_and_removed(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload(SMALL)
        [row] = [row for row in one.rows.all() if row.name == "node0"]
        await one.store.drain(row.id, draining=True)
        others = [one.nodes[name].folder for name in ("node1", "node2")]
        await one.until(lambda: all(all(folder.has(contents)) for folder in others))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await one.store.is_drained(row.id):
                await asyncio.sleep(0.01)
        await one.store.remove(row.id)
        assert (await one.store.missing()).blobs == 0
        assert "node0" not in {found.row.name for found in one.store.fleet.nodes.values()}


async def test_a_node_that_comes_back_old_is_compared_before_it_is_used(tmp_path: Path) -> None:
    async with house(tmp_path) as one:
        contents = await one.upload(SMALL)
        node = one.nodes["node1"]
        had = [content for content in contents if node.folder.has([content])[0]]
        node.is_away = True
        await one.until(lambda: one.up() == 2)
        node.folder.remove([content.hash for content in had])
        [row] = [row for row in one.rows.all() if row.name == "node1"]
        one.rows.heard(row.id, row.epoch, row.sequence + 99)  # as if it had been further
        node.is_away = False
        await one.until(lambda: all(one.copies(content) == 2 for content in contents))
