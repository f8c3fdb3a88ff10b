"""Jobs with somebody else's server: whole listings, no idents, times in steps or none, no modes."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from cargo_sync.model.abilities import SECOND, Abilities
from cargo_sync.model.entries import BY_UMASK, LINK
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.testing.foreign import ForeignTree
from cargo_sync.trees.contract import Missed, Observation
from tests.engine.renames import Make, big, run
from tests.engine.world import System

SECONDS = ForeignTree.server
LEAST = replace(SECONDS, time_step=None)
MODES = replace(SECONDS, modes=True, links=True)
SERVERS = pytest.mark.parametrize("server", [SECONDS, LEAST, MODES], ids=["s", "least", "modes"])
MODE = pytest.mark.parametrize("mode", list(Mode))
T = 1_700_000_000 * SECOND + 123_456_789


def job(make: Make, mode: Mode, server: Abilities = SECONDS, **rules: object) -> System:
    system = make(mode, settle=0.0, propagate=True, **rules)
    system.far = ForeignTree("far", "server")
    system.far.server = server
    return system


async def rests(system: System, *, again: bool = True) -> None:
    """A run has nothing to do, and one that compares everything afresh moves nothing."""
    system.said()
    report = await run(system)
    assert (system.said(), report.acted, report.drifted) == ([], False, 0)
    assert system.memory.folders.unsettled(None, None, 9) == []
    if again:
        system.memory.jobs.unbind(system.rules.name, [])
        assert (await run(system)).files == 0
        await rests(system, again=False)


def same(system: System) -> None:
    assert system.near.files() == system.far.files()


@SERVERS
@MODE
async def test_what_was_delivered_is_not_sent_again(
    make: Make, mode: Mode, server: Abilities
) -> None:
    system = job(make, mode, server)
    system.source.write("d/a", b"1", T, 0o640)
    system.source.write("b", big("b"), T + 1)
    await run(system)
    same(system)
    assert system.far.newest.number == 0
    await rests(system)
    system.source.write("d/a", b"22", T + 2)
    system.source.remove("b")
    await run(system)
    same(system)
    await rests(system)


@SERVERS
@MODE
async def test_at_first_contact_equal_files_are_not_sent(
    make: Make, mode: Mode, server: Abilities
) -> None:
    system = job(make, mode, server)
    system.near.write("a", b"1", T, 0o640)
    there = system.far.write("a", b"1", T - 999, 0o640)
    report = await run(system)
    assert (report.files, system.far.entry("a")) == (0, there)
    await rests(system)


@SERVERS
async def test_a_download_has_the_time_of_the_listing_and_the_mode_of_the_umask(
    make: Make, server: Abilities
) -> None:
    system = job(make, Mode.DOWNLOAD, server)
    there = system.far.write("a", b"1", T, 0o600)
    await run(system)
    here = system.near.entry("a")
    assert here is not None and here.mtime_ns == there.mtime_ns
    assert here.mode == (0o600 if server.modes else BY_UMASK)  # the tree decides


@pytest.mark.parametrize(
    ("server", "time", "mode", "steps"),
    [
        (SECONDS, T + 5, 0o644, 0),
        (SECONDS, T, 0o600, 0),
        (SECONDS, T + SECOND, 0o644, 1),
        (LEAST, T + 99 * SECOND, 0o600, 0),
        (MODES, T, 0o600, 1),
    ],
)
@pytest.mark.parametrize("mode_of_job", [Mode.UPLOAD, Mode.BIDIRECTIONAL])
async def test_a_new_time_or_mode_is_a_step_only_if_it_would_show(
    make: Make, mode_of_job: Mode, server: Abilities, time: int, mode: int, steps: int
) -> None:
    system = job(make, mode_of_job, server)
    system.near.write("a", b"1", T)
    await run(system)
    before = system.far.entry("a")
    system.near.save("a", b"1", time)
    system.near.set_mode("a", mode)
    report = await run(system)
    assert (report.files, system.far.entry("a") == before) == (0, not steps)
    here = system.near.entry("a")
    assert here is not None and (here.mtime_ns, here.mode) == (time, mode), "it keeps its own"
    await rests(system)


async def test_the_servers_new_time_comes_here_and_the_mode_stays(make: Make) -> None:
    system = job(make, Mode.BIDIRECTIONAL)
    system.near.write("a", b"1", T, 0o600)
    await run(system)
    system.far.save("a", b"1", T + 9 * SECOND)
    assert (await run(system)).files == 0
    here = system.near.entry("a")
    assert here is not None and (here.mtime_ns // SECOND, here.mode) == (T // SECOND + 9, 0o600)
    await rests(system)


# -- renames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.BIDIRECTIONAL])
async def test_what_is_renamed_here_is_renamed_there(make: Make, mode: Mode) -> None:
    system = job(make, mode)
    for path in ("a", "b", "f/x"):
        system.near.write(path, big(path), T)
    await run(system)
    system.said()
    system.near.exchange("a", "b")
    system.near.move("f", "g")
    assert (await run(system)).files == 0
    assert sorted(system.said()) == ["moved a", "moved b", "moved g"]
    same(system)
    await rests(system)


@pytest.mark.parametrize("mode", [Mode.DOWNLOAD, Mode.BIDIRECTIONAL])
async def test_what_is_renamed_there_is_sent_again(make: Make, mode: Mode) -> None:
    system = job(make, mode)
    for path in ("a", "b", "f/x"):
        system.far.write(path, big(path), T)
    await run(system)
    system.said()
    system.far.exchange("a", "b")
    system.far.move("f", "g")
    assert (await run(system)).files == 3
    assert not [said for said in system.said() if said.startswith("moved")]
    same(system)
    await rests(system)


# -- links -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.BIDIRECTIONAL])
async def test_links_are_left_out_and_what_they_hide_stays(make: Make, mode: Mode) -> None:
    system = job(make, mode)
    for path in ("d/x", "d/e/y", "f", "g"):
        system.near.write(path, path.encode(), T)
    system.near.link("l", "f")
    report = await run(system)
    assert (report.links, report.first_link, report.errors) == (1, "l", 0)
    assert system.far.entry("l") is None
    there = system.far.files()
    for path in ("d", "f"):  # links take the place of what was delivered
        system.near.remove(path)
        system.near.link(path, "elsewhere")
    report = await run(system)
    assert (system.far.files(), report.links, system.far.trash) == (there, 3, [])
    await rests(system, again=False)
    system.far.write("d/e/new", b"1", T)  # below what a settled folder has as a link
    await run(system)
    entry = system.near.entry("d")
    assert entry is not None and entry.kind == LINK
    assert "d/e/new" in system.far.files()
    await rests(system, again=False)
    for path in ("d", "f"):
        system.near.remove(path)
    for _ in range(3):  # it comes back level by level
        await run(system)
    assert system.far.trash == []
    if mode is Mode.BIDIRECTIONAL:  # nothing is agreed on any more: it is the server's own
        same(system)
    await rests(system)


# -- looks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.DOWNLOAD, Mode.BIDIRECTIONAL])
async def test_a_file_that_may_be_growing_is_fetched_after_a_second_look(
    make: Make, mode: Mode
) -> None:
    system = job(make, mode, replace(SECONDS, atomic=False))
    system.rules = replace(system.rules, settle=2.0)

    async def look(seconds: float) -> bool:
        system.now += seconds
        report = await system.look()
        assert (report.again_in is None) is (report.files > 0)
        return report.files > 0

    now = int(system.now * 1e9)
    system.far.write("a", b"1", now)
    assert [await look(0), await look(1)] == [False, False]
    system.far.write("a", b"12", now)
    assert [await look(1), await look(1), await look(1)] == [False, False, True]
    assert system.near.files() == {"a": b"12"}
    system.far.write("old", b"1", now - 90_000 * SECOND)
    assert await look(0)


class Patchy(ForeignTree):
    """A server of which a folder cannot be listed."""

    missed: str | None = None

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        async for seen in super().observe(cursor):
            path = seen[0].path  # type: ignore[union-attr]
            problem = Problem(Code.UNREADABLE, "it cannot be listed", path)
            yield [Missed(path, problem)] if path == self.missed else seen


@pytest.mark.parametrize("mode", [Mode.DOWNLOAD, Mode.BIDIRECTIONAL])
async def test_folders_that_cannot_be_listed_are_unknown_and_those_not_listed_are_gone(
    make: Make, mode: Mode
) -> None:
    system = job(make, mode)
    system.far = far = Patchy("far", "server")
    for path in ("d/e/x", "d/y", "g/z"):
        far.write(path, path.encode(), T)
    await run(system)
    same(system)
    for path in ("d/e/x", "d/y", "g"):
        far.remove(path)
    far.missed = "d"
    system.now += 100
    report = await system.run().execute()
    assert [one.path for one in report.missed] == ["d"]
    assert sorted(system.near.files()) == ["d/e/x", "d/y", "g/z"], "nothing is deleted"
    far.missed = None
    await run(system)
    assert system.near.files() == {}
    await rests(system)
