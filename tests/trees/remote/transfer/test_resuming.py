"""Uploads that go on: after a cut, after a kill, with another source, when the server forgot."""

import asyncio
from copy import deepcopy
from dataclasses import replace
from itertools import islice

import pytest

from cargo_sync.lanes.ports import Reader, Source
from cargo_sync.local.ages import MemoryAges
from cargo_sync.model.abilities import Resuming
from cargo_sync.model.jobs import DAY, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.state.remote_uploads import KeptUpload
from cargo_sync.testing.remote_content import MemoryUpload
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.remote.contract import Kept, NewFile, Pace, RemoteUpload
from cargo_sync.trees.remote.transfer import flow
from cargo_sync.trees.remote.transfer.pieces import Resumption, pieces
from cargo_sync.trees.remote.transfer.uploads import MemoryUploads
from cargo_sync.trees.remote.tree import RemoteMemory
from tests.conformance.remotes import BUCKET, SHELL, in_thread
from tests.trees.remote.trees import Clocks, ServerTree, moved, put

MIB = 2**20
CONTENT = b"".join(bytes([number]) * MIB for number in range(12)) + b"the end"
FIRST = "aaaaaaaaaaaaaaaa0001bbbbbbbbbbbb"
SECOND = "aaaaaaaaaaaaaaaa0002cccccccccccc"
UNDER_WAY = 3
"""Pieces that a remote in memory takes at the same time, at most."""


@pytest.mark.parametrize(
    ("size", "done", "expected"),
    [
        (10, [], "0-4 4-8 8-10"),
        (8, [], "0-4 4-8"),
        (10, [(0, 8)], "=0-4 =4-8 8-10"),
        (10, [(4, 8)], "0-4 =4-8 8-10"),
        (10, [(0, 5)], "=0-4 =4-5 5-8 8-10"),
        (10, [(0, 4), (8, 10)], "=0-4 4-8 =8-10"),
        (10, [(0, 10)], "=0-4 =4-8 =8-10"),
    ],
)
def test_pieces_end_where_the_server_has_something(
    size: int, done: list[tuple[int, int]], expected: str
) -> None:
    found = [f"{'=' * has}{start}-{end}" for start, end, has in pieces(size, 4, done)]
    assert " ".join(found) == expected


def test_the_pieces_of_a_file_without_end_take_no_memory() -> None:
    """Another server may say of its files what it likes."""
    assert list(islice(pieces(2**62, 4, [(0, 4)]), 2)) == [(0, 4, True), (4, 8, False)]


class Client:
    """A client that may be killed: what it remembers is as it was at that moment."""

    def __init__(self, resuming: Resuming = Resuming.PARTS) -> None:
        self.clocks = Clocks()
        self.server = MemoryServer()
        self.near = MemoryTree("near")
        self.store = MemoryUploads(self.clocks.at)
        self.abilities = replace(
            SHELL if resuming is Resuming.APPEND else BUCKET, resuming=resuming
        )
        self.calls = 0
        self.dies_at = 0

    def tree(self) -> ServerTree:
        memory = RemoteMemory(self.store, MemoryAges(self.clocks.at))
        return ServerTree(self.clocks.world, self.abilities, self.server, memory=memory)

    def fault(self, call: str, path: str) -> None:
        if call in ("upload", "send", "send done", "publish", "publish done"):
            self.calls += 1
            if self.calls == self.dies_at:
                self.then = deepcopy((self.store.kept, self.server.uploads, self.server.items))
            if self.dies_at and self.calls >= self.dies_at:
                raise ProblemError(Problem(Code.CUT, "killed"))

    async def upload(self, transfer: str = FIRST) -> list[str]:
        """Uploads once; returns the codes of the receipts."""
        tree, entry = self.tree(), self.near.entry("big")
        await tree.open()
        assert entry is not None
        there = await tree.remote.entry("big")
        results = await moved(tree, Mode.UPLOAD, self.near, [put("big", entry, there, transfer)])
        return [one.code for result in results for one in result.receipts] or [
            str(one.problem and one.problem.code) for result in results for one in result.failed
        ]

    async def killed(self, at: int) -> None:
        """An upload in which the client is killed at its `at`th call."""
        self.calls, self.dies_at = 0, at
        self.server.fault = self.fault
        with pytest.raises(ProblemError, match="killed"):
            await self.upload()
        self.store.kept, self.server.uploads, self.server.items = self.then
        self.server.fault, self.dies_at = None, 0


@pytest.mark.parametrize("resuming", [Resuming.PARTS, Resuming.APPEND])
@pytest.mark.parametrize("at", [1, 2, 9, 20, 28])
async def test_after_a_kill_only_what_was_under_way_is_sent_again(
    resuming: Resuming, at: int
) -> None:
    client = Client(resuming)
    client.near.write("big", CONTENT)
    await client.killed(at)
    assert await client.upload() == ["done"]
    assert client.server.read_at("big") == CONTENT
    assert client.server.sent <= len(CONTENT) + UNDER_WAY * MIB
    assert client.store.kept == {} and client.server.uploads == {}


@pytest.mark.parametrize("asks", [True, False])
async def test_what_is_under_way_is_bounded_also_when_the_server_is_not_asked(asks: bool) -> None:
    client, under_way = Client(), list[int]()
    entry, tree = client.near.write("big", CONTENT), client.tree()
    uploads = tree.remote.upload

    async def upload(file: NewFile, kept: Kept | None) -> RemoteUpload:
        made = await uploads(file, kept)
        made.asks = asks  # type: ignore[misc]
        sends, sent, stored = made.send, set[int](), set[int]()
        puts = client.store.put

        async def send(offset: int, content: memoryview, pace: Pace) -> None:
            sent.add(offset)
            certain = {start for start in made_pieces() if asks} | stored
            under_way.append(len(sent - certain))
            await sends(offset, content, pace)

        def made_pieces() -> set[int]:
            return {start for one in client.server.uploads.values() for start in one.pieces}

        def put_kept(one: KeptUpload) -> None:
            stored.update(made_pieces())
            puts(one)

        made.send = send  # type: ignore[method-assign]
        client.store.put = put_kept  # type: ignore[method-assign, assignment]
        return made

    tree.remote.upload = upload  # type: ignore[method-assign]
    [result] = await moved(tree, Mode.UPLOAD, client.near, [put("big", entry, None, FIRST)])
    assert [one.code for one in result.receipts] == ["done"]
    assert len(under_way) == 13 and max(under_way) == UNDER_WAY


async def test_what_the_server_has_is_told_as_resumed() -> None:
    client = Client()
    entry = client.near.write("big", CONTENT)
    await client.killed(22)
    tree = client.tree()
    await tree.open()
    [result] = await moved(tree, Mode.UPLOAD, client.near, [put("big", entry, None, FIRST)])
    had = tree.resumed(Mode.UPLOAD)[FIRST]
    assert had >= 8 * MIB and result.had == {FIRST: had}


async def test_another_version_of_the_source_begins_anew() -> None:
    client = Client()
    client.near.write("big", CONTENT)
    await client.killed(22)
    client.near.write("big", CONTENT[::-1])
    assert await client.upload(SECOND) == ["done"]
    assert client.server.read_at("big") == CONTENT[::-1]
    assert client.store.kept == {} and client.server.uploads == {}


@pytest.mark.parametrize("forgets", ["all of it", "some of it"])
async def test_what_the_server_has_lost_is_sent_again(forgets: str) -> None:
    client = Client()
    client.near.write("big", CONTENT)
    await client.killed(22)
    if forgets == "all of it":
        client.server.uploads.clear()
    else:
        [upload] = client.server.uploads.values()
        upload.pieces[0] = b"?" * MIB
    assert await client.upload() == ["done"]
    assert client.server.read_at("big") == CONTENT
    assert client.store.kept == {} and client.server.uploads == {}


async def test_an_upload_stays_when_it_is_stopped_and_goes_when_it_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flow, "GRACE", 0.0)  # in memory, all of it would go on within it
    client = Client()
    client.near.write("big", CONTENT)
    for cancelled in (False, True):
        tree = client.tree()
        await tree.open()
        entry = client.near.entry("big")
        assert entry is not None
        sent = asyncio.Event()

        def fault(call: str, path: str, sent: asyncio.Event = sent) -> None:
            if call == "send done":
                sent.set()

        client.server.fault = fault
        task = [put("big", entry, None, FIRST)]
        moving = asyncio.create_task(moved(tree, Mode.UPLOAD, client.near, task))
        await sent.wait()
        client.server.fault = None
        if cancelled:
            tree.cancel("big")
            [result] = await moving
            assert [one.problem.code for one in result.failed if one.problem] == [Code.CANCELLED]
        else:
            moving.cancel()
            await asyncio.wait({moving})
        assert bool(client.store.kept) is bool(client.server.uploads) is not cancelled
    assert "big" not in client.server.items


async def test_an_upload_is_left_although_it_cannot_be_noted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, left = Client(), list[str]()
    tree = client.tree()
    await tree.open()
    resumption = Resumption(tree.remote, client.store, in_thread)
    offer = Offer("big", len(CONTENT), 0, 0, 1, 0, "0" * 32)
    upload = await resumption.upload(NewFile("big", len(CONTENT), 0, 0, "0" * 32, ""), offer)

    async def leave(_: object) -> None:
        left.append("left")

    def full(_: object) -> None:
        raise ProblemError(Problem(Code.DISK_FULL, "there is no room"))

    monkeypatch.setattr(MemoryUpload, "leave", leave)
    monkeypatch.setattr(client.store, "put", full)
    await resumption.left(upload, offer, wanted=True)
    assert left == ["left"]


class Torn(MemoryTree):
    """A near side whose files may change while they are read."""

    def source(self) -> Source:
        source = super().source()
        opens = source.open

        def open_file(offer: Offer) -> Reader:
            reader = opens(offer)
            now = self.entry
            reader.unchanged = lambda: now("big").version == offer.version  # type: ignore
            return reader

        source.open = open_file  # type: ignore[method-assign]
        return source


async def test_a_source_that_changes_meanwhile_is_not_published() -> None:
    client = Client()
    client.near = Torn("near")
    client.near.write("big", CONTENT)

    def fault(call: str, path: str) -> None:
        if call == "send" and client.server.sent == 0:
            client.near.write("big", CONTENT[: 9 * MIB])

    client.server.fault = fault
    assert await client.upload() == ["changed"]
    assert "big" not in client.server.items
    assert client.store.kept == {} and client.server.uploads == {}


async def test_own_uploads_that_nobody_continues_are_given_up_after_a_week() -> None:
    client = Client()
    client.near.write("big", CONTENT)
    await client.killed(22)
    for days, left in ((6, 1), (8, 0)):
        client.clocks.now = 1_000 + days * DAY
        await client.tree().open()
        assert len(client.store.kept) == len(client.server.uploads) == left


async def test_a_server_that_cannot_go_on_gets_all_of_it_again() -> None:
    client = Client(Resuming.NONE)
    client.near.write("big", CONTENT)
    await client.killed(22)
    assert client.store.kept == {}
    assert await client.upload() == ["done"]
    assert client.server.read_at("big") == CONTENT
