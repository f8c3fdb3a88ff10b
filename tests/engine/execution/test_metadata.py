"""A change of time or mode alone: nothing is sent, displaced or counted by the guard."""

from pathlib import Path
from typing import Any

import pytest

from cargo_sync.engine.execution import steps
from cargo_sync.model import checkpoints
from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.testing.tree import MemoryTree
from tests.engine.world import System


@pytest.fixture(params=DIRECTIONS)
async def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    """A job with two delivered files in a folder."""
    one = System(tmp_path, request.param, settle=0.0)
    one.source.write("f/a", b"one", 1)
    one.source.write("f/b", b"two", 1)
    await one.run().execute()
    one.said()
    return one


def touch(tree: MemoryTree, path: str, mtime_ns: int = 7) -> None:
    tree.save(path, tree.read(path), mtime_ns)


async def said(system: System) -> list[str]:
    """What one run does; after it the job rests."""
    await system.run().execute()
    happened = system.said()
    report = await system.run().execute()
    assert (system.said(), report.acted, report.errors) == ([], False, 0)
    return happened


def faces(tree: MemoryTree) -> list[tuple[str, int, int]]:
    entries = [(path, tree.entry(path)) for path in ("f", "f/a", "f/b")]
    return [(path, entry.mtime_ns, entry.mode) for path, entry in entries if entry is not None]


async def test_a_new_time_or_mode_is_set_and_nothing_is_sent(system: System) -> None:
    touch(system.source, "f/a")
    system.source.set_mode("f/b", 0o600)
    system.source.set_mode("f", 0o700)
    assert sorted(await said(system)) == ["touched f", "touched f/a", "touched f/b"]
    assert faces(system.destination) == faces(system.source)
    assert system.destination.trash == []


async def test_a_file_that_is_as_before_needs_no_step(system: System) -> None:
    system.source.set_mode("f/a", 0o600)
    system.source.set_mode("f/a", 0o644)
    before = system.destination.entry("f/a")
    assert await said(system) == []
    assert system.destination.entry("f/a") == before


async def test_other_content_of_the_same_size_is_sent(system: System) -> None:
    system.source.save("f/a", b"ONE", 1)
    sent = "uploaded" if system.rules.mode is Mode.UPLOAD else "downloaded"
    assert await said(system) == [f"{sent} f/a"]
    assert system.destination.read("f/a") == b"ONE"
    assert system.destination.trash == [("f/a", b"one")]


async def test_thousands_of_new_times_are_no_rewrite(system: System) -> None:
    names = [f"f/{number}" for number in range(40)]
    for name in names:
        system.source.write(name, name.encode(), 1)
    await system.run().execute()
    system.said()
    for name in names:
        touch(system.source, name)
    assert sorted(await said(system)) == sorted(f"touched {name}" for name in names)


async def test_what_the_destination_holds_now_is_not_touched(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(system.source, "f/a")
    apply = system.destination.apply

    async def late(actions: list[Action], run: str) -> list[Outcome]:
        system.destination.save("f/a", b"own", 3)
        return await apply(actions, run)

    monkeypatch.setattr(system.destination, "apply", late)
    await system.run().execute()
    assert system.destination.read("f/a") == b"own"
    assert faces(system.destination)[1] == ("f/a", 3, 0o644)
    monkeypatch.undo()
    system.now += 100
    await system.run().execute()
    assert ("f/a", b"own") in system.destination.trash
    assert "displaced f/a" in system.said()


@pytest.mark.parametrize("code", [Code.IN_USE, Code.UNREADABLE])
async def test_where_a_time_cannot_be_set_the_file_is_sent(
    system: System, monkeypatch: pytest.MonkeyPatch, code: Code
) -> None:
    async def refuse(actions: list[Action], run: str) -> list[Outcome]:
        return [Outcome(one, problem=Problem(code, "no", one.path)) for one in actions]

    monkeypatch.setattr(system.destination, "apply", refuse)
    touch(system.source, "f/a")
    sent = "uploaded" if system.rules.mode is Mode.UPLOAD else "downloaded"
    assert await said(system) == [f"{sent} f/a"]
    assert faces(system.destination) == faces(system.source)


async def test_a_file_that_cannot_be_read_is_not_taken_for_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System(tmp_path, settle=0.0)
    system.near.write("a", b"one", 1)
    await system.run().execute()
    system.said()

    async def fail(items: list[tuple[str, Entry]]) -> list[str | Problem]:
        return [Problem(Code.UNREADABLE, "no", path) for path, _ in items]

    monkeypatch.setattr(system.near, "hashes", fail)
    touch(system.near, "a")
    report = await system.run().execute()
    assert (report.errors, system.said()) == (1, ["failed a"])
    there = system.far.entry("a")
    assert there is not None and there.mtime_ns == 1


async def test_after_a_cut_before_the_record_both_sides_are_compared(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(system.source, "f/a")

    class Cut(Exception):  # noqa: N818
        pass

    async def cut(*_: Any) -> None:
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr("cargo_sync.engine.commit.Commit.__call__", cut)
        with pytest.raises(Cut):
            await system.run().execute()
    assert faces(system.destination) == faces(system.source)
    assert await said(system) == ["adopted f/a"]
    assert system.destination.trash == []


async def test_equal_files_with_other_modes_are_not_sent_at_first_contact(tmp_path: Path) -> None:
    system = System(tmp_path, settle=0.0)
    system.near.write("a", b"one", 1, 0o600)
    system.far.write("a", b"one", 1, 0o644)
    assert await said(system) == ["touched a"]
    assert system.far.trash == []


async def test_larger_files_are_read_when_all_else_is_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "resumable", lambda size: size >= 10)
    system = System(tmp_path, settle=0.0)
    for name in ("a", "b", "c"):
        system.near.write(name, name.encode() * 10, 1)
    await system.run().execute()
    system.said()
    touch(system.near, "a")
    system.near.save("b", b"B" * 10, 7)
    system.near.write("d", b"new")
    order: list[str] = []
    hashes = system.near.hashes

    async def read(items: list[tuple[str, Entry]]) -> list[str | Problem]:
        order.extend(f"{path} after {sorted(system.far.files())}" for path, _ in items)
        return await hashes(items)

    monkeypatch.setattr(system.near, "hashes", read)
    assert sorted(await said(system)) == ["touched a", "uploaded b", "uploaded d"]
    assert order == [f"{name} after ['a', 'b', 'c', 'd']" for name in ("b", "a")]
    assert not checkpoints.resumable(10)
