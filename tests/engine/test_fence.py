"""The fence: a server in an older state is not followed before a person approves it."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.machines.client_fence import ClientProcess
from cargo_sync.model.jobs import DIRECTIONS, Identity, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.upkeep import empty_log
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


class Machine:
    """A daemon with a state of its own, and a folder; servers are shared."""

    def __init__(self, folder: Path, mode: Mode, place: str = "here") -> None:
        self.system = System(folder / place, mode, propagate=True)
        self.place = place
        self._state = folder / place / "state.db"
        self.start()

    def start(self) -> None:
        """The daemon is started."""
        system = self.system
        system.restart()
        system.memory.jobs.begin_start()
        process = ClientProcess(system.world().token(), self.place)
        system.memory = replace(system.memory, process=process)

    def copy(self) -> bytes:
        """The state's file, as a backup of it has it."""
        empty_log(self.system.database)  # all of it is in the one file
        return self._state.read_bytes()

    def put_back(self, state: bytes) -> None:
        """The daemon is stopped, its state is that of a backup, and it is started."""
        self.system.database.close()
        self._state.write_bytes(state)
        self.system.database = SqliteDatabase.open(str(self._state), "daemon")
        self.start()

    async def fenced(self, code: Code) -> str:
        """A look that a person must approve; it stays so. Returns what it says."""
        for _ in range(2):
            with pytest.raises(ProblemError) as caught:
                await self.system.run().execute()
            assert caught.value.problem.code is code
            self.start()
        return str(caught.value)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    made: list[Machine] = []

    def new(mode: Mode, place: str = "here") -> Machine:
        made.append(Machine(tmp_path, mode, place))
        return made[-1]

    yield new
    for one in made:
        one.system.database.close()


@ALL
@pytest.mark.parametrize("records", [False, True])
async def test_a_restored_state_stops_the_job_and_then_both_sides_are_united(
    machine: Callable[..., Machine], mode: Mode, records: bool
) -> None:
    """The copy is of an earlier start, or of the middle of this one."""
    one = machine(mode)
    await agreed(one.system)
    older = one.copy()
    source = one.system.far if mode is Mode.DOWNLOAD else one.system.near
    source.remove("4")
    if not records:
        one.start()
    for _ in range(2):
        await one.system.run().execute()
    source.write("4", b"again")
    await one.system.run().execute()
    await one.system.run().execute()
    one.put_back(older)
    before = one.system.near.files(), one.system.far.files()
    said = await one.fenced(Code.STATE_RESTORED)
    assert "was restored" in said and "cargo_ctl job approve job" in said
    assert (one.system.near.files(), one.system.far.files()) == before
    trashes = len(one.system.near.trash), len(one.system.far.trash)
    with pytest.raises(ProblemError):
        await one.system.run().execute(approved=RESTORED)  # it is about something else
    await one.system.run().execute(approved={Code.STATE_RESTORED})
    assert not (await one.system.run().execute()).acted
    assert (one.system.near.files(), one.system.far.files()) == before
    assert (len(one.system.near.trash), len(one.system.far.trash)) == trashes
    one.start()
    await one.system.run().execute()


async def test_a_state_that_is_as_before_again_needs_nobody(
    machine: Callable[..., Machine],
) -> None:
    one = machine(Mode.UPLOAD)
    await agreed(one.system)
    older = one.copy()
    one.start()
    await one.system.run().execute()
    newer = one.copy()
    one.put_back(older)
    await one.fenced(Code.STATE_RESTORED)
    one.put_back(newer)
    await one.system.run().execute()
    assert one.system.said() == []


async def test_a_kill_at_any_moment_fences_nobody(machine: Callable[..., Machine]) -> None:
    one = machine(Mode.UPLOAD)
    for number in range(5):
        one.system.near.write(str(number), b"1")
        if number % 2:
            await one.system.run().execute()
        one.start()
        one.start()
    await one.system.run().execute()
    assert len(one.system.far.files()) == 5


@ALL
async def test_of_two_daemons_with_copies_of_one_state_the_one_behind_is_held(
    machine: Callable[..., Machine], mode: Mode
) -> None:
    first = machine(mode)
    await agreed(first.system)
    state = first.copy()
    second = machine(mode, "there")
    second.system.near, second.system.far = first.system.near, first.system.far
    second.put_back(state)
    await second.system.run().execute()
    said = await first.fenced(Code.STATE_COPIED)
    assert "another machine" in said
    await second.system.run().execute()
    before = first.system.near.files(), first.system.far.files()
    await first.system.run().execute(approved={Code.STATE_COPIED})
    for _ in range(2):  # both go on: they are two clients now
        await first.system.run().execute()
        await second.system.run().execute()
        first.start()
        second.start()
    assert (first.system.near.files(), first.system.far.files()) == before


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
