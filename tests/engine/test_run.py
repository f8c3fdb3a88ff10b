"""Whole runs on trees in memory and a fake clock: what a job does, and what it never does."""

import copy
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.engine.binding import open_sides
from cargo_sync.model.agreed import AgreedColumns
from cargo_sync.model.events import Happened
from cargo_sync.model.jobs import After, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state import forgetting
from cargo_sync.state.events import Events
from cargo_sync.state.jobs import Binding
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.upkeep import empty_log
from cargo_sync.trees.contract import Brought, Delta, Observation
from tests.engine.killing import Fragile, Kill
from tests.engine.world import System
from tests.state.crash import Killed

Make = Callable[..., System]
BOTH = pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])


@pytest.fixture
def make(tmp_path: Path) -> Any:
    made: list[System] = []

    def new(mode: Mode = Mode.UPLOAD, **rules: Any) -> System:
        system = System(tmp_path, mode, **rules)
        made.append(system)
        return system

    yield new
    for system in made:
        system.database.close()


@BOTH
async def test_what_arrived_as_planned_is_settled_without_a_look_at_its_rows(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(_: bytes) -> AgreedColumns:
        raise AssertionError("agreements were decoded")

    monkeypatch.setattr(AgreedColumns, "decode", decoded)
    system = make(mode, exclude=("*.tmp",))
    for path in ("a", "in/b", "in/c"):
        system.source.write(path, b"content")
    assert (await system.run().execute()).files == 3
    assert system.memory.folders.unsettled(None, None, 10) == []


async def test_a_name_that_cannot_be_used_fails_alone_at_each_run_until_it_is_gone(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(Mode.DOWNLOAD)
    bad = Problem(Code.BAD_PATH, "the server has a name that cannot be used here", "../x")
    news: list[list[tuple[str, Problem | None]]] = [[("../x", bad)], [], [("../x", None)]]
    observe = system.far.observe

    async def with_news(cursor: int) -> AsyncIterator[Observation]:
        async for seen in observe(cursor):
            assert isinstance(seen, Delta)
            yield seen._replace(refused=news.pop(0))

    monkeypatch.setattr(system.far, "observe", with_news)
    system.source.write("good", b"good")
    for errors in (1, 1, 0):
        report = await system.run().execute()
        assert (report.errors, [one.path for one in report.problems]) == (errors, ["../x"][:errors])
        assert system.destination.files() == {"good": b"good"}
        system.restart()


@BOTH
async def test_everything_arrives_and_a_second_run_does_nothing(make: Make, mode: Mode) -> None:
    system = make(mode)
    system.source.write("film/reel 1.mov", b"x" * 3_000_000)
    system.source.write("film/takes/-é🎬.txt", b"take")
    system.source.write("a-b", b"1")
    system.source.write("a/x", b"")
    system.source.make("empty")
    system.source.link("latest", "film/reel 1.mov")

    run = system.run()
    report = await run.execute()

    assert report.errors == 0 and report.held == ""
    progress, total = run.progress, sum(map(len, system.source.files().values()))
    assert (progress.files_done, progress.files_total) == (5, 5), "folders are not files"
    assert (progress.bytes_done, progress.bytes_total) == (total, total)
    assert system.destination.files() == system.source.files()
    assert system.destination.entry("empty") is not None
    link = system.destination.entry("latest")
    assert link is not None and link.target == "film/reel 1.mov"
    system.said()
    again = await system.run().execute()
    assert (again.acted, again.files, system.said()) == (False, 0, [])


@BOTH
async def test_delivered_is_delivered(make: Make, mode: Mode) -> None:
    system = make(mode)
    system.source.write("a", b"1")
    system.source.write("b", b"1")
    await system.run().execute()
    system.destination.remove("a")
    system.destination.write("b", b"theirs")
    await system.run().execute()
    assert system.destination.files() == {"b": b"theirs"}

    system.source.write("a", b"22")
    system.source.write("b", b"22")
    system.said()
    await system.run().execute()
    assert system.destination.files() == {"a": b"22", "b": b"22"}
    assert system.destination.trash == [("b", b"theirs")]
    word = "uploaded" if mode is Mode.UPLOAD else "downloaded"
    assert system.said() == [f"{word} a", f"{word} b", "displaced b"]


@BOTH
async def test_first_contact_adopts_what_is_equal_and_sends_what_only_looks_so(
    make: Make, mode: Mode
) -> None:
    system = make(mode)
    for tree in (system.source, system.destination):
        tree.write("same", b"abc", mtime_ns=5)
    system.source.write("alike", b"abc", mtime_ns=5)
    system.destination.write("alike", b"xyz", mtime_ns=5)
    system.destination.write("theirs", b"only here")
    report = await system.run().execute()
    assert report.files == 1
    assert system.destination.files() == {"alike": b"abc", "same": b"abc", "theirs": b"only here"}
    assert system.destination.trash == [("alike", b"xyz")]


@BOTH
async def test_deletions_stay_unless_asked_for(make: Make, mode: Mode) -> None:
    system = make(mode)
    for name in "abc":
        system.source.write(f"f/{name}", b"1")
    await system.run().execute()
    system.source.remove("f")
    await system.run().execute()
    assert len(system.destination.files()) == 3


@BOTH
async def test_propagated_deletions_take_what_was_delivered_and_nothing_else(
    make: Make, mode: Mode
) -> None:
    system = make(mode, propagate=True)
    for name in ("keep", "f/a", "f/b", "g/sub/a", "g/sub/b"):
        system.source.write(name, name.encode())
    await system.run().execute()
    system.source.remove("f")
    system.source.remove("g")
    system.destination.write("f/theirs", b"new")
    system.destination.write("f/b", b"changed there")
    system.said()
    await system.run().execute()
    assert sorted(system.destination.files()) == ["f/b", "f/theirs", "keep"]
    assert system.destination.entry("g") is None
    assert sorted(system.destination.trash) == [
        ("f/a", b"f/a"),
        ("g/sub/a", b"g/sub/a"),
        ("g/sub/b", b"g/sub/b"),
    ]
    assert "kept f/b" in system.said()


@BOTH
async def test_the_guard_holds_a_mass_deletion_until_a_person_approves(
    make: Make, mode: Mode
) -> None:
    system = make(mode, propagate=True)
    for number in range(30):
        system.source.write(f"f/{number:02}", b"1")
    await system.run().execute()
    system.source.remove("f")
    system.source.write("new", b"arrives all the same")
    report = await system.run().execute()
    assert report.approvable and "would delete 30" in report.held
    assert len(system.destination.files()) == 31
    held = await system.run().execute()
    assert held.approvable and len(system.destination.files()) == 31
    passed = await system.look(approved=True)
    assert not passed.held and sorted(system.destination.files()) == ["new"]


async def test_the_guard_holds_a_mass_rewrite(make: Make) -> None:
    system = make()
    for number in range(40):
        system.source.write(f"{number:02}", b"plain")
    await system.run().execute()
    for number in range(40):
        system.source.write(f"{number:02}", b"encrypted by a stranger")
    report = await system.run().execute()
    assert report.approvable
    rewritten = [
        name for name, content in system.destination.files().items() if content != b"plain"
    ]
    assert len(rewritten) == 10, "a few are overwritten before the survey has ended"
    assert len(system.destination.trash) == 10
    assert "overwrite 30 of 40 files, after 10 in the last day ('10', '11'" in report.held
    for _ in range(3):
        again = await system.run().execute()
        assert len(system.destination.trash) == 10, "asking again is no approval"
        assert again.held == report.held
    system.restart()
    assert (await system.run().execute()).held == report.held
    plan = system.run()
    await plan.preview()
    page = system.memory.planned.page(plan.report.run, 0, 100)
    assert page and page.totals and (page.totals["overwrite"], page.totals["held"]) == (30, 1)
    await system.look(approved=True)
    assert len(system.destination.trash) == 40


@BOTH
@pytest.mark.parametrize("propagate", [False, True])
async def test_a_file_in_the_place_of_a_full_folder_is_held(
    make: Make, mode: Mode, propagate: bool
) -> None:
    """The destination's folder would go to the trash as a whole: each file in it counts."""
    system = make(mode, propagate=propagate)
    for number in range(12):
        system.source.write(f"archive/{number}", b"delivered")
    await system.run().execute()
    system.destination.write("archive/deep/own", b"not from this job")
    system.source.remove("archive")
    system.source.write("archive", b"a file of this name")

    preview = system.run()
    await preview.preview()
    page = system.memory.planned.page(preview.report.run, 0, 20)
    assert page and page.totals and page.totals["held"] == 1
    report = await system.run().execute()
    assert report.approvable
    assert (report.deletions, report.overwrites) == ((12, 2) if propagate else (0, 14))
    assert len(system.destination.files()) == 13
    await system.look(approved=True)
    assert system.destination.files() == {"archive": b"a file of this name"}


@BOTH
async def test_figures_of_a_held_run_after_a_reset(make: Make, mode: Mode) -> None:
    system = make(mode, propagate=True)
    for number in range(60):
        system.source.write(f"f/{number:02}", b"1")
    await system.run().execute()
    system.memory.jobs.bind("job", Binding("", "", ""))
    for number in range(35):
        system.source.write(f"f/{number:02}", b"2")
    system.source.write("new", b"3")
    report = await system.run().execute()
    assert "overwrite 25 of 61 files, after 10 in the last day" in report.held
    again = await system.run().execute()
    assert again.overwrites == 25, "nothing more is let through"
    assert again.held == report.held


@BOTH
async def test_what_waits_for_a_person_is_counted_in_full(make: Make, mode: Mode) -> None:
    system = make(mode, propagate=True)
    for number in range(60):
        system.source.write(f"f/{number:02}", b"1")
    await system.run().execute()
    for number in range(40):
        system.source.write(f"f/{number:02}", b"2")
    for number in range(40, 60):
        system.source.remove(f"f/{number:02}")
    report = await system.run().execute()
    assert (report.deletions, report.overwrites) == (20, 30)


@BOTH
async def test_a_file_takes_a_folders_place_and_back(make: Make, mode: Mode) -> None:
    system = make(mode)
    system.source.write("x/inside", b"1")
    await system.run().execute()
    system.source.remove("x")
    system.source.write("x", b"a file now")
    await system.run().execute()
    assert system.destination.files() == {"x": b"a file now"}
    assert system.destination.trash == [("x/inside", b"1")]
    system.source.remove("x")
    system.source.write("x/inside", b"2")
    await system.run().execute()
    await system.run().execute()
    assert system.destination.files() == {"x/inside": b"2"}


@BOTH
async def test_after_transfer_the_source_goes_and_that_is_no_deletion(
    make: Make, mode: Mode
) -> None:
    system = make(mode, after=After.DELETE)
    system.source.write("card/clip", b"1")
    await system.run().execute()
    assert system.source.files() == {} and system.source.trash == [("card/clip", b"1")]
    await system.run().execute()
    assert system.destination.files() == {"card/clip": b"1"}


async def test_after_transfer_a_source_that_changed_meanwhile_stays(make: Make) -> None:
    system = make(after=After.MOVE, move_to="done", exclude=("/done",))
    system.source.write("a", b"1")
    await system.run().execute()
    assert system.source.files() == {"done/a": b"1"}
    await system.run().execute()
    assert system.destination.files() == {"a": b"1"}


async def test_filters_leave_out_and_what_is_left_out_later_is_forgotten_not_deleted(
    make: Make,
) -> None:
    system = make(propagate=True, exclude=("*.tmp",))
    system.source.write("a.tmp", b"1")
    system.source.write("b.log", b"1")
    await system.run().execute()
    assert sorted(system.destination.files()) == ["b.log"]
    system.rules = type(system.rules)(
        "job", Mode.UPLOAD, propagate=True, exclude=("*.tmp", "*.log")
    )
    await system.run().execute()
    assert sorted(system.destination.files()) == ["b.log"]


async def test_a_file_that_is_being_written_waits_and_the_clock_alone_does_not_decide(
    make: Make,
) -> None:
    system = make()
    future = int((system.now + 86_400) * 1e9)
    system.source.write("growing", b"1", mtime_ns=int(system.now * 1e9))
    system.source.write("camera", b"1", mtime_ns=future)
    report = await system.run().execute()
    assert (report.files, report.again_in) == (0, 2.0)
    system.now += 2
    report = await system.run().execute()
    assert sorted(system.destination.files()) == ["camera", "growing"]


async def test_one_bad_file_fails_alone_and_is_tried_again_later(make: Make) -> None:
    system = make()
    system.source.write("good", b"1")
    system.source.write("bad", b"1")
    run = system.run()
    await run.execute()
    good_read = system.source.read

    def read(path: str) -> bytes:
        if path == "worse":
            from cargo_sync.model.problems import Problem, ProblemError

            raise ProblemError(Problem(Code.UNREADABLE, "may not be read", path))
        return good_read(path)

    system.source.read = read  # type: ignore[method-assign]
    system.source.write("worse", b"1")
    system.source.write("fine", b"1")
    report = await system.run().execute()
    assert report.errors == 1 and "fine" in system.destination.files()
    assert len(system.memory.failures) == 1
    await system.run().execute()
    assert len(system.memory.failures) == 1, "it waits, and is still an error"
    system.source.read = good_read  # type: ignore[method-assign]
    system.now += 10
    await system.run().execute()
    assert len(system.memory.failures) == 0 and "worse" in system.destination.files()


@BOTH
async def test_a_preview_says_all_and_does_nothing(make: Make, mode: Mode) -> None:
    system = make(mode, propagate=True)
    system.source.write("gone", b"1")
    await system.run().execute()
    system.source.remove("gone")
    system.source.write("f/new", b"22")
    preview = system.run()
    await preview.preview()
    page = system.memory.planned.page(preview.report.run, 0, 100)
    assert page is not None and page.totals is not None
    assert sorted(f"{one.action.op} {one.action.path}" for one in page.actions) == [
        "delete gone", "mkdir f", "put f/new",
    ]  # fmt: skip
    assert {key: count for key, count in page.totals.items() if count} == {
        "bytes": 2, "delete": 1, "mkdir": 1, "put": 1,
    }  # fmt: skip
    assert system.destination.files() == {"gone": b"1"}
    await system.run().execute()
    assert system.destination.files() == {"f/new": b"22"}


async def test_another_root_is_first_contact_and_deletes_nothing(make: Make) -> None:
    system = make(propagate=True)
    for number in range(5):
        system.source.write(str(number), b"1")
    await system.run().execute()
    system.near = type(system.near)("near", "another card")
    system.near.write("new", b"1")
    system.said()
    await system.run().execute()
    assert sorted(system.destination.files()) == ["0", "1", "2", "3", "4", "new"]
    assert "the local folder is not the one of the last run" in system.events[0].message
    assert system.said() == ["reset", "uploaded new"]

    system.near.remove("new")
    await system.run().execute()
    assert system.said() == ["deleted new"], "the other root is the one of the last run now"


@BOTH
async def test_what_a_changed_rule_lets_in_is_brought_over_although_no_folder_changed(
    make: Make, mode: Mode
) -> None:
    system = make(mode, exclude=("*.tmp",))
    system.source.write("f/a.tmp", b"1")
    for _ in range(3):
        await system.run().execute()
    assert system.destination.files() == {}
    system.rules = type(system.rules)("job", mode)
    await system.run().execute()
    assert system.destination.files() == {"f/a.tmp": b"1"}


@BOTH
async def test_another_root_that_appears_after_the_survey_is_not_deleted_from(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode, propagate=True)
    for number in range(5):
        system.source.write(str(number), b"1")
    await system.run().execute()
    system.source.remove("0")
    system.said()
    transfer = system.far.transfer

    async def exchanged(*args: Any) -> AsyncIterator[Brought]:
        """All is surveyed and moved; then somebody mounts another disk in the same place."""
        async for brought in transfer(*args):
            yield brought
        system.destination._identity = "another disk"

    monkeypatch.setattr(system.far, "transfer", exchanged)
    report = await system.run().execute()
    assert sorted(system.destination.files()) == ["0", "1", "2", "3", "4"]
    assert (report.acted, system.said()) == (False, ["reset"])


@BOTH
async def test_who_was_away_for_a_hundred_days_sees_deletions_as_deletions(
    make: Make, mode: Mode
) -> None:
    system = make(mode, propagate=True)
    for number in range(30):
        system.source.write(f"sub/{number}", b"1")
    system.source.write("old/only", b"1")
    await system.run().execute()
    far = system.far
    far.write("kept", b"1") if mode is Mode.DOWNLOAD else None
    for path in ("sub/1", "sub/2", "old"):
        far.remove(path)
    far.forget_gone()
    system.said()
    await system.run().execute()
    if mode is Mode.DOWNLOAD:
        assert sorted(system.said()) == [
            "deleted old", "deleted old/only", "deleted sub/1", "deleted sub/2", "downloaded kept",
        ]  # fmt: skip
        assert len(system.near.files()) == 29
    else:
        # Delivered is delivered: what somebody took away there is not sent again.
        assert system.said() == [] and len(far.files()) == 28
    again = await system.run().execute()
    assert (again.acted, system.said()) == (False, [])


async def test_a_first_listing_that_was_cut_long_ago_leaves_no_file_that_is_gone(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it stored is not true any more, and the server does not list this deletion."""
    system = make(Mode.DOWNLOAD)
    system.source.write("gone", b"1")

    def cut(*_: object) -> None:
        raise ProblemError(Problem(Code.CUT, "cut"))

    with monkeypatch.context() as patch, suppress(ProblemError):
        patch.setattr(system.memory.jobs, "set_far_cursor", cut)
        await system.run().execute()
    system.source.remove("gone")
    system.far.forget_gone()
    system.source.write("new", b"2")
    await system.run().execute()
    assert system.destination.files() == {"new": b"2"}
    assert len(system.memory.failures) == 0


async def test_a_mass_deletion_during_a_long_absence_is_held(make: Make) -> None:
    system = make(Mode.DOWNLOAD, propagate=True)
    for number in range(30):
        system.source.write(str(number), b"1")
    await system.run().execute()
    for number in range(25):
        system.source.remove(str(number))
    system.far.forget_gone()
    report = await system.run().execute()
    assert (report.approvable, report.deletions, len(system.near.files())) == (True, 25, 30)
    await system.look(approved=True)
    assert len(system.near.files()) == 5


@pytest.mark.parametrize("restored", [False, True])
async def test_a_kill_while_the_server_is_looked_at_anew_hides_no_deletion_and_invents_none(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restored: bool
) -> None:
    monkeypatch.setattr(forgetting, "SLICE", 1)
    system = make(Mode.DOWNLOAD, propagate=True)
    system.near = Fragile("near", "local")
    for path in ("0", "1", "sub/2"):
        system.source.write(path, b"1")
    await system.run().execute()
    if restored:
        system.far = type(system.far)("far", "server", lineage="of the restored one")
        for path in ("1", "sub/2"):
            system.source.write(path, b"1")
    else:
        system.source.write("new", b"1")
        system.source.remove("0")
        system.far.forget_gone()
    empty_log(system.database)  # all of it is in the one file
    approved = {Code.SERVER_RESTORED} if restored else set()
    at = 0
    while True:
        image, kill = tmp_path / f"{at}.db", Kill()
        shutil.copyfile(tmp_path / "state.db", image)
        near = copy.deepcopy(system.near)
        near.kill = kill
        with SqliteDatabase.open(str(image), "daemon", kill) as database:
            one = System(database, Mode.DOWNLOAD, propagate=True)
            one.near, one.far = near, system.far
            kill.at = at
            with suppress(Killed):
                await one.run().execute(approved=approved)
            whole, kill.at = kill.at >= 0, None
        with SqliteDatabase.open(str(image), "daemon") as database:
            one = System(database, Mode.DOWNLOAD, propagate=True)
            one.near, one.far = near, system.far
            try:
                await one.run().execute()
            except ProblemError:  # the kill came before the approval was written down
                await one.run().execute(approved=approved)
            assert near.trash == ([] if restored else [("0", b"1")])
            there = ["0", "1", "sub/2"] if restored else ["1", "new", "sub/2"]
            assert sorted(near.files()) == there
            told = [row.event.happened for row in Events(database).last(10)]
            assert told.count(Happened.RESET) == restored
        if whole:
            assert at > 6, "it was killed at some writes"
            return
        at += 1


async def test_a_first_contact_is_noted_in_one_commit(tmp_path: Path) -> None:
    done: list[str] = []
    with SqliteDatabase.open(str(tmp_path / "state.db"), "daemon", done.append) as database:
        one = System(database)
        for commits in (1, 0):
            done.clear()
            await open_sides(one.rules, one.near, one.far, one.memory, one.world(), one._tell)
            assert done.count("COMMIT") == commits
