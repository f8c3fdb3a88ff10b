"""A store reaches its nodes over their ports, whatever happens to nodes and connections."""

import asyncio
import math
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from cargo_sync.lanes.pacing import Unpaced
from cargo_sync.machines.nodes.orders import DeletionOrder
from cargo_sync.machines.nodes.returning import Life
from cargo_sync.model.checkpoints import RESUMABLE
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.transfers import Offer, Want
from cargo_sync.node import flows
from cargo_sync.node.flows import NodeFlow
from cargo_sync.node.gateway import NodeGateway
from cargo_sync.process.wakeup import next_turn
from cargo_sync.stores.blob_sink import BlobSink
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.contract import Secured
from cargo_sync.stores.nodes import link
from cargo_sync.stores.nodes.node_lane import NodeLane, offers_of
from cargo_sync.stores.packet_sink import NodeSink
from cargo_sync.stores.packets import PACKET_BYTES, packed
from tests.stores.blobs import LARGE, content_of, flip, place_of
from tests.stores.nodes.linked import at_work, linked_house, stopped_house

LEAST: Final = 10_000
"""Bytes of a frame that must have content in it."""


RESUMED: Final = bytes(range(256)) * (RESUMABLE // 256) + b"rest"
"""A content whose transfer goes on where it was cut."""


def count_of(monkeypatch: pytest.MonkeyPatch, kind: type, name: str) -> list[object]:
    """Has one item for each call of a method from now on."""
    calls: list[object] = []
    real = getattr(kind, name)

    def counted(self: object, *args: object) -> object:
        calls.append(args)
        return real(self, *args)

    monkeypatch.setattr(kind, name, counted)
    return calls


class HeldPace(Unpaced):
    """While the line is held, a lane sends one frame of content, and then only pings."""

    def __init__(self, line: "HeldLine") -> None:
        self._line = line
        self._has_sent = False

    def ready_at(self, now: float) -> float:
        return math.inf if self._line.is_held and self._has_sent else now

    def spend(self, count: int, now: float) -> None:
        self._has_sent = self._has_sent or count > LEAST


class HeldLine:
    """The connections of lanes to nodes, which move nothing after their first frame."""

    def __init__(self) -> None:
        self.is_held = True
        self.sockets: list[socket.socket] = []

    def cut(self) -> None:
        """Cuts all lanes; new ones are fast."""
        for one in self.sockets:
            if one.fileno() >= 0:
                one.shutdown(socket.SHUT_RDWR)
        self.is_held = False

    def pace(self, sock: socket.socket) -> HeldPace:
        self.sockets.append(sock)
        return HeldPace(self)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> HeldLine:
    found = HeldLine()
    monkeypatch.setattr(link, "pace_of", found.pace)
    return found


async def test_a_lane_that_was_cut_is_opened_again(tmp_path: Path, line: HeldLine) -> None:
    async with linked_house(tmp_path, nodes=2) as house:
        first = house.linked[0]
        upload = asyncio.create_task(house.upload([RESUMED]))
        await house.until(lambda: first.arrived() > 0)
        before = len(line.sockets)
        line.cut()
        [content] = await upload
        assert len(line.sockets) > before
        assert house.copies(content) == 2
        assert await asyncio.to_thread(house.read, content) == RESUMED


async def test_a_node_that_ends_while_contents_come_gets_them_when_it_is_back(
    tmp_path: Path, line: HeldLine
) -> None:
    async with linked_house(tmp_path, nodes=2) as house:
        first = house.linked[0]
        upload = asyncio.create_task(house.upload([b"small", RESUMED]))
        await house.until(lambda: first.arrived() > 0)
        line.cut()
        await first.stop()
        await house.until(lambda: house.store.fleet.session(1) is None)
        assert not upload.done()
        await first.start()
        contents = await upload
        assert [house.copies(one) for one in contents] == [2, 2]
        for one, expected in zip(contents, (b"small", RESUMED), strict=True):
            assert await asyncio.to_thread(house.read, one) == expected


async def test_a_node_with_another_secret_or_certificate_is_never_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stopped_house(tmp_path, copies=1) as house:
        await house.add()
        await house.add(secret="unheard-of")
        await house.add(fingerprint=secrets.token_hex(32))
        async with at_work(house, 1):
            nodes = house.store.fleet.nodes
            await house.until(lambda: all(nodes[one].problem is not None for one in (2, 3)))
            problems = [nodes[one].problem for one in (1, 2, 3)]
            codes = [why and why.code for why in problems]
            assert codes == [None, Code.UNAUTHORIZED, Code.CERTIFICATE]
            assert not any("unheard-of" in str(why) for why in problems)
            [result] = await house.secured(house.put([b"content"]))
            assert isinstance(result, Secured)
            told = [one for one in caplog.messages if "is not there" in one]
            assert len(told) == 2, "each is told once, however often it is asked"


async def test_what_is_rotten_on_one_node_is_read_from_the_other(tmp_path: Path) -> None:
    async with linked_house(tmp_path, nodes=2) as house:
        contents = await house.upload([b"small", LARGE])
        await house.until(lambda: not any(house.spool.holds(contents)))
        asked = house.linked[1]
        for one in contents:
            flip(place_of(asked.kept, one), 1)
        for one, expected in zip(contents, (b"small", LARGE), strict=True):
            assert await asyncio.to_thread(house.read, one) == expected
        # The node has moved its rotten copies aside, and gets new ones.
        await house.until(lambda: [house.copies(one) for one in contents] == [2, 2])
        assert asked.folder is not None and asked.folder.damaged == []
        assert (await house.links[asked.name].status()).damaged == 2
        assert [place_of(asked.kept, one).read_bytes() for one in contents] == [b"small", LARGE]


async def test_a_node_does_no_order_of_before(tmp_path: Path) -> None:
    async with linked_house(tmp_path, nodes=1, copies=1) as house:
        [content] = await house.upload([b"content"])
        node = house.links["node1"]
        lineage, number = (await node.status()).order
        last = DeletionOrder(lineage, number + 2**60)
        await node.delete([], last)
        with pytest.raises(ProblemError) as refused:
            await node.delete([content.hash], last)
        assert refused.value.problem.code is Code.STALE
        # A server whose state was restored numbers from the beginning, and takes the node over.
        restored = DeletionOrder("another start", 1)
        with pytest.raises(ProblemError):
            await node.delete([content.hash], restored)
        await node.delete([], restored, (await node.status()).order)
        assert (await node.status()).order == restored
        with pytest.raises(ProblemError) as displaced:
            await node.delete([content.hash], last._replace(number=2**61), restored)
        assert "taken this node over" in displaced.value.problem.message
        assert house.copies(content) == 1
        await node.delete([content.hash], restored._replace(number=2))
        assert house.copies(content) == 0


async def test_what_is_under_way_ends_when_it_hangs_up(tmp_path: Path, line: HeldLine) -> None:
    async with linked_house(tmp_path, nodes=1, copies=1) as house:
        contents = house.put([LARGE])
        node = house.links["node1"]
        placing = asyncio.create_task(node.place(contents))
        await house.until(lambda: house.linked[0].arrived() > 0)
        await node.hang_up()
        with pytest.raises(ProblemError) as ended:
            await placing
        assert ended.value.problem.code is Code.CUT
        assert line.sockets[0].fileno() == -1
        line.is_held = False
        while True:
            try:
                results = await node.place(contents)
                break
            except ProblemError as error:  # the store hangs up, too: it was just asking the node
                assert error.problem.code is Code.CUT
        assert results.done(contents) == contents


async def test_what_is_fetched_in_vain_is_given_back(tmp_path: Path) -> None:
    async with linked_house(tmp_path, nodes=1, copies=1) as house:
        [content] = await house.upload([LARGE])
        await house.until(lambda: not house.claims.is_held(content.hash))
        node = house.links["node1"]
        await node.fetch([content])  # the lane is open
        house.spool.give_back([content])
        fetching = asyncio.create_task(node.fetch([content]))
        await next_turn()  # it is asked for
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        results = await node.fetch([content])  # behind it, over the same lane
        assert results.done([content]) == [content]
        assert house.claims.release([content.hash]) == [content.hash], "it was held once"


async def test_a_content_that_comes_from_another_node_already_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "BUSY_SECONDS", 0.01)
    async with linked_house(tmp_path, nodes=1, copies=1) as house:
        [content] = await house.upload([RESUMED])
        await house.until(lambda: not house.claims.is_held(content.hash))
        node = house.links["node1"]
        [offer] = offers_of([content])
        other = house.spool.staging.part(offer)
        asked = count_of(monkeypatch, NodeLane, "move")
        fetching = asyncio.create_task(node.fetch([content]))
        await house.until(lambda: len(asked) > 2)
        other.leave()
        house.spool.staging.release(offer.transfer)
        assert (await fetching).done([content]) == [content]
        assert house.claims.release([content.hash]) == [content.hash], "it was held once"


async def test_a_content_that_the_spool_or_the_node_has_not_fails_alone(tmp_path: Path) -> None:
    async with linked_house(tmp_path, nodes=1, copies=1) as house:
        known = await house.upload([b"one", b"another"])
        node = house.links["node1"]
        unknown = content_of(b"unknown")
        results = await node.fetch([known[0], unknown, known[1]])
        codes = [why and why.code for why in results.problems]
        assert codes == [None, Code.VANISHED, None]
        house.put([b"new"])
        results = await node.place([unknown, content_of(b"new")])
        assert [why and why.code for why in results.problems] == [Code.VANISHED, None]


SMALL_ONES: Final = [bytes([number]) * (3_000 + 61 * number) for number in range(200)]
"""Two packets, and a bit."""


@pytest.mark.parametrize("node", ["new", "old", "old by now", "damaged"])
async def test_small_contents_go_in_packets_to_a_node_that_takes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: str
) -> None:
    offered: list[Sequence[Offer]] = []

    class Sink(BlobSink if node.startswith("old") else NodeSink):  # type: ignore[misc]
        def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
            offered.append(offers)
            return super().begin(batch, offers)  # type: ignore[no-any-return]

    def opened(gateway: NodeGateway, flow: NodeFlow) -> dict[str, object]:
        answer = shown(gateway, flow)
        newer = ("packets", "epoch") if node == "old" else ()
        return {name: answer[name] for name in answer if name not in newer}

    shown = NodeGateway._opened
    monkeypatch.setattr(flows, "NodeSink", Sink)
    monkeypatch.setattr(NodeGateway, "_opened", opened)
    async with linked_house(tmp_path, nodes=1, copies=1) as house:
        contents = house.put([*SMALL_ONES, LARGE])
        if node == "damaged":
            monkeypatch.setattr(BlobFolder, "shown", lambda _: 1 << 63)
            flip(place_of(tmp_path / "spool", contents[7]), 1)
        results = await house.links["node1"].place(contents)
        folder = house.linked[0].folder
        assert folder is not None
        is_asked = node.startswith("old") or node == "damaged"
        shown_life = None if is_asked else Life(folder.marker, folder.sequence)
        assert results.life == shown_life, "an older node is asked, and one that shows nonsense"
        bad = contents[7:8] if node == "damaged" else []
        assert set(contents).difference(results.done(contents)) == {*bad}
        for one, expected in zip(contents, [*SMALL_ONES, LARGE], strict=True):
            copy = place_of(house.linked[0].kept, one)
            assert copy.exists() is (one not in bad)
            assert one in bad or copy.read_bytes() == expected
        per_batch = list(map(len, offered))
        packets = math.ceil(sum(map(len, SMALL_ONES)) / PACKET_BYTES)
        rest = len(next(packed(contents[:-1])))
        assert (
            per_batch
            == {
                "new": [packets, 1],
                "old": [len(contents)],
                "old by now": [packets, len(contents)],
                "damaged": [packets, rest + 1],
            }[node]
        )


async def test_the_inventory_comes_in_pages_and_a_scrub_begins(tmp_path: Path) -> None:
    async with linked_house(tmp_path, nodes=1, copies=1) as house:
        contents = sorted(await house.upload([b"one", b"another", b"a third"]))
        node = house.links["node1"]
        first = await node.inventory("", 2)
        assert list(first.items()) == contents[:2]
        assert dict(await node.inventory(contents[1].hash, 2)) == dict(contents[2:])
        await node.scrub(1_000)
        status = await node.status()
        assert (status.blobs, status.used, status.damaged) == (3, 17, 0)
