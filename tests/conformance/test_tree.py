"""The Tree contract, for all trees that need no server."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from blake3 import blake3

from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model import entries, paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import BY_UMASK, FOLDER, Entry
from cargo_sync.model.jobs import Mode, Rules
from cargo_sync.model.problems import Problem
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.contract import Delta, Missed, NearTree, NoFolder
from cargo_sync.trees.folder import FolderTree
from tests.engine.world import System

Write = Callable[[str, bytes], None]
RUN = "20260101T000000Z-aaaaaaaa"


@pytest.fixture(params=["memory near", "memory far", "folder"])
async def tree(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[NearTree, Write]]:
    if request.param.startswith("memory"):
        memory = MemoryTree(request.param.partition(" ")[2])
        yield memory, lambda path, content: _ignore(memory.write(path, content))
        return
    system = System(tmp_path)
    rules = Rules("job", Mode.DOWNLOAD)
    folder = FolderTree(
        str(tmp_path / "root"),
        rules,
        system.world(),
        MemoryCheckpoints(),
        SpaceLedger(),
        MemoryAges(lambda: 0.0),
        MemoryLedger(lambda: 0.0),
        lambda: None,
    )

    def write(path: str, content: bytes) -> None:
        place = tmp_path / "root" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    await folder.open()
    yield folder, write
    await folder.close()
    system.database.close()


def _ignore(_: object) -> None:
    return None


async def seen(tree: NearTree) -> dict[str, Entry]:
    """Everything that a tree reports, by path."""
    found: dict[str, Entry] = {}
    async for observation in tree.observe(0):
        if isinstance(observation, Delta):
            for path, entry in observation.changes:
                if entry is None:
                    found.pop(path, None)
                else:
                    found[path] = entry
            continue
        keys = [paths.key(one.path) for one in observation]
        assert keys == sorted(keys), "component order"
        for one in observation:
            assert not isinstance(one, Missed)
            found |= {
                paths.join(one.path, entry.name): entry for entry in entries.decode(one.listing)
            }
    return found


async def test_it_tells_what_is_there_twice_the_same(tree: tuple[NearTree, Write]) -> None:
    it, write = tree
    for path in ("a-b", "a/x", "a/y/z", "é"):
        write(path, path.encode())
    found = await seen(it)
    assert sorted(found) == ["a", "a-b", "a/x", "a/y", "a/y/z", "é"]
    assert found["a"].kind == FOLDER and found["a/x"].size == 3
    assert all(entry.ident for entry in found.values())
    assert await seen(it) == found


async def test_some_folders_are_as_in_the_whole_without_what_is_below(
    tree: tuple[NearTree, Write],
) -> None:
    it, write = tree
    for path in ("a/x", "a/y/z", "b/x"):
        write(path, path.encode())
    found = await seen(it)
    alone: dict[str, Entry] = {}
    gone: list[str] = []
    async for group in it.observe_some(["a", "a/x", "a/y", "none/at/all"]):
        for one in group:
            assert not isinstance(one, Missed)
            if isinstance(one, NoFolder):
                gone.append(one.path)
                continue
            alone |= {paths.join(one.path, at.name): at for at in entries.decode(one.listing)}
    assert alone == {path: found[path] for path in ("a/x", "a/y", "a/y/z")}
    assert gone == ["a/x", "none/at/all"]
    unfiltered = [one async for group in it.observe_some(["a"], unfiltered=True) for one in group]
    assert [one.path for one in unfiltered] == ["a"]


async def test_hashes_are_of_the_entry_given_or_a_problem(tree: tuple[NearTree, Write]) -> None:
    it, write = tree
    write("a", b"one")
    write("b", b"two")
    found = await seen(it)
    write("b", b"other!")
    first, second = await it.hashes([("a", found["a"]), ("b", found["b"])])
    assert first == blake3(b"one").hexdigest()
    assert isinstance(second, Problem) and second.code == "changed"


async def test_single_entries_are_as_they_are_reported(tree: tuple[NearTree, Write]) -> None:
    it, write = tree
    write("f/a", b"one")
    found = await seen(it)
    assert await it.entries(["f/a", "none", "f"]) == [found["f/a"], None, found["f"]]


async def test_files_of_nothing_but_zeros_are_blank(tree: tuple[NearTree, Write]) -> None:
    it, write = tree
    content = {"zeros": bytes(2**20 + 3), "text": b"\0\0x", "last": bytes(2**20) + b"x"}
    for path, one in content.items():
        write(path, one)
    found = await seen(it)
    assert await it.blank([(path, found[path]) for path in content]) == [True, False, False]


async def test_it_tells_how_files_begin(tree: tuple[NearTree, Write]) -> None:
    it, write = tree
    content = {"empty": b"", "short": b"ab", "long": b"0123456789" * 10}
    for path, one in content.items():
        write(path, one)
    found = await seen(it)
    begins = await it.beginnings([(path, found[path]) for path in content], 12)
    assert begins == [b"", b"ab", b"012345678901"]


async def test_deleting_displaces_what_was_seen_and_nothing_else(
    tree: tuple[NearTree, Write],
) -> None:
    it, write = tree
    for path in ("a", "b", "f/x"):
        write(path, b"1")
    found = await seen(it)
    write("b", b"other!")
    actions = [Action(Op.DELETE, path, expected=found[path]) for path in ("a", "b", "f")]
    gone, changed, full = await it.apply(actions, RUN)
    assert gone.problem is None and gone.displaced
    assert changed.problem and changed.problem.code == "changed"
    assert full.problem and full.problem.code == "not_empty"
    assert sorted(await seen(it)) == ["b", "f", "f/x"]


async def test_making_folders_and_again(tree: tuple[NearTree, Write]) -> None:
    it, _ = tree
    make = Action(Op.MKDIR, "f", Entry("f", FOLDER, mode=0o755, ident=9))
    for _ in range(2):
        [outcome] = await it.apply([make], RUN)
        assert outcome.problem is None and outcome.result is not None
        assert (await seen(it))["f"].ident == outcome.result.ident


async def test_a_folder_whose_mode_is_not_known_gets_that_of_the_umask(
    tree: tuple[NearTree, Write],
) -> None:
    it, _ = tree
    makes = [
        Action(Op.MKDIR, "f", Entry("f", FOLDER, mode=BY_UMASK)),
        Action(Op.MKDIR, "f/g", Entry("g", FOLDER, mode=BY_UMASK)),
        Action(Op.MKDIR, "h"),
    ]
    modes = {one.result.mode for one in await it.apply(makes, RUN) if one.result is not None}
    assert len(modes) == 1 and modes.pop() & 0o022 == 0


async def test_an_entry_moves_to_a_free_path_and_nothing_is_overwritten(
    tree: tuple[NearTree, Write],
) -> None:
    one, write = tree
    for path in ("a", "b", "d/x"):
        write(path, path.encode())
    before = await seen(one)

    def move(here: str, to: str, expected: Entry) -> Action:
        return Action(Op.MOVE, to, expected=expected, moved_from=here)

    file, folder = before["a"], before["d"]
    changed, occupied, gone, none, moved, both = await one.apply(
        [
            move("a", "c", file._replace(version=file.version + 1)),
            move("a", "b", file),
            move("missing", "c", file),
            Action(Op.MOVE, "c", moved_from="a"),
            move("a", "new/c", file),
            move("d", "e", folder),
        ],
        RUN,
    )
    codes = [one.problem and one.problem.code for one in (changed, occupied, gone, none)]
    assert codes == ["changed", "occupied", "changed", "changed"]
    after = await seen(one)
    assert set(after) == {"b", "new", "new/c", "e", "e/x"}
    assert moved.problem is None and moved.result == after["new/c"]
    assert both.problem is None and both.result == after["e"]
    assert (after["new/c"].ident, after["e/x"].ident) == (file.ident, before["d/x"].ident)
    assert await one.hashes([("new/c", after["new/c"])]) == [blake3(b"a").hexdigest()]


async def test_two_entries_change_places(tree: tuple[NearTree, Write]) -> None:
    one, write = tree
    for path in ("a", "d/x"):
        write(path, path.encode())
    before = await seen(one)
    file, folder = before["a"], before["d"]
    swap = Action(Op.MOVE, "d", expected=file, moved_from="a", occupant=folder)
    other = swap._replace(occupant=folder._replace(ident=folder.ident + 1))
    within = Action(Op.MOVE, "d/x", expected=folder, moved_from="d", occupant=before["d/x"])
    changed, impossible, done = await one.apply([other, within, swap], RUN)
    assert changed.problem and changed.problem.code == "changed"
    assert impossible.problem
    after = await seen(one)
    assert set(after) == {"a", "a/x", "d"}
    assert (done.result, done.exchanged) == (after["d"], after["a"])
    assert (after["d"].ident, after["a"].ident) == (file.ident, folder.ident)


async def test_a_time_and_a_mode_are_set_on_what_was_seen_and_nothing_else(
    tree: tuple[NearTree, Write],
) -> None:
    it, write = tree
    for path in ("a", "b", "f/x"):
        write(path, b"one")
    found = await seen(it)
    write("b", b"other!")
    found["none"] = found["a"]
    meta = [
        Action(Op.META, path, found[path]._replace(mtime_ns=10**18, mode=0o640), found[path])
        for path in ("a", "b", "none", "f")
    ]
    file, changed, gone, folder = await it.apply(meta, RUN)
    now = await seen(it)
    assert file.problem is None and file.result and file.result.same_state(now["a"])
    assert (now["a"].mtime_ns, now["a"].mode, now["a"].ident) == (10**18, 0o640, found["a"].ident)
    assert now["a"].version != found["a"].version
    assert changed.problem and changed.problem.code == "changed"
    assert gone.problem and gone.problem.code in ("changed", "vanished")
    assert (folder.problem, now["f"].mode) == (None, 0o740), "its owner can still use it"
    assert await it.hashes([("a", now["a"])]) == [blake3(b"one").hexdigest()]
