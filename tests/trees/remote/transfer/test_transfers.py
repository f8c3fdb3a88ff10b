"""Content between the near side and a remote: what fails alone, what fails whole, what is kept."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.abilities import Abilities, Trashing
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.jobs import Mode, Rules
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.testing.remote_server import Item
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.contract import Brought, Task
from cargo_sync.trees.folder import FolderTree
from cargo_sync.trees.offers import offers
from cargo_sync.trees.remote.transfer.near_end import NearSource
from tests.conformance.remotes import BUCKET, KINDS, SHARE, SHELL
from tests.offloads import inline
from tests.trees.remote.trees import RUN, Clocks, ServerTree, moved, put

MIB = 2**20
SECOND = 10**9


async def opened(abilities: Abilities) -> ServerTree:
    tree = ServerTree(Clocks().world, abilities)
    await tree.open()
    return tree


def codes(results: Sequence[Brought]) -> dict[str, str]:
    """How each file ended, by path."""
    found = {task.action.path: "done" for one in results for task in one.done}
    return found | {
        one.action.path: one.problem.code_text
        for result in results
        for one in result.failed
        if one.problem
    }


async def there(tree: ServerTree, path: str) -> Entry:
    entry = await tree.remote.entry(path)
    assert entry is not None
    return entry


@pytest.mark.parametrize("kind", KINDS)
async def test_files_of_a_batch_fail_alone(kind: str) -> None:
    tree, near = await opened(KINDS[kind]), MemoryTree("near")
    tree.server.write("taken", b"somebody's")
    tree.server.write("stale", b"old")
    tree.server.write("right", b"old")
    stale, right = await there(tree, "stale"), await there(tree, "right")
    tree.server.write("stale", b"newer")
    files = {path: near.write(path, path.encode()) for path in ("new", "taken", "stale", "right")}
    gone = near.write("gone", b"1")
    near.remove("gone")
    link = near.link("link", "new")
    tasks = [
        put("new", files["new"]),
        put("taken", files["taken"]),
        put("stale", files["stale"], stale),
        put("right", files["right"], right),
        put("gone", gone),
        put("link", link),
    ]
    found = codes(await moved(tree, Mode.UPLOAD, near, tasks))
    assert found.pop("taken") in ("changed", "occupied")
    linked = found.pop("link")
    assert linked == ("done" if tree.remote.abilities.links else "unsupported")
    assert found == {"new": "done", "stale": "changed", "right": "done", "gone": "changed"}
    contents = tree.server.files()
    assert contents == {"new": b"new", "taken": b"somebody's", "stale": b"newer", "right": b"right"}
    assert tree.server.trash() == {f".cargo_sync/trash/{RUN}/right": b"old"}


async def test_a_folder_that_somebody_removed_is_made_again_for_what_comes_into_it() -> None:
    tree, near = await opened(SHELL), MemoryTree("near")
    files = {"f/small": b"1", "g/h/large": b"x" * 9 * MIB}
    tasks = [put(path, near.write(path, content)) for path, content in files.items()]
    tasks.append(put("l/link", near.link("l/link", "f")))
    found = codes(await moved(tree, Mode.UPLOAD, near, tasks))
    assert found == dict.fromkeys((*files, "l/link"), "done")
    assert tree.server.files() == files


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_taken_away_comes_back_when_its_successor_fails(kind: str) -> None:
    tree, near = await opened(KINDS[kind]), MemoryTree("near")
    tree.server.write("x", b"old")
    old = await there(tree, "x")

    def full(call: str, path: str) -> None:
        if call in ("put", "publish"):
            raise ProblemError(Problem(Code.OVER_QUOTA, "no room", path))

    tree.server.fault = full
    found = await moved(tree, Mode.UPLOAD, near, [put("x", near.write("x", b"new"), old)])
    assert codes(found) == {"x": "over_quota"}
    assert tree.server.files() == {"x": b"old"}
    assert tree.server.uploads == {}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_takes_the_place_of_a_folder_which_goes_with_all_that_is_in_it(
    kind: str,
) -> None:
    tree, near = await opened(KINDS[kind]), MemoryTree("near")
    for path in ("f/a", "f/g/b"):
        tree.server.write(path, path.encode())
    folder = await there(tree, "f")
    found = await moved(tree, Mode.UPLOAD, near, [put("f", near.write("f", b"file"), folder)])
    assert codes(found) == {"f": "done"} and found[0].receipts[0].displaced
    assert tree.server.files() == {"f": b"file"}
    trash = f".cargo_sync/trash/{RUN}/f"
    assert tree.server.trash() == {f"{trash}/a": b"f/a", f"{trash}/g/b": b"f/g/b"}


@pytest.mark.parametrize("trashing", [Trashing.VERSIONS, Trashing.NONE])
async def test_without_a_trash_files_are_replaced_where_they_are(trashing: Trashing) -> None:
    tree, near = ServerTree(Clocks().world, replace(BUCKET, trashing=trashing)), MemoryTree("near")
    tree.server.write("x", b"old")
    old = await there(tree, "x")
    found = await moved(tree, Mode.UPLOAD, near, [put("x", near.write("x", b"new"), old)])
    assert codes(found) == {"x": "done"} and found[0].receipts[0].displaced == ""
    assert tree.server.files(ours=True) == {"x": b"new"}


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])
async def test_a_cut_ends_the_transfer(mode: Mode) -> None:
    tree, near = await opened(SHELL), MemoryTree("near")
    tasks = []
    for name in "abcdef":
        tree.server.write(f"far/{name}", b"1")
        entry = near.write(f"near/{name}", b"1")
        if mode is Mode.DOWNLOAD:
            entry = await there(tree, f"far/{name}")
        path = f"far/{name}" if mode is Mode.DOWNLOAD else f"near/{name}"
        tasks.append(put(path, entry))

    def cut(call: str, path: str) -> None:
        if path.endswith("/c"):
            raise ProblemError(Problem(Code.CUT, "the connection broke"))

    tree.server.put("near", Item("d"))
    tree.server.fault = cut
    with pytest.raises(ProblemError, match="broke"):
        await moved(tree, mode, near, tasks)
    assert tree.open_tasks() == [] and tree.flow_figures() == {}


@pytest.mark.parametrize("kind", KINDS)
async def test_downloads_come_with_what_their_content_says(kind: str) -> None:
    tree, near = await opened(KINDS[kind]), MemoryTree("near")
    contents = {"small": b"1", "empty": b"", "large": bytes(range(256)) * 4 * 3000}
    for path, content in contents.items():
        tree.server.write(path, content, 5 * SECOND + 7, 0o640)
    tasks = [put(path, await there(tree, path)) for path in contents]
    [result] = await moved(tree, Mode.DOWNLOAD, near, tasks)
    assert codes([result]) == dict.fromkeys(contents, "done")
    assert near.files() == contents
    expected = 5 * SECOND + 7 if tree.remote.tells else 5 * SECOND
    for path in contents:
        entry = near.entry(path)
        assert entry is not None and entry.mtime_ns == expected
        assert tree.remote.abilities.modes is False or entry.mode == 0o640


@pytest.mark.parametrize("speed", [None, 10**12])
async def test_what_comes_fast_is_staged_in_the_thread_that_gets_it(speed: int | None) -> None:
    """Not if a speed is to be kept: then each piece waits for its turn."""
    clocks, near, counted = Clocks(), MemoryTree("near"), list[int]()
    tree = ServerTree(clocks.world, SHELL)
    await tree.open()
    tree.server.chunk = MIB
    content = b"".join(bytes([number]) * MIB for number in range(20)) + b"end"
    tree.server.write("big", content)
    entry = await there(tree, "big")

    def passes(call: str, path: str) -> None:
        clocks.now += 1
        counted.append(tree.flow_figures()[Mode.DOWNLOAD].content)

    tree.server.fault = passes

    async def batches() -> AsyncIterator[list[Task]]:
        yield [put("big", entry)]

    results = [one async for one in tree.transfer(Mode.DOWNLOAD, near, batches(), speed, RUN)]
    assert codes(results) == {"big": "done"} and near.files() == {"big": content}
    assert (tree.server.passed > 0) is (speed is None)
    assert counted == sorted(counted) and counted[-1] >= 16 * MIB


async def test_a_file_that_changes_or_shrinks_while_it_comes_is_not_published() -> None:
    tree, near = await opened(SHARE), MemoryTree("near")
    for path in ("small", "large"):
        tree.server.write(path, b"x" * (2 * MIB if path == "large" else 10))
    tasks = [put(path, await there(tree, path)) for path in ("small", "large")]

    def changing(call: str, path: str) -> None:
        if call == "content":
            tree.server.write(path, b"other")

    tree.server.fault = changing
    found = codes(await moved(tree, Mode.DOWNLOAD, near, tasks))
    assert found == {"small": "changed", "large": "changed"}
    assert near.files() == {}


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])
@pytest.mark.parametrize("size", [10, 9 * MIB])
async def test_a_cancelled_file_fails_alone_also_before_its_turn(mode: Mode, size: int) -> None:
    tree, near = await opened(SHELL), MemoryTree("near")
    paths = [f"{number}" for number in range(3)]
    tasks = []
    for path in paths:
        side = near if mode is Mode.UPLOAD else tree.server
        side.write(path, b"x" * size)
        entry = near.entry(path) if mode is Mode.UPLOAD else await there(tree, path)
        assert entry is not None
        tasks.append(put(path, entry))

    def cancelling(call: str, path: str) -> None:
        if call in ("put", "send", "read") and path == "1":
            tree.cancel("1")

    tree.server.fault = cancelling

    async def batches() -> AsyncIterator[list[Task]]:
        yield tasks[:2]
        tree.cancel("2")
        yield tasks[2:]

    results = [one async for one in tree.transfer(mode, near, batches(), None, RUN)]
    assert codes(results) == {"0": "done", "1": "cancelled", "2": "cancelled"}
    assert tree.server.uploads == {}
    assert set(near.files() if mode is Mode.DOWNLOAD else tree.server.files()) == {"0"}


async def test_figures_tell_what_moves() -> None:
    tree, near = await opened(BUCKET), MemoryTree("near")
    entry = near.write("big", b"x" * 9 * MIB)
    seen = []

    def look(call: str, path: str) -> None:
        if call == "publish":
            seen.append(tree.flow_figures()[Mode.UPLOAD])
            assert tree.rate(Mode.UPLOAD) > 0

    tree.server.fault = look
    await moved(tree, Mode.UPLOAD, near, [put("big", entry, None, "a" * 32)])
    [figures] = seen
    assert (figures.content, figures.had) == (9 * MIB, 0)
    assert [(one.path, one.done, one.size, one.id) for one in figures.files] == [
        ("big", 9 * MIB, 9 * MIB, "a" * 32)
    ]
    assert tree.flow_figures() == {}


async def test_a_job_has_one_turn_for_both_directions_and_gives_it_back() -> None:
    turn, near = asyncio.Semaphore(1), MemoryTree("near")
    tree = ServerTree(Clocks().world, SHELL, turn=turn)
    tree.server.write("down", b"1")
    tasks = {
        Mode.UPLOAD: [put("up", near.write("up", b"1"))],
        Mode.DOWNLOAD: [put("down", await there(tree, "down"))],
    }
    results = await asyncio.gather(*(moved(tree, mode, near, tasks[mode]) for mode in tasks))
    assert [codes(one) for one in results] == [{"up": "done"}, {"down": "done"}]
    assert not turn.locked()


@pytest.mark.parametrize(("chunk", "cut_at"), [(MIB // 16, 100), (MIB, 7)])
async def test_a_download_goes_on_from_what_has_come(
    tmp_path: Path, chunk: int, cut_at: int
) -> None:
    clocks = Clocks()
    tree = ServerTree(clocks.world, SHELL)
    tree.server.chunk = chunk
    content = b"".join(bytes([number]) * MIB for number in range(12))
    tree.server.write("big", content, SECOND)
    near = FolderTree(
        str(tmp_path / "root"),
        Rules("job", Mode.DOWNLOAD),
        clocks.world,
        MemoryCheckpoints(),
        SpaceLedger(),
        MemoryAges(clocks.at),
        MemoryLedger(clocks.at),
        lambda: None,
    )
    await near.open()
    task = put("big", await there(tree, "big"), None, "b" * 32)
    came = 0

    def cut(call: str, path: str) -> None:
        nonlocal came
        if call == "content" and (came := came + 1) == cut_at:
            raise ProblemError(Problem(Code.CUT, "the connection broke"))

    async def once() -> list[Brought]:
        async def batches() -> AsyncIterator[list[Task]]:
            yield [task]

        return [one async for one in tree.transfer(Mode.DOWNLOAD, near, batches(), None, RUN)]

    tree.server.fault = cut
    with pytest.raises(ProblemError, match="broke"):
        await once()
    [result] = await once()
    assert codes([result]) == {"big": "done"}
    assert (tmp_path / "root" / "big").read_bytes() == content
    assert result.had["b" * 32] >= 5 * MIB
    assert task.action.source and task.action.source.kind == FILE
    await near.close()


async def test_buffers_of_larger_files_are_those_of_all_of_them() -> None:
    near, memories = MemoryTree("near"), list[object]()
    source = NearSource(near.source(), inline)
    for path in ("a", "b", "c"):
        entry = near.write(path, b"x" * 100)
        [offer] = offers([put(path, entry)])
        file = await source.open(offer)
        for start in range(0, 100, 50):
            memories.append((await file.next(start, 50)).obj)
        await file.close()
    assert all(one is memories[0] for one in memories)
