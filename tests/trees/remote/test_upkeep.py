"""Old runs of a remote's trash go, and nothing else ever does."""

import pytest

from cargo_sync.model.jobs import DAY
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.contract import Whole
from cargo_sync.trees.remote.staging import beside
from cargo_sync.trees.remote.tree import RemoteUse
from cargo_sync.trees.remote.upkeep import EVERY, TrashLife
from tests.conformance.remotes import KINDS, SHARE
from tests.trees.remote.trees import Clocks, ServerTree

RUNS = [f".cargo_sync/trash/2026010{day}T000000Z-aaaaaaaa" for day in (1, 2, 3, 4)]


def kept(server: MemoryServer) -> list[str]:
    return sorted({path.split("/")[2] for path in server.trash()})


@pytest.mark.parametrize("kind", KINDS)
async def test_runs_go_when_they_are_old_or_there_is_too_much(kind: str) -> None:
    clocks = Clocks()
    tree = ServerTree(clocks.world, KINDS[kind], use=RemoteUse(life=TrashLife(14, 250)))
    server = tree.server
    server.write("x", b"stays")
    server.write(".cargo_sync/trash/of somebody/z", b"stays")
    server.write(f"{RUNS[0]}/a/b/c", b"1" * 100)
    await tree.open()
    clocks.now += 10 * DAY
    server.write(f"{RUNS[1]}/a", b"1" * 100)
    await tree.open()
    clocks.now += 3 * DAY
    await tree.open()
    assert len(kept(server)) == 3, "neither old nor too much"
    clocks.now += 2 * DAY
    await tree.open()
    assert kept(server) == [RUNS[1].split("/")[2], "of somebody"]
    for run in RUNS[2:]:
        server.write(f"{run}/d/e", b"1" * 200)
    clocks.now += EVERY / 2
    await tree.open()
    assert len(kept(server)) == 4, "not due"
    clocks.now += EVERY
    await tree.open()
    new = [run.split("/")[2] for run in RUNS[2:]]
    assert kept(server) == [*new, "of somebody"], "what is new may be in use"
    clocks.now += EVERY
    await tree.open()
    assert kept(server) == [new[1], "of somebody"]
    stays = [path for path, content in server.files(ours=True).items() if content == b"stays"]
    assert stays == [".cargo_sync/trash/of somebody/z", "x"]


async def test_staged_files_go_that_nobody_has_touched_for_a_week() -> None:
    clocks = Clocks()
    tree = ServerTree(clocks.world, SHARE)
    left, grows = ".cargo_sync/staging/left", ".cargo_sync/staging/grows"
    tree.server.write(left, b"1")
    for day in range(9):
        tree.server.write(grows, b"1" * day)
        assert (left in tree.server.items) is (day < 8)
        await tree.open()
        clocks.now += DAY
    assert set(tree.server.files(ours=True)) == {grows}


async def test_so_do_those_beside_a_place_on_another_disk() -> None:
    clocks = Clocks()
    tree = ServerTree(clocks.world, SHARE)
    left, grows = beside("disk/film", "0123"), beside("disk/song", "0123")
    others = "disk/.film.01234567.partial"
    tree.server.write(left, b"1")
    tree.server.write(others, b"1")
    for day in range(10):
        tree.server.write(grows, b"1" * day)
        assert (left in tree.server.items) is (day < 9)
        await tree.open()
        seen = [one async for group in tree.observe(0) for one in group]
        assert [one.entries for one in seen if isinstance(one, Whole)] == [1, 1]
        clocks.now += DAY
    assert {*tree.server.files(ours=True)} == {grows, others}


async def test_what_fails_is_tried_the_next_time() -> None:
    clocks = Clocks()
    tree = ServerTree(clocks.world, SHARE)
    tree.server.write(f"{RUNS[0]}/a", b"1")
    await tree.open()
    clocks.now += 20 * DAY

    def refuse(call: str, path: str) -> None:
        if call == "remove":
            raise ProblemError(_refusal(path))

    tree.server.fault = refuse
    await tree.open()
    assert len(kept(tree.server)) == 1
    tree.server.fault = None
    clocks.now += 2 * EVERY
    await tree.open()
    assert kept(tree.server) == []


def _refusal(path: str) -> Problem:
    return Problem(Code.REFUSED, "not now", path)
