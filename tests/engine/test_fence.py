"""The fence: a server in an older state is not followed before a person approves it."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model.jobs import DIRECTIONS, Identity, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from tests.engine.world import System

Make = Callable[..., System]
RESTORED = {Code.SERVER_RESTORED}
ALL = pytest.mark.parametrize("mode", Mode)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[System] = []

    def new(mode: Mode = Mode.UPLOAD, **rules: Any) -> System:
        made.append(System(tmp_path, mode, **rules))
        return made[-1]

    yield new
    for system in made:
        system.database.close()


async def agreed(system: System) -> None:
    """Five files are the same on both sides, and the job has seen that."""
    side = system.far if system.rules.mode is Mode.DOWNLOAD else system.near
    for number in range(5):
        side.write(str(number), b"1")
    for _ in range(3):
        await system.run().execute()
    system.said()


def restore(system: System, *names: str, lineage: str = "") -> None:
    """The server comes back with these files."""
    system.far = type(system.far)("far", "server", lineage=lineage)
    for name in names:
        system.far.write(name, b"1")


async def fenced(system: System) -> str:
    """One look, which a person must approve. Returns what it says."""
    with pytest.raises(ProblemError) as caught:
        await system.run().execute()
    assert caught.value.problem.code is Code.SERVER_RESTORED
    return str(caught.value)


@ALL
async def test_a_restored_server_stops_the_job_and_then_both_sides_are_united(
    make: Make, mode: Mode
) -> None:
    system = make(mode, propagate=True)
    await agreed(system)
    restore(system, "0")
    system.near.remove("4")
    before = system.near.files(), system.far.files()
    for _ in range(2):  # it stays like this, also in a new daemon
        said = await fenced(system)
        assert "restored from an older state" in said and "cargo_ctl job approve job" in said
        system.restart()
    assert (system.near.files(), system.far.files(), system.said()) == (*before, [])
    await system.run().execute(approved=RESTORED)
    assert system.said()[0] == "reset"
    assert not (await system.run().execute()).acted
    assert sorted(system.near.files()) == ["0", "1", "2", "3"]
    there = ["0"] if mode is Mode.DOWNLOAD else ["0", "1", "2", "3"]
    assert sorted(system.far.files()) == there
    assert system.near.trash == system.far.trash == []


@pytest.mark.parametrize("mode", DIRECTIONS)
async def test_numbers_that_have_caught_up_do_not_hide_it(make: Make, mode: Mode) -> None:
    system = make(mode, propagate=True)
    await agreed(system)
    restore(system, *map(str, range(3, 12)), lineage="of the restored one")
    await fenced(system)
    await system.run().execute(approved=RESTORED)
    names = [str(number) for number in range(12)]
    assert sorted(system.destination.files(), key=int) == names
    assert system.near.trash == system.far.trash == []


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.BIDIRECTIONAL])
@pytest.mark.parametrize("step", ["sends", "deletes", "renames"])
async def test_a_server_that_lacks_only_what_the_job_did_last_is_noticed(
    make: Make, mode: Mode, step: str
) -> None:
    system = make(mode, propagate=True)
    await agreed(system)
    system.near.write("large", b"0" * 70_000)
    for _ in range(2):
        await system.run().execute()
    older = copy.deepcopy(system.far)
    match step:
        case "sends":
            system.near.write("new", b"1")
        case "deletes":
            system.near.remove("4")
        case "renames":
            system.near.move("large", "renamed")
    report = await system.run().execute()
    assert report.acted and not report.errors
    system.restart()  # nobody has looked at the server since
    system.far = older
    await fenced(system)
    before = system.near.files()
    await system.run().execute(approved=RESTORED)
    for _ in range(2):
        await system.run().execute()
    assert before.items() <= system.near.files().items(), "nothing is deleted here"
    assert system.near.files().items() <= system.far.files().items()
    assert system.near.trash == system.far.trash == []


async def test_what_was_listed_is_known_before_it_is_stored(make: Make) -> None:
    """A page is stored in parts, and the cursor with its end."""
    system = make(Mode.DOWNLOAD)
    await agreed(system)
    older = copy.deepcopy(system.far)
    system.far.write("new", b"1")

    def killed(*_: Any) -> None:
        raise ProblemError(Problem(Code.DISK_FULL, "no room"))

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ProblemError):
        patch.setattr(system.memory.jobs, "set_far_cursor", killed)
        await system.run().execute()
    system.far = older
    system.restart()
    await fenced(system)


async def test_a_new_catalogue_stops_the_job_too(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(Mode.BIDIRECTIONAL, propagate=True)
    await agreed(system)
    opening = system.far.open

    async def opened(*known: Any) -> Identity:
        return replace(await opening(*known), epoch="another")

    monkeypatch.setattr(system.far, "open", opened)
    assert "catalogue is a new one" in await fenced(system)
    await system.run().execute(approved=RESTORED)
    assert sorted(system.near.files()) == ["0", "1", "2", "3", "4"]


async def test_a_server_that_is_as_before_again_needs_nobody(make: Make) -> None:
    system = make(Mode.DOWNLOAD, propagate=True)
    await agreed(system)
    newest = system.far
    restore(system, "0")
    await fenced(system)
    system.far = newest
    newest.remove("1")
    await system.run().execute()
    assert system.said() == ["deleted 1"], "the base is still there"


async def test_another_folder_in_the_job_s_file_is_first_contact(make: Make) -> None:
    system = make(Mode.DOWNLOAD, propagate=True)
    await agreed(system)
    system.far = type(system.far)("far", "another folder")
    system.far.write("new", b"1")
    await system.run().execute()
    assert system.said() == ["reset", "downloaded new"]


async def test_an_approval_counts_once_and_survives_a_cut(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(Mode.DOWNLOAD, propagate=True)
    await agreed(system)
    restore(system, "0")

    async def cut(*_: Any) -> Identity:
        raise ProblemError(Problem(Code.CUT, "the connection was cut"))

    with monkeypatch.context() as patch, pytest.raises(ProblemError):
        patch.setattr(system.far, "open", cut)
        await system.run().execute(approved=RESTORED)
    system.restart()
    await system.run().execute()
    assert system.said() == ["reset", "adopted 0"]
    restore(system, lineage="once more")
    await fenced(system)
