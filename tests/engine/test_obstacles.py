"""A file at the destination in the place of a folder that was delivered."""

from dataclasses import replace

import pytest

from cargo_sync.engine.report import SOON
from cargo_sync.machines.scope import NearScope
from cargo_sync.model.jobs import Mode
from tests.engine.renames import Make, run
from tests.engine.world import System

MODES = pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])


async def replaced(make: Make, mode: Mode, kind: str = "file") -> System:
    """A folder was delivered, and somebody put something else in its place at the destination."""
    system = make(mode)
    system.source.write("d/e/x", b"delivered")
    await run(system)
    system.destination.remove("d")
    if kind == "file":
        system.destination.write("d", b"theirs")
    else:
        system.destination.link("d", "elsewhere")
    await run(system)
    system.said()
    return system


@MODES
async def test_it_stays_while_nothing_needs_the_folder(make: Make, mode: Mode) -> None:
    system = await replaced(make, mode)
    await run(system)
    assert system.said() == []
    assert system.destination.files() == {"d": b"theirs"}


@MODES
@pytest.mark.parametrize("kind", ["file", "link"])
async def test_it_makes_room_for_what_is_new_below_the_folder(
    make: Make, mode: Mode, kind: str
) -> None:
    system = await replaced(make, mode, kind)
    for name in ("d/e/new", "d/too", "d/f/also"):
        system.source.write(name, name.encode())
    report = await run(system)
    assert (report.again_in, system.said()) == (SOON, ["displaced d"])
    assert system.destination.trash == ([("d", b"theirs")] if kind == "file" else [])
    await run(system)
    arrived = "uploaded" if mode is Mode.UPLOAD else "downloaded"
    assert system.said() == [f"{arrived} d/{name}" for name in ("too", "e/new", "f/also")]
    for _ in range(2):
        report = await run(system)
    assert not (report.acted or report.advanced)
    assert "d/e/x" not in system.destination.files()


async def test_a_download_that_looks_at_none_of_its_folder_sees_it(make: Make) -> None:
    system = await replaced(make, Mode.DOWNLOAD)
    scope = NearScope(interval=float("inf"))
    scope.trust(True)
    system.memory = replace(system.memory, scope=scope)
    await run(system)
    system.near.write("d", b"newer, and not seen by the job")
    system.far.write("d/new", b"new")
    for _ in range(2):
        report = await run(system)
        assert not report.whole
    assert system.near.files() == {"d/new": b"new"}


@MODES
async def test_the_guard_is_asked(make: Make, mode: Mode) -> None:
    system = await replaced(make, mode)
    for number in range(12):
        system.source.write(f"n{number}", b"1")
    await run(system)
    for number in range(12):
        system.destination.write(f"n{number}", b"2", 5)
        system.source.write(f"n{number}", b"3", 9)
    system.source.write("d/new", b"new")
    report = await run(system)
    assert report.held
    assert system.destination.read("d") == b"theirs"
    assert "failed" not in " ".join(system.said())
    report = await system.look(approved=True)
    await run(system)
    assert system.destination.read("d/new") == b"new"
