"""Whole runs with conflicts: what both sides have in the end, and after a kill anywhere."""

import copy
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from cargo_sync.model.conflicts import ConflictPolicy
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.state.conflicts import Conflicts
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.testing.tree import MemoryTree
from tests.engine.killing import Fragile, Kill
from tests.engine.world import System
from tests.state.crash import Killed

MARK = "(conflict unknown 2027-01-15 0801)"


RULES: Final[dict[str, Any]] = {"propagate": True, "settle": 0.0}


def two_way(folder: Path, policy: str = "keep_both") -> System:
    return System(folder, Mode.BIDIRECTIONAL, **RULES, conflicts=ConflictPolicy(policy))


async def settled(system: System) -> None:
    """Runs until one finds nothing to do."""
    for _ in range(6):
        report = await system.run().execute()
        system.now += 5
        if not report.acted and report.again_in is None:
            return
    raise AssertionError("it never ends")


async def clash(system: System, *names: str) -> None:
    """Both sides agree on files, then each changes them."""
    for number, name in enumerate(names):
        system.near.write(name, b"before", mtime_ns=number)
    await settled(system)
    system.now += 100
    for name in names:
        system.near.write(name, b"local", mtime_ns=10**18)
        system.far.write(name, b"server's", mtime_ns=10**18 + 10**11)
    system.said()


def trash(system: System) -> set[bytes]:
    return {content for _, content in (*system.near.trash, *system.far.trash)}


@pytest.mark.parametrize(
    ("policy", "files"),
    [
        ("keep_both", {"d/a.txt": b"server's", f"d/a {MARK}.txt": b"local"}),
        ("local", {"d/a.txt": b"local"}),
        ("remote", {"d/a.txt": b"server's"}),
        ("newest", {"d/a.txt": b"server's"}),
    ],
)
async def test_each_policy(tmp_path: Path, policy: str, files: dict[str, bytes]) -> None:
    system = two_way(tmp_path, policy)
    await clash(system, "d/a.txt")
    await settled(system)
    assert system.near.files() == system.far.files() == files
    assert trash(system) >= {b"local", b"server's"} - set(files.values())
    assert system.said()[0] == "conflict d/a.txt"
    [row] = Conflicts(system.database).page(None, open=None, after=0, limit=9)
    assert not row.open
    assert system.memory.conflicts.open == 0


class Reading(MemoryTree):
    """A side that counts the files of which the hash is asked."""

    asked = 0

    async def hashes(
        self, items: Sequence[tuple[str, Entry]], *, reread: bool = False
    ) -> list[str | Problem]:
        self.asked += len(items)
        return await super().hashes(items, reread=reread)


async def test_a_conflict_that_waits_is_not_read_in_each_run(tmp_path: Path) -> None:
    system = two_way(tmp_path, "ask")
    system.near = near = Reading("near", "local")
    system.near.write("a", b"12345", mtime_ns=1)
    system.far.write("a", b"54321", mtime_ns=2)
    await system.run().execute()
    assert near.asked == 1
    for _ in range(3):
        system.now += 5
        await system.run().execute()
    assert near.asked == 1
    system.near.save("a", b"23456", 3)
    system.now += 5
    await system.run().execute()
    assert near.asked == 2
    assert (system.near.files(), system.far.files()) == ({"a": b"23456"}, {"a": b"54321"})
    assert system.said() == ["conflict a"]


async def test_a_failed_file_that_is_a_conflict_now_waits_for_a_person_and_fails_no_more(
    tmp_path: Path,
) -> None:
    system = two_way(tmp_path, "ask")
    system.near.write("a", b"local", mtime_ns=1)
    changed = Problem(Code.CHANGED, "'a' has changed", "a")
    system.memory.failures.failed("a", changed, system.now, 0.5)  # somebody else was faster
    system.far.write("a", b"server's", mtime_ns=2)
    system.now += 5
    await system.run().execute()
    assert (system.memory.conflicts.open, len(system.memory.failures)) == (1, 0)


@pytest.mark.parametrize("policy", ["keep_both", "remote"])
async def test_a_kill_at_any_write_needs_no_journal(tmp_path: Path, policy: str) -> None:
    first = two_way(tmp_path, policy)
    first.near, first.far = Fragile("near", "local"), Fragile("far", "server")
    await clash(first, "d/a.txt")
    first.database.close()
    at = 0
    while True:
        image, kill = tmp_path / f"{at}.db", Kill()
        shutil.copyfile(tmp_path / "state.db", image)
        near, far = copy.deepcopy(first.near), copy.deepcopy(first.far)
        assert isinstance(near, Fragile) and isinstance(far, Fragile)
        near.kill = far.kill = kill
        with SqliteDatabase.open(str(image), "daemon", kill) as database:
            one = System(database, Mode.BIDIRECTIONAL, **RULES, conflicts=ConflictPolicy(policy))
            one.near, one.far, one.now, kill.at = near, far, first.now, at
            with suppress(Killed):
                await settled(one)
            whole, kill.at = kill.at >= 0, None
        with SqliteDatabase.open(str(image), "daemon") as database:
            one = System(database, Mode.BIDIRECTIONAL, **RULES, conflicts=ConflictPolicy(policy))
            one.near, one.far, one.now = near, far, first.now + 60
            await settled(one)
            files = near.files()
            assert files == far.files()
            assert files.pop("d/a.txt") == b"server's"
            assert list(files.values()) == ([b"local"] if policy == "keep_both" else [])
            assert {b"local", b"server's"} <= {*near.files().values(), *trash(one)}
            rows = Conflicts(database).page(None, open=None, after=0, limit=9)
            assert [(row.open, row.copy) for row in rows] == [(False, "".join(files))]
        if whole:
            assert at > 8, "it was killed at some writes"
            return
        at += 1
