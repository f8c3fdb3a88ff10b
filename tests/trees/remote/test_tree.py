"""The far tree over remotes: opening, hashes, retiring."""

from dataclasses import replace

import pytest
from blake3 import blake3

from cargo_sync.local import content_hash
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.content_hash import ContentHash
from cargo_sync.model.abilities import Trashing
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.contract import Delta, Whole
from cargo_sync.trees.remote.transfer.uploads import MemoryUploads
from cargo_sync.trees.remote.tree import RemoteMemory, RemoteUse
from tests.conformance.remotes import BUCKET, KINDS, SHARE
from tests.trees.remote.trees import RUN, Clocks, ServerTree

NO_TRASH = replace(SHARE, trashing=Trashing.NONE, remembers=False)


@pytest.mark.parametrize(
    ("use", "opens"),
    [
        (RemoteUse(), False),
        (RemoteUse(loses=True), True),
        (RemoteUse(makes=False, changes=False), True),
    ],
)
async def test_a_server_without_a_trash_is_used_only_if_the_job_says_so(
    use: RemoteUse, opens: bool
) -> None:
    tree = ServerTree(Clocks().world, NO_TRASH, use=use)
    if opens:
        identity = await tree.open()
        assert (identity.root, identity.abilities) == ("memory://server/folder", NO_TRASH)
        return
    with pytest.raises(ProblemError) as caught:
        await tree.open()
    problem = caught.value.problem
    assert problem.code is Code.BAD_SETTINGS and '"trash": "none"' in problem.hint
    assert not problem.retry


async def test_a_folder_that_is_gone_is_not_made_again_once_a_base_was_agreed_with_it() -> None:
    clocks, bound = Clocks(), False
    memory = RemoteMemory(MemoryUploads(clocks.at), MemoryAges(clocks.at), lambda: bound)
    tree = ServerTree(clocks.world, SHARE, memory=memory)
    makes = list[bool]()
    opens = tree.remote.open

    async def noted(*, make: bool) -> str:
        makes.append(make)
        if not make:
            raise ProblemError(Problem(Code.ROOT_GONE, "the folder is gone"))
        return await opens(make=make)

    tree.remote.open = noted  # type: ignore[method-assign]
    await tree.open()
    bound = True
    with pytest.raises(ProblemError, match=r"the folder is gone \(restore it, or make it anew"):
        await tree.open()
    assert makes == [True, False]


async def there(tree: ServerTree, path: str) -> Entry:
    entry = await tree.remote.entry(path)
    assert entry is not None
    return entry


@pytest.mark.parametrize("kind", KINDS)
async def test_hashes_are_asked_for_and_else_read(kind: str) -> None:
    tree = ServerTree(Clocks().world, KINDS[kind])
    large = bytes(range(256)) * 5_000
    for path, content in {"a": b"1", "large": large, "b": b"2"}.items():
        tree.server.write(path, content)
    known = tree.server.items["b"]
    tree.server.items["b"] = known._replace(hash="what the server says")
    items = [(path, await there(tree, path)) for path in ("a", "large", "b")]
    gone = ("gone", items[0][1])
    tree.server.write("a", b"other")
    changed, read, told, missing = await tree.hashes([*items, gone])
    assert isinstance(changed, Problem) and changed.code is Code.CHANGED
    assert isinstance(missing, Problem) and missing.path == "gone"
    assert read == blake3(large).hexdigest()
    true = blake3(b"2").hexdigest()
    assert told == ("what the server says" if KINDS[kind].hashes else true)
    assert await tree.hashes(items[2:], reread=True) == [true]
    assert await tree.hashes([]) == []


async def test_blocks_of_zeros_have_the_hash_that_they_have_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(content_hash, "BLOCK", 8)
    tree, content = ServerTree(Clocks().world, KINDS["shell"]), b"zeros" + bytes(30)
    tree.server.write("a", content)
    expected = ContentHash()
    expected.update(content)
    digest = expected.hexdigest()
    assert digest != blake3(content).hexdigest()
    assert await tree.hashes([("a", await there(tree, "a"))]) == [digest]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_delivered_file_is_retired_if_it_is_what_was_delivered(kind: str) -> None:
    tree = ServerTree(Clocks().world, KINDS[kind])
    for path in ("d/a", "d/b", "d/c", "done/d/c"):
        tree.server.write(path, path.encode())
    a, b, c = [await there(tree, f"d/{name}") for name in "abc"]
    content = blake3(b"d/a").hexdigest()
    place = await tree.retire("d/a", a, content, "", RUN)
    assert place == f".cargo_sync/trash/{RUN}/d/a"
    other = await tree.retire("d/b", b, content, "", RUN)
    assert isinstance(other, Problem) and other.code is Code.CHANGED
    assert await tree.retire("d/c", c, blake3(b"d/c").hexdigest(), "done", RUN) == ""
    files = tree.server.files()
    assert files == {"d/b": b"d/b", "done/d/c": b"done/d/c", "done/d/c.1": b"d/c"}


async def test_nothing_tells_of_changes_and_no_attributes_are_kept() -> None:
    tree = ServerTree(Clocks().world, BUCKET)
    tree.server.write("a", b"1")
    assert await tree.xattrs([("a", await there(tree, "a"))]) == [{}]
    assert await tree.wait(0, 0.001) is False
    await tree.close()
    assert tree.remote.closed


@pytest.mark.parametrize("delivers", [False, True])
async def test_an_empty_folder_in_the_place_of_a_full_one_is_refused(delivers: bool) -> None:
    clocks = Clocks()
    memory = RemoteMemory(
        MemoryUploads(clocks.at), MemoryAges(clocks.at), delivers=lambda: delivers
    )
    tree = ServerTree(clocks.world, SHARE, memory=memory)
    await tree.open()
    if not delivers:
        [group] = [group async for group in tree.observe(0)]
        assert not isinstance(group, Delta)
        [top] = group
        assert isinstance(top, Whole) and not top.entries
        return
    with pytest.raises(ProblemError, match="is empty, and was not before") as caught:
        [_ async for _ in tree.observe(0)]
    assert caught.value.problem.code is Code.ROOT_REPLACED
