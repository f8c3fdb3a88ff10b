"""Whole runs of two-way jobs on trees in memory: both sides follow each other."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.model.conflicts import ConflictPolicy
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.transfers import Receipt
from cargo_sync.state.conflicts import Conflicts
from cargo_sync.state.holds import Ruling
from cargo_sync.state.suspects import suspect_all
from cargo_sync.testing.tree import MemoryTree
from tests.engine.world import System

Make = Callable[..., System]


@pytest.fixture
def make(tmp_path: Path) -> Any:
    made: list[System] = []

    def new(**rules: Any) -> System:
        system = System(tmp_path, Mode.BIDIRECTIONAL, **{"propagate": True, "settle": 0.0} | rules)
        made.append(system)
        return system

    yield new
    for system in made:
        system.database.close()


async def synced(system: System, runs: int = 4) -> list[str]:
    """Runs until nothing is left to do; returns what was said."""
    for _ in range(runs):
        system.now += 10
        report = await system.run().execute()
        assert (report.held, report.problems) == ("", [])
    assert not (report.acted or report.advanced), "it is at rest"
    near, far = system.near.files(), system.far.files()
    assert near == far
    assert sorted(folders(system.near)) == sorted(folders(system.far))
    return system.said()


def folders(tree: MemoryTree) -> list[str]:
    return [path for path, entry in tree._entries.items() if entry.kind == "d"]


async def test_what_is_new_on_either_side_comes_to_the_other(make: Make) -> None:
    system = make()
    system.near.write("a/near", b"1")
    system.far.write("a/far", b"22")
    system.far.write("only/there", b"333")
    run = system.run()
    report = await run.execute()
    assert (report.files, report.bytes) == (3, 6)
    counts = [(run.progress.of(way).files_done, way) for way in Mode.BIDIRECTIONAL.directions]
    assert counts == [(1, Mode.UPLOAD), (2, Mode.DOWNLOAD)]
    assert sorted(system.said()) == [
        "downloaded a/far", "downloaded only/there", "uploaded a/near",
    ]  # fmt: skip
    assert await synced(system) == [], "nothing comes back as an echo"


async def test_changes_and_deletions_go_both_ways_in_one_run(make: Make) -> None:
    system = make()
    for name in ("near changed", "far changed", "near gone", "far gone", "d/stays", "d/goes"):
        system.near.write(name, b"old")
    await synced(system)
    system.near.save("near changed", b"newer", 7)
    system.far.save("far changed", b"newest", 8)
    system.near.remove("near gone")
    system.far.remove("far gone")
    system.near.remove("d/goes")
    said = await synced(system)
    assert sorted(said) == [
        "deleted d/goes", "deleted far gone", "deleted near gone",
        "downloaded far changed", "uploaded near changed",
    ]  # fmt: skip
    assert system.near.files() == {
        "near changed": b"newer", "far changed": b"newest", "d/stays": b"old",
    }  # fmt: skip
    assert sorted(system.near.trash) == [("far changed", b"old"), ("far gone", b"old")]
    assert ("near changed", b"old") in system.far.trash


async def test_an_event_of_a_two_way_job_tells_the_direction(make: Make) -> None:
    system = make()
    system.near.write("a", b"1")
    system.near.write("b", b"1")
    await synced(system)
    system.near.remove("a")
    system.far.remove("b")
    system.now += 10
    await system.run().execute()
    assert {(one.path, one.details.direction) for one in system.events} == {
        ("a", "upload"), ("b", "download"),
    }  # fmt: skip


async def test_what_is_deleted_here_and_changed_there_comes_back(make: Make) -> None:
    system = make()
    system.near.write("d/e/a", b"old")
    system.near.write("d/e/b", b"old")
    await synced(system)
    system.near.remove("d")
    system.far.save("d/e/a", b"changed", 9)
    await synced(system, runs=6)
    assert system.near.files() == {"d/e/a": b"changed"}


async def clash(system: System) -> None:
    system.near.write("a", b"old")
    await synced(system)
    system.near.save("a", b"near", 7)
    system.far.save("a", b"far!", 8)
    system.near.write("b", b"other")


async def test_of_a_conflict_both_versions_are_kept_on_both_sides(make: Make) -> None:
    system = make()
    await clash(system)
    said = await synced(system)
    [copy] = [path for path in system.near.files() if "conflict" in path]
    assert sorted(said) == ["conflict a", "downloaded a", f"uploaded {copy}", "uploaded b"]
    assert system.near.files() == {"a": b"far!", copy: b"near", "b": b"other"}


async def test_a_conflict_that_waits_for_a_person_stops_nothing(make: Make) -> None:
    system = make(conflicts=ConflictPolicy.ASK)
    await clash(system)
    for _ in range(3):
        system.now += 10
        await system.run().execute()
    assert sorted(system.said()) == ["conflict a", "uploaded b"]
    assert (system.near.read("a"), system.far.read("a")) == (b"near", b"far!")
    assert Conflicts(system.database).counts("job") == (1, 0)
    system.near.save("a", b"far!", 9)
    await synced(system)
    assert Conflicts(system.database).counts("job") == (0, 1), "they are the same now"


@pytest.mark.parametrize(
    ("policy", "wins"), [(ConflictPolicy.LOCAL, b"near"), (ConflictPolicy.REMOTE, b"far!")]
)
async def test_a_side_that_always_wins(make: Make, policy: ConflictPolicy, wins: bytes) -> None:
    system = make(conflicts=policy)
    await clash(system)
    await synced(system)
    assert system.near.files() == {"a": wins, "b": b"other"}
    lost = {b"near", b"far!"} - {wins}
    assert lost <= {content for _, content in (*system.near.trash, *system.far.trash)}


async def test_equal_changes_on_both_sides_are_no_conflict(make: Make) -> None:
    system = make()
    system.near.write("a", b"old")
    await synced(system)
    system.near.save("a", b"same", 7)
    system.far.save("a", b"same", 8)
    system.near.write("new", b"same", 1)
    system.far.write("new", b"same", 1)
    assert sorted(await synced(system)) == ["adopted new", "touched a"]
    here = system.near.entry("a")
    assert here and here.mtime_ns == 8, "of two times the server's wins"
    assert (system.near.trash, system.far.trash) == ([], [])


async def test_each_side_has_a_guard_of_its_own(make: Make) -> None:
    system = make()
    for number in range(30):
        system.near.write(f"f{number:02}", b"1")
    await synced(system)
    for number in range(20):
        system.far.remove(f"f{number:02}")
    system.near.remove("f29")
    system.near.write("new", b"2")
    system.now += 10
    report = await system.run().execute()
    assert (report.approvable, report.deletions) == (True, 20)
    assert "of 30 files in the local folder" in report.held
    assert len(system.near.files()) == 30, "nothing is deleted here"
    assert system.far.entry("f29") is None, "what is below the threshold there, is done"
    assert system.far.read("new") == b"2"
    await system.look(approved=True)
    assert len(system.near.files()) == 10


async def test_a_full_disk_on_one_side_does_not_stop_the_other_direction(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make()
    sink = system.near.sink

    def full(run: str) -> Any:
        made = sink(run)
        receipt = Receipt(Code.DISK_FULL, message="the disk is full")
        monkeypatch.setattr(made, "publish", lambda *_: receipt)
        return made

    monkeypatch.setattr(system.near, "sink", full)
    for number in range(3):
        system.far.write(f"down{number}", b"1")
    report = await system.run().execute()
    assert report.held == "the disk is full"
    system.near.write("up", b"22")
    system.now += 10
    await system.run().execute()
    assert system.far.read("up") == b"22"


async def test_damage_of_an_unclean_stop_is_fetched_again_and_never_sent(make: Make) -> None:
    system = make()
    good = b"good content"
    system.near.write("up", good, 5)
    system.far.write("down", good, 5)
    system.far.write("cut", good, 5)
    system.near.write("new", good, 5)
    system.near.write("edited", good, 5)
    await system.run().execute()
    suspect_all(system.database, UncleanStop(system.now, 0.0, rebooted=True))
    system.restart()
    for name, content in (("up", bytes(12)), ("down", b"bad content!"), ("cut", b"good")):
        system.near.save(name, content, 5)
    system.near.save("edited", b"rewritten, later", 6)
    await synced(system)
    assert {name: content for name, content in system.far.files().items() if name != "edited"} == {
        "up": good, "down": good, "cut": good, "new": good,
    }  # fmt: skip
    assert system.far.read("edited") == b"rewritten, later"
    assert sorted(content for _, content in system.near.trash) == sorted(
        [bytes(12), b"bad content!", b"good"]
    )


async def test_what_was_deleted_while_a_job_had_one_direction_is_not_repeated(make: Make) -> None:
    system = make()
    system.rules = replace(system.rules, mode=Mode.DOWNLOAD)
    for name in ("a", "b"):
        system.far.write(name, b"1")
    await system.run().execute()
    system.near.remove("a")
    await system.run().execute()
    assert system.near.entry("a") is None, "delivered is delivered"
    system.said()
    system.rules = replace(system.rules, mode=Mode.BIDIRECTIONAL)
    assert sorted(await synced(system)) == ["adopted b", "downloaded a", "reset"]
    assert system.near.files() == {"a": b"1", "b": b"1"}


async def test_a_job_that_gets_both_directions_says_no_more_what_drifted(make: Make) -> None:
    system = make()
    system.memory.scope.trust(True)
    both = system.rules
    system.rules = replace(both, mode=Mode.UPLOAD, propagate=False)
    system.near.write("a", b"here")
    for _ in range(3):
        await system.run().execute()
    system.far.save("a", b"changed there", 7)
    drifted = [(await system.run().execute()).drifted for _ in range(2)]
    system.rules = both
    drifted += [(await system.run().execute()).drifted for _ in range(3)]
    assert drifted == [1, 1, 0, 0, 0]


@pytest.mark.parametrize("changed", ["near", "far"])
async def test_a_rejected_change_is_taken_back(make: Make, changed: str) -> None:
    system = make()
    tree: MemoryTree = getattr(system, changed)
    for number in range(30):
        tree.write(f"{number:02}", b"old")
    await synced(system)
    for number in range(30):
        tree.save(f"{number:02}", b"changed", 7)
    [held] = (await system.look()).holds.values()
    assert held.overwrites == 20
    tree.save("29", b"changed since", 8)
    system.memory.holds.decide(None, Ruling.REJECTED)
    await system.look()
    assert list(tree.files().values()).count(b"old") == 19, "those that were rejected"
    system.restart()
    await synced(system)
    assert tree.files()["29"] == b"changed since"
    assert list(tree.files().values()).count(b"old") == 19


async def test_a_rejected_change_that_cannot_be_taken_back_now_waits(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make()
    for number in range(30):
        system.near.write(f"{number:02}", b"old")
    await synced(system)
    for number in range(30):
        system.near.save(f"{number:02}", b"changed", 7)
    await system.look()
    system.memory.holds.decide(None, Ruling.REJECTED)
    problem = Problem(Code.UNREADABLE, "'20' may not be replaced", "20")
    monkeypatch.setattr(system.near, "blocked", lambda path: problem if path == "20" else None)
    await system.look()
    assert (system.near.files()["20"], system.far.files()["20"]) == (b"changed", b"old")
    monkeypatch.undo()
    system.restart()
    await synced(system)
    assert system.near.files()["20"] == b"old"
