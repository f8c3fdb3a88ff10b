"""Files of one remote go to another one, and nothing of them is kept here."""

import asyncio
from hashlib import md5
from typing import Final

import pytest

from cargo_sync.local.ages import MemoryAges
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.testing.remote import MemoryRemote
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.remote.below import RemoteBelow
from cargo_sync.trees.remote.relayed import RelayedFolder
from cargo_sync.trees.remote.transfer.uploads import MemoryUploads
from cargo_sync.trees.remote.tree import RemoteMemory, RemoteUse
from cargo_sync.trees.remote.visit import VisitedRemote
from tests.conformance.remotes import BUCKET, SHELL
from tests.trees.remote.trees import Clocks, ServerTree, moved, put

MIB: Final = 2**20
BIG: Final = b"".join(bytes([number]) * MIB for number in range(12)) + b"the end"
FILES: Final = {"a.txt": b"one", "sub/b c": b"two" * 100_000, "big": BIG}
ID: Final = "aaaaaaaaaaaaaaaa0001bbbbbbbbbbbb"


class Pair:
    """A folder `in` on one server, and another server that remembers uploads."""

    def __init__(self, *, tells: bool = False) -> None:
        self.clocks = Clocks()
        self.source, self.target = MemoryServer(), MemoryServer()
        for path, content in FILES.items():
            self.source.write(f"in/{path}", content, 5 * 10**9, 0o640)
        self.reader = MemoryRemote(self.source, BUCKET if tells else SHELL, tells=tells)
        self.store = MemoryUploads(self.clocks.at)

    def near(self) -> RelayedFolder:
        memory = RemoteMemory(self.store, MemoryAges(self.clocks.at))
        below = RemoteBelow(self.reader, "in", "source")
        turn = asyncio.Semaphore(1)
        visited = VisitedRemote(below, RemoteUse(), memory, self.clocks.world, turn)
        return RelayedFolder(visited, below, "source/in")

    async def copied(self, *paths: str) -> list[str]:
        """Copies files once; the codes of their results."""
        memory = RemoteMemory(self.store, MemoryAges(self.clocks.at))
        tree = ServerTree(self.clocks.world, BUCKET, self.target, memory=memory)
        await tree.open()
        near, tasks = self.near(), []
        for path in paths:
            entry = (await near.stand("", [path])).get(path)
            assert isinstance(entry, Entry)
            tasks.append(put(path, entry, None, ID if path == "big" else ""))
        results = await moved(tree, Mode.UPLOAD, near, tasks)
        self.resumed = tree.resumed(Mode.UPLOAD)
        codes = [str(one.problem and one.problem.code) for each in results for one in each.failed]
        return [one.code for each in results for one in each.receipts] + codes

    def killed_at(self, call: str, path: str, number: int) -> None:
        """The `number`th such call at the target fails, and so do all after it."""
        seen = 0

        def fault(made: str, at: str) -> None:
            nonlocal seen
            seen += (made, at) == (call, path)
            if seen >= number:
                raise ProblemError(Problem(Code.CUT, "killed"))

        self.target.fault = fault


async def test_files_arrive_whole_with_what_their_content_says() -> None:
    for tells in (False, True):
        pair = Pair(tells=tells)
        assert await pair.copied(*FILES) == ["done"] * 3
        assert pair.target.files() == FILES
        assert {pair.target.items[path].mtime_ns for path in FILES} == {5 * 10**9}
        reads = [path for call, path in pair.source.calls if call == "read"]
        assert sorted(reads) == sorted(f"in/{path}" for path in FILES)


async def test_after_a_cut_it_goes_on_and_little_is_sent_again() -> None:
    pair = Pair()
    pair.killed_at("send", "big", 9)
    with pytest.raises(ProblemError, match="killed"):
        await pair.copied("big")
    pair.target.fault = None
    assert await pair.copied("big") == ["done"]
    assert pair.target.read_at("big") == BIG
    assert pair.resumed[ID] >= 5 * MIB
    assert pair.target.sent <= len(BIG) + 3 * MIB
    assert pair.store.kept == {}


@pytest.mark.parametrize("path", ["a.txt", "big"])
async def test_a_file_that_changes_while_it_is_read_is_not_published(path: str) -> None:
    pair = Pair()

    def fault(call: str, at: str) -> None:
        if (call, at) == ("content", f"in/{path}"):
            pair.source.fault = None
            pair.source.write(f"in/{path}", b"x" + FILES[path][1:])

    pair.source.fault = fault
    assert await pair.copied(path) == ["changed"]
    assert pair.target.files() == {}


async def test_a_source_that_cannot_be_reached_ends_the_copy() -> None:
    for path in ("a.txt", "big"):
        pair = Pair()

        def fault(call: str, at: str) -> None:
            if call == "content":
                raise ProblemError(Problem(Code.CUT, "the source is gone"))

        pair.source.fault = fault
        with pytest.raises(ProblemError, match="the source is gone"):
            await pair.copied(path)
        assert pair.target.files() == {}


ONE: Final = md5(b"one", usedforsecurity=False).hexdigest()
OTHER: Final = "0" * 32
"""The MD5 of something else, or what a server says that gives no MD5."""


@pytest.mark.parametrize(
    ("own", "wanted", "same", "reads"),
    [
        ((ONE, True), (ONE, True), True, False),
        ((ONE, False), (ONE, True), True, False),
        ((ONE, True), (OTHER, True), False, False),
        ((OTHER, False), (ONE, True), True, True),
        ((OTHER, False), (OTHER, False), False, True),
        ((ONE, False), (ONE, False), True, True),
        ((ONE, True), (OTHER, False), False, True),
    ],
)
async def test_only_hashes_of_which_servers_are_certain_say_that_contents_differ(
    own: tuple[str, bool],
    wanted: tuple[str, bool],
    same: bool,
    reads: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Pair()
    said = KnownHash(HashKind.MD5, *own)
    monkeypatch.setattr(pair.reader, "_known", lambda _: said)
    near = pair.near()
    entry = (await near.stand("", ["a.txt"]))["a.txt"]
    assert isinstance(entry, Entry)
    [matched] = await near.matches([("a.txt", entry, KnownHash(HashKind.MD5, *wanted))])
    assert not isinstance(matched, Problem)
    assert matched.same is same
    assert ("read" in [call for call, _ in pair.source.calls]) is reads
