"""Large contents go on to nodes while they arrive, and are sent once, whatever fails."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from cargo_sync.lanes.link import Link
from cargo_sync.local.parts import PartFile
from cargo_sync.local.staging import PLACE
from cargo_sync.model.transfers import Offer
from cargo_sync.node.gateway import NodeGateway
from cargo_sync.stores.blobs import for_blobs
from cargo_sync.stores.contract import ComingFile, Content, Secured
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.wire import shared
from cargo_sync.wire.frames import SealedMaker
from cargo_sync.wire.records import LentRecord
from cargo_sync.wire.shared import SharedRecord
from tests.stores.blobs import content_of
from tests.stores.nodes.linked import LinkedHouse, linked_house
from tests.stores.nodes.test_link import RESUMED
from tests.wire.same_tag import other_of_same_tag

PIECE = 1 << 20
IN_MEMORY = 4
"""So many pieces are in memory at the same time."""
HALF = len(RESUMED) // 2
ID = f"{7:032x}"


class Coming:
    """RESUMED on its way into the spool, and on to nodes."""

    def __init__(self, house: LinkedHouse, open: Callable[[], int] | None = None) -> None:
        [offer] = for_blobs([Offer("f", len(RESUMED), 0, 0, 0, 0, ID)])
        self.house = house
        self.part: PartFile = house.spool.staging.part(offer)
        file = ComingFile(len(RESUMED), 0, open or self.part.opener())
        self.forward = house.store.forward(1, file)

    def come(self, start: int, end: int) -> None:
        """Some bytes come."""
        self.part.write(start, memoryview(RESUMED)[start:end])
        self.forward.reached(self.part.reached)

    def come_by_lane(self, start: int, end: int) -> None:
        """Some pieces come, as those of a lane do: they stay in memory for a while."""
        for at in range(start, end, PIECE):
            self.forward.came(at, memoryview(RESUMED)[at : at + PIECE])
            self.come(at, at + PIECE)

    async def all_by_lane(self, copies: int) -> Content:
        """All of it comes, some pieces by a lane while so many nodes wait for them."""
        end = (2 + IN_MEMORY) * PIECE
        self.come(0, 2 * PIECE)
        await self.house.until(lambda: self.followers() == copies)
        self.come_by_lane(2 * PIECE, end)
        self.come(end, len(RESUMED))
        return await self.secured()

    def followers(self) -> int:
        """Lanes to nodes that wait for more."""
        assert isinstance(self.forward, ArrivingContent)
        return len(self.forward._needs) if self.forward.recent._is_followed else 0

    async def gone_on(self, count: int) -> None:
        """Waits until so many bytes have come to nodes."""
        await self.house.until(lambda: self.arrived() >= count)

    def arrived(self) -> int:
        return sum(node.arrived() for node in self.house.linked if node.node is not None)

    async def secured(self) -> Content:
        """All of it is there: it gets its copies."""
        assert self.house.spool.place([self.part.finish()]) == [None]
        content = content_of(RESUMED)
        self.forward.sealed(content)
        [result] = await self.house.secured([content])
        assert isinstance(result, Secured)
        return content


def staged(house: LinkedHouse) -> list[str]:
    """What nodes have in their staging."""
    places = [node.kept / PLACE for node in house.linked]
    return [name for place in places if place.exists() for name in os.listdir(place)]


async def test_what_has_gone_on_is_sent_once(tmp_path: Path) -> None:
    async with linked_house(tmp_path) as house:
        coming = Coming(house)
        coming.come(0, HALF)
        await coming.gone_on(2 * (HALF - HALF % (1 << 20)))
        assert not any(folder.room().blobs for folder in house.folders())
        coming.come(HALF, len(RESUMED))
        content = await coming.secured()
        assert house.copies(content) == 2
        assert coming.arrived() == 2 * len(RESUMED)
        assert not staged(house)


async def test_what_is_given_up_stays_nowhere(tmp_path: Path) -> None:
    async with linked_house(tmp_path, nodes=2) as house:
        coming = Coming(house)
        coming.come(0, HALF)
        await coming.gone_on(1 << 20)
        coming.forward.close()
        await house.until(lambda: not staged(house))
        # Nothing of it is in the way of another try.
        coming.come(HALF, len(RESUMED))
        assert house.copies(await coming.secured()) == 2


async def test_a_node_that_ends_meanwhile_costs_nothing_but_its_copy(tmp_path: Path) -> None:
    async with linked_house(tmp_path) as house:
        coming = Coming(house)
        coming.come(0, HALF)
        await house.until(lambda: sum(node.arrived() > 0 for node in house.linked) == 2)
        gone = next(node for node in house.linked if node.arrived())
        await gone.stop()
        assert not os.listdir(gone.kept / PLACE)
        coming.come(HALF, len(RESUMED))
        content = await coming.secured()
        assert house.copies(content) == 2


async def test_a_node_that_got_something_else_gets_it_again(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(bytes(reversed(RESUMED)))
    async with linked_house(tmp_path / "house", nodes=2) as house:
        coming = Coming(house, partial(os.open, other, os.O_RDONLY))
        coming.come(0, len(RESUMED))
        content = await coming.secured()
        assert house.copies(content) == 2
        assert coming.arrived() == 4 * len(RESUMED)
        await house.until(lambda: not staged(house))
        assert [folder.room().blobs for folder in house.folders()] == [1, 1]


@pytest.mark.parametrize("copies, takes", [(2, True), (1, True), (2, False)])
async def test_what_goes_to_two_nodes_is_sealed_once_if_they_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: int, takes: bool
) -> None:
    seal, opened, sizes = shared.seal, NodeGateway._opened, list[int]()

    def counted(key: bytes, content: memoryview, memory: memoryview) -> memoryview:
        sizes.append(len(content))
        return seal(key, content, memory)

    monkeypatch.setattr(shared, "seal", counted)
    if not takes:  # as a node of an earlier release
        monkeypatch.setattr(Link, "takes_shared", lambda _: None)
        without = {"shared"}
        monkeypatch.setattr(
            NodeGateway,
            "_opened",
            lambda *args: {k: v for k, v in opened(*args).items() if k not in without},
        )
    async with linked_house(tmp_path, copies, copies) as house:
        coming = Coming(house)
        content = await coming.all_by_lane(copies)
        assert house.copies(content) == copies
        assert coming.arrived() == copies * len(RESUMED)
    # A lane that asks just as a piece comes may read it from the spool.
    assert set(sizes) == ({PIECE} if takes and copies > 1 else set())
    assert len(sizes) <= IN_MEMORY, "none of them twice"


async def test_a_node_on_the_way_to_another_one_cannot_make_it_keep_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows the key of a piece, so the tag stays right; but the hash does not."""
    close, changed = SealedMaker.close_around, list[SealedMaker]()

    def on_the_way(maker: SealedMaker, record: LentRecord | SharedRecord) -> list[memoryview]:
        if isinstance(record, SharedRecord):
            changed[:] = changed or [maker]
            if maker is changed[0]:
                other = other_of_same_tag(record.key, bytes(record.content))
                record = replace(record, content=memoryview(other))
        return close(maker, record)

    monkeypatch.setattr(SealedMaker, "close_around", on_the_way)
    async with linked_house(tmp_path, nodes=2) as house:
        coming = Coming(house)
        content = await coming.all_by_lane(2)
        assert changed and house.copies(content) == 2
        assert coming.arrived() == 3 * len(RESUMED), "the lane took it; then it was sent again"
        await house.until(lambda: not staged(house))
        assert [folder.room().blobs for folder in house.folders()] == [1, 1]
        kept = [one for node in house.linked for one in node.kept.rglob(content.hash)]
        assert [one.read_bytes() == RESUMED for one in kept] == [True, True]
