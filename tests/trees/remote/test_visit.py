"""Remotes for a get, a put or the shell."""

import asyncio

import pytest

from cargo_sync.local.ages import MemoryAges
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.testing.remote import MemoryRemote
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.remote.transfer.uploads import MemoryUploads
from cargo_sync.trees.remote.tree import RemoteMemory, RemoteUse
from cargo_sync.trees.remote.visit import VisitedRemote
from cargo_sync.trees.visit import FarVisited
from tests.conformance.remotes import KINDS
from tests.trees.remote.trees import Clocks


@pytest.fixture(params=KINDS)
def visited(request: pytest.FixtureRequest) -> tuple[VisitedRemote, MemoryServer]:
    clocks, server = Clocks(), MemoryServer()
    memory = RemoteMemory(MemoryUploads(clocks.at), MemoryAges(clocks.at))
    remote = MemoryRemote(server, KINDS[request.param])
    return VisitedRemote(remote, RemoteUse(), memory, clocks.world, asyncio.Semaphore(1)), server


async def test_folders_are_read_in_pages(visited: tuple[VisitedRemote, MemoryServer]) -> None:
    tree, server = visited
    for number in range(25):
        server.write(f"d/{number:02}", b"1")
    names, after = list[str](), ""
    while True:
        page = await tree.page("d", after, 10)
        names += [entry.name for entry in page.entries]
        if page.next is None:
            break
        after = page.next
    assert names == [f"{number:02}" for number in range(25)]
    assert server.calls.count(("list", "d")) == 1
    assert (await tree.page("", "", 10)).next is None
    with pytest.raises(ProblemError):
        await tree.page("none", "", 10)


async def test_single_entries_stand_or_not(visited: tuple[VisitedRemote, MemoryServer]) -> None:
    tree, server = visited
    for number in range(20):
        server.write(f"d/{number:02}", b"1")
    top = await tree.entry("")
    assert top is not None and top.kind == FOLDER
    many = [f"{number:02}" for number in range(10, 30)]
    assert sorted(await tree.stand("d", many)) == many[:10]
    assert sorted(await tree.stand("d", ["00", "99"])) == ["00"]
    assert await tree.stand("none", many) == await tree.stand("d/00", many) == {}


async def test_the_shell_makes_moves_and_deletes(
    visited: tuple[VisitedRemote, MemoryServer],
) -> None:
    tree, server = visited
    server.write("file", b"1")
    made = await tree.make([("a", 0o750), ("a/b", None), ("file", None)], "shell")
    assert made[:2] == [None, None]
    assert made[2] is not None and made[2].code is Code.NOT_A_FOLDER
    server.write("a/b/x", b"x")
    await tree.move("a/b", "a/c", "shell")
    assert server.read_at("a/c/x") == b"x"
    for path, recursive, code in (
        ("none", False, Code.UNKNOWN),
        ("a", False, Code.NOT_EMPTY),
    ):
        with pytest.raises(ProblemError) as caught:
            await tree.delete(path, "shell", recursive=recursive)
        assert caught.value.problem.code is code
    with pytest.raises(ProblemError) as caught:
        await tree.move("a", "file", "shell")
    assert caught.value.problem.code in (Code.OCCUPIED, Code.NOT_A_FOLDER)
    place = await tree.delete("a", "shell", recursive=True)
    assert place.startswith(".cargo_sync/trash/19700101T001640Z-shell") and place.endswith("/a")
    assert server.files() == {"file": b"1"} and list(server.trash().values()) == [b"x"]


async def test_it_is_a_far_side_to_visit(visited: tuple[VisitedRemote, MemoryServer]) -> None:
    far: FarVisited = visited[0]
    assert far.figures() is None and far.granted() is None
