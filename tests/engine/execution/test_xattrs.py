"""Extended attributes follow their files, without the content when they alone change."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.xattrs import Xattrs, too_large
from cargo_sync.testing.tree import MemoryTree
from tests.engine.world import System

TAGS = {"user.tag": b"red", "user.note": bytes(range(256))}
Make = Callable[..., System]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[System] = []

    def new(mode: Mode = Mode.UPLOAD, **rules: Any) -> System:
        made.append(System(tmp_path, mode, **{"xattrs": True, "settle": 0.0, **rules}))
        return made[-1]

    yield new
    for system in made:
        system.database.close()


async def rest(system: System) -> None:
    """Nothing is left to do."""
    system.said()
    report = await system.run().execute()
    assert not report.acted and not report.problems and system.said() == []


@pytest.mark.parametrize(
    ("mode", "source", "destination"),
    [
        (Mode.UPLOAD, "near", "far"),
        (Mode.DOWNLOAD, "far", "near"),
        (Mode.BIDIRECTIONAL, "near", "far"),
        (Mode.BIDIRECTIONAL, "far", "near"),
    ],
)
async def test_they_come_with_the_file_and_a_change_of_them_moves_no_content(
    make: Make, mode: Mode, source: str, destination: str
) -> None:
    system: Any = make(mode)
    here, there = getattr(system, source), getattr(system, destination)
    for path in ("with", "without"):
        here.write(path, path.encode())
    here.set_xattrs("with", TAGS)
    await system.run().execute()
    assert (there.xattrs_at("with"), there.xattrs_at("without")) == (TAGS, {})
    await rest(system)

    for wanted in ({"user.tag": b"blue"}, {}):
        here.set_xattrs("with", wanted)
        report = await system.run().execute()
        assert there.xattrs_at("with") == wanted and report.bytes == 0 and not there.trash
        await rest(system)


async def test_a_new_version_has_those_of_the_source(make: Make) -> None:
    system = make()
    system.near.write("a", b"one")
    await system.run().execute()
    system.far.set_xattrs("a", {"user.other": b"x"})
    system.near.write("a", b"three")
    system.near.set_xattrs("a", TAGS)
    await system.run().execute()
    assert system.far.read("a") == b"three" and system.far.xattrs_at("a") == TAGS


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.BIDIRECTIONAL])
async def test_after_a_cut_before_they_are_set_the_file_gets_them(
    make: Make, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    system = make(mode)
    system.near.write("a", b"one")
    system.near.set_xattrs("a", TAGS)

    async def cut(tree: MemoryTree, actions: Sequence[Action], run: str) -> list[Outcome]:
        raise ProblemError(Problem(Code.CUT, "the connection was cut"))

    with monkeypatch.context() as patch:
        patch.setattr(MemoryTree, "apply", cut)
        with pytest.raises(ProblemError):
            await system.run().execute()
    assert system.far.read("a") == b"one" and system.far.xattrs_at("a") == {}
    system.restart()
    report = await system.run().execute()
    assert system.far.xattrs_at("a") == TAGS and report.bytes == 0
    await rest(system)


async def test_first_contact_compares_them(make: Make) -> None:
    system = make()
    for tree in (system.near, system.far):
        tree.write("a", b"one", 5)
        tree.write("same", b"two", 5)
        tree.set_xattrs("same", TAGS)
    system.near.set_xattrs("a", TAGS)
    before = system.far.entry("same")
    report = await system.run().execute()
    assert system.far.xattrs_at("a") == TAGS and report.bytes == 0
    assert system.far.entry("same") == before


async def test_too_many_are_said_and_the_file_goes_without(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make()
    system.near.write("a", b"one")

    async def large(tree: MemoryTree, items: Sequence[tuple[str, Entry]]) -> list[Any]:
        return [too_large(path) for path, _ in items]

    monkeypatch.setattr(MemoryTree, "xattrs", large)
    report = await system.run().execute()
    assert [one.code for one in report.notices] == [Code.NO_XATTRS]
    assert (report.files, report.errors) == (1, 0) and system.far.read("a") == b"one"


@pytest.mark.parametrize("side", ["near", "far"])
async def test_a_side_that_keeps_none_is_named_and_nothing_is_asked(
    make: Make, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    system = make()
    opened = MemoryTree.open

    async def keeps_none(tree: MemoryTree, *known: Any) -> Identity:
        lacks = tree is getattr(system, side)
        return replace(await opened(tree, *known), xattrs=not lacks)

    monkeypatch.setattr(MemoryTree, "open", keeps_none)
    system.near.write("a", b"one")
    system.near.set_xattrs("a", TAGS)
    report = await system.run().execute()
    assert [one.code for one in report.notices] == [Code.NO_XATTRS]
    folder = {"near": "the local folder", "far": "the server's folder"}[side]
    assert report.notices[0].message.startswith(folder)
    assert system.far.xattrs_at("a") == {} and report.files == 1


async def test_a_job_that_does_not_ask_for_them_reads_none(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(xattrs=False)

    async def never(tree: MemoryTree, items: Sequence[tuple[str, Entry]]) -> list[Xattrs]:
        raise AssertionError("nobody asked for them")

    monkeypatch.setattr(MemoryTree, "xattrs", never)
    system.near.write("a", b"one")
    system.near.set_xattrs("a", TAGS)
    report = await system.run().execute()
    system.near.set_xattrs("a", {})
    report = await system.run().execute()
    assert not report.notices and system.far.xattrs_at("a") == {}


DISK = Problem(Code.DISK_ERROR, "had an input/output error", retry=True)


def fails_once(patch: pytest.MonkeyPatch, which: str, of: MemoryTree) -> None:
    """The next call fails for all its files, because a disk does."""
    real: Callable[..., Awaitable[Sequence[Any]]] = getattr(MemoryTree, which)

    async def once(tree: MemoryTree, items: Sequence[Any], *run: str) -> Sequence[Any]:
        if tree is not of:
            return await real(tree, items, *run)
        patch.undo()
        return [Outcome(one, problem=DISK) if which == "apply" else DISK for one in items]

    patch.setattr(MemoryTree, which, once)


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.BIDIRECTIONAL])
@pytest.mark.parametrize(("which", "side"), [("apply", "far"), ("xattrs", "near")])
async def test_a_disk_that_fails_once_is_asked_again(
    make: Make, monkeypatch: pytest.MonkeyPatch, mode: Mode, which: str, side: str
) -> None:
    system = make(mode)
    system.near.write("a", b"one")
    await system.run().execute()
    system.near.set_xattrs("a", TAGS)
    fails_once(monkeypatch, which, getattr(system, side))
    report = await system.run().execute()
    assert report.errors == 1 and system.far.xattrs_at("a") == {}
    system.memory.failures.expedite()
    report = await system.run().execute()
    assert system.far.xattrs_at("a") == TAGS and report.bytes == 0
    await rest(system)


@pytest.mark.parametrize(("which", "side"), [("apply", "far"), ("xattrs", "near")])
async def test_a_new_file_gets_them_although_a_disk_fails_once(
    make: Make, monkeypatch: pytest.MonkeyPatch, which: str, side: str
) -> None:
    system = make()
    system.near.write("a", b"one")
    system.near.set_xattrs("a", TAGS)
    fails_once(monkeypatch, which, getattr(system, side))
    report = await system.run().execute()
    assert not report.errors and system.far.xattrs_at("a") == TAGS
    await rest(system)
