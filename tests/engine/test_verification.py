"""After an unclean stop, on trees in memory: damage is neither believed nor sent."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.model.entries import DAMAGED
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.events import Events
from cargo_sync.state.suspects import suspect_all
from cargo_sync.testing.tree import MemoryTree
from tests.engine.world import System

Make = Callable[..., System]
GOOD = b"good content"
DAMAGE = {"cut": GOOD[:5], "empty": b"", "zeros": bytes(len(GOOD))}


@pytest.fixture
def make(tmp_path: Path) -> Any:
    made: list[System] = []

    def new(mode: Mode, **rules: Any) -> System:
        system = System(tmp_path, mode, **rules)
        made.append(system)
        return system

    yield new
    for system in made:
        system.database.close()


def stopped(system: System, *, rebooted: bool = False) -> None:
    """The daemon was killed, and starts again."""
    suspect_all(system.database, UncleanStop(system.now, 0.0, rebooted))
    system.restart()


async def delivered(system: System) -> None:
    for name in (*DAMAGE, "fine"):
        system.source.write(name, GOOD, 5)
    await system.run().execute()
    system.said()


def damage(system: System) -> None:
    for name, content in DAMAGE.items():
        system.near.write(name, content, 5)


async def test_damaged_downloads_are_fetched_again_and_kept_in_the_trash(make: Make) -> None:
    system = make(Mode.DOWNLOAD)
    await delivered(system)
    stopped(system)
    damage(system)
    report = await system.run().execute()
    assert (report.files, report.errors, report.held) == (3, 0, "")
    assert set(system.near.files().values()) == {GOOD}
    assert sorted(content for _, content in system.near.trash) == sorted(DAMAGE.values())
    assert system.said() == [
        *(f"displaced {name}" for name in DAMAGE),
        *(f"downloaded {name}" for name in DAMAGE),
    ]
    assert (await system.run().execute()).files == 0, "it is checked once"


async def test_what_somebody_changed_or_removed_after_its_delivery_stays(make: Make) -> None:
    system = make(Mode.DOWNLOAD)
    await delivered(system)
    stopped(system)
    system.near.write("cut", b"edited", 6)
    system.near.remove("empty")
    await system.run().execute()
    assert system.said() == []
    assert system.near.read("cut") == b"edited"
    assert system.near.entry("empty") is None


async def test_what_cannot_be_fetched_again_is_not_taken_away(make: Make) -> None:
    system = make(Mode.DOWNLOAD)
    await delivered(system)
    system.far.remove("cut")
    await system.run().execute()
    stopped(system)
    system.near.write("cut", b"half", 5)
    await system.run().execute()
    assert system.near.read("cut") == b"half"


async def test_damaged_sources_are_held_and_the_others_flow(make: Make) -> None:
    system = make(Mode.UPLOAD)
    await delivered(system)
    system.near.write("seen", GOOD, 5)  # a preview sees it, but nothing sends it
    await system.run().preview()
    stopped(system)
    damage(system)
    system.near.write("seen", bytes(4), 5)
    system.near.write("new", b"new", 9)
    report = await system.run().execute()
    held = sorted([*DAMAGE, "seen"])
    assert sorted(problem.path for problem in report.problems) == held
    assert {problem.code for problem in report.problems} == {"damaged"}
    assert system.far.files() == dict.fromkeys((*DAMAGE, "fine"), GOOD) | {"new": b"new"}
    assert sorted(system.said()) == [*(f"failed {name}" for name in held), "uploaded new"]
    await system.run().execute()
    assert system.said() == [], "it is told once"
    system.restart()  # a clean one
    await system.run().execute()
    assert system.far.files()["zeros"] == GOOD


async def test_damaged_sources_are_sent_when_restored_renewed_or_approved(make: Make) -> None:
    system = make(Mode.UPLOAD)
    await delivered(system)
    stopped(system)
    damage(system)
    await system.run().execute()
    system.near.write("cut", GOOD, 5)  # restored with its time
    system.near.write("empty", b"", 6)  # it is meant to be empty
    await system.run().execute()
    assert system.far.files() == {"cut": GOOD, "empty": b"", "fine": GOOD, "zeros": GOOD}
    system.memory.failures.expedite()
    await system.look(approved=True)
    assert system.far.read("zeros") == DAMAGE["zeros"]
    assert not system.memory.suspects.holds_any()


async def test_zeros_that_nothing_would_send_are_told(make: Make) -> None:
    """After a power cut the metadata may be as before. The good copy is at the server."""
    system = make(Mode.UPLOAD)
    await delivered(system)
    entry = system.near.entry("zeros")
    assert entry is not None
    stopped(system, rebooted=True)
    system.near._contents["zeros"] = bytes(entry.size)
    await system.run().execute()
    assert system.said() == ["failed zeros"]
    assert system.far.read("zeros") == GOOD


async def test_zeros_that_were_sent_as_zeros_are_sound(make: Make) -> None:
    system = make(Mode.UPLOAD)
    system.near.write("image", bytes(9), 5)
    await system.run().execute()
    stopped(system)
    system.near.write("image", bytes(9), 5)  # touched, with its time set back
    report = await system.run().execute()
    assert report.errors == 0


async def test_only_what_was_committed_lately_is_suspect(make: Make) -> None:
    system = make(Mode.DOWNLOAD)
    await delivered(system)
    Events(system.database).mark(system.now - 901)
    system.far.write("late", GOOD, 5)
    await system.run().execute()
    stopped(system)
    system.near.write("cut", b"", 5)
    system.near.write("late", b"", 5)
    system.said()
    await system.run().execute()
    assert system.said() == ["displaced late", "downloaded late"]


async def test_what_the_server_calls_damaged_fails_alone(make: Make) -> None:
    system = make(Mode.DOWNLOAD)
    await delivered(system)
    entry = system.far.write("cut", b"", 5)
    system.far._log[-1] = "cut", entry._replace(hash=DAMAGED)
    system.far.write("new", b"new", 9)
    report = await system.run().execute()
    assert [(one.path, one.code) for one in report.problems] == [("cut", "damaged")]
    assert system.near.files() == dict.fromkeys((*DAMAGE, "fine"), GOOD) | {"new": b"new"}


async def test_a_preview_takes_nothing_away(make: Make) -> None:
    system = make(Mode.DOWNLOAD)
    await delivered(system)
    stopped(system)
    damage(system)
    await system.run().preview()
    assert system.near.files() == DAMAGE | {"fine": GOOD}
    await system.run().execute()
    assert set(system.near.files().values()) == {GOOD}


SHORT = Problem(Code.NO_DESCRIPTORS, "too many files are open")
UNREADABLE = Problem(Code.UNREADABLE, "it cannot be read now")


def answering(tree: MemoryTree, call: str, problem: Problem) -> Callable[[], None]:
    """This call gives the problem for each file; until what is returned is called."""

    async def failing(items: Sequence[Any]) -> list[Problem]:
        return [problem] * len(items)

    setattr(tree, call, failing)
    return lambda: delattr(tree, call)


@pytest.mark.parametrize("call", ["entries", "hashes"])
async def test_a_check_without_descriptors_begins_again(make: Make, call: str) -> None:
    system = make(Mode.DOWNLOAD)
    await delivered(system)
    stopped(system)
    damage(system)
    in_order = answering(system.near, call, SHORT)
    with pytest.raises(ProblemError, match="too many files"):
        await system.run().execute()
    in_order()
    await system.run().execute()
    assert set(system.near.files().values()) == {GOOD}


@pytest.mark.parametrize("call", ["entries", "blank", "hashes"])
async def test_a_source_that_cannot_be_checked_now_is_checked_before_it_is_sent(
    make: Make, call: str
) -> None:
    system = make(Mode.UPLOAD)
    await delivered(system)
    stopped(system)
    damage(system)
    in_order = answering(system.near, call, UNREADABLE)
    await system.run().execute()
    in_order()
    system.memory.failures.expedite()
    system.near.write("fine", GOOD[::-1], 5)
    await system.run().execute()
    assert system.far.files() == dict.fromkeys(DAMAGE, GOOD) | {"fine": GOOD[::-1]}


async def test_a_check_that_was_stopped_begins_again(make: Make) -> None:
    system = make(Mode.DOWNLOAD)
    await delivered(system)
    stopped(system)
    damage(system)
    entries = system.near.entries

    async def gone(some: Any) -> Any:
        raise ConnectionError

    system.near.entries = gone  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        await system.run().execute()
    stopped(system)
    system.near.entries = entries  # type: ignore[method-assign]
    await system.run().execute()
    assert set(system.near.files().values()) == {GOOD}
