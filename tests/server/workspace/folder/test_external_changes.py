"""Intake: what another program writes is noticed, and taken in once it is still. The clock is the
test's."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cargo_sync.lanes.waiting import commit
from cargo_sync.local.root import Root
from cargo_sync.local.system import System
from cargo_sync.local.watch import Watch, native
from cargo_sync.machines import settling
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import World
from cargo_sync.server.workspace.folder import external_changes
from cargo_sync.server.workspace.folder.comparison import Compared, FolderComparison, Still
from cargo_sync.server.workspace.folder.external_changes import AGED, SOON, ExternalChanges
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.operations import Mkdir
from cargo_sync.state.database import Database
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.offloads import inline
from tests.server.house import Heard, tokens, tracked
from tests.server.surroundings import Clock, until

SETTLE = 0.5
LATER = 4_000_000_000.0
"""A wall clock by which every file of the test is old."""


class Yard:
    """A folder with its intake; hints are given by hand, unless it `run`s."""

    def __init__(self, place: Path, database: Database, wall: float) -> None:
        self.place = place
        self.clock, self.heard = Clock(), Heard()
        world = World(Clock(wall), self.clock, lambda: 0.5, tokens(), inline, self.clock)
        self.folder = tracked(place, database, Clock(wall), self.heard)
        self.workspace = FolderWorkspace(self.folder, tokens())
        self.intake = ExternalChanges(
            self.workspace,
            world,
            SETTLE,
            interval=60.0,
            full_interval=3600.0,
            trash=TrashLimits(14 * 86_400.0),
            inotify=native(),
        )

    def names(self) -> list[str]:
        return [path for path, entry in self.workspace.changes(0, "", 1_000).rows if entry]

    async def after(self, seconds: float) -> list[str]:
        """What is known after a look, so much later."""
        self.clock.now += seconds
        await self.intake.look()
        return self.names()


@asynccontextmanager
async def yard(place: Path, wall: float = 0.0, *, watch: bool = False) -> AsyncIterator[Yard]:
    with (
        SqliteDatabase.open(str(place / "state.db"), "server") as database,
        pytest.MonkeyPatch.context() as patch,
    ):
        if not watch:
            patch.setattr(Watch, "start", lambda self: None)
        made = Yard(place / "files", database, wall)
        try:
            yield made
        finally:
            made.workspace.close()


async def test_a_first_scan_offers_what_is_old_at_once(tmp_path: Path) -> None:
    async with yard(tmp_path, LATER) as one:
        (one.place / "a" / "b").mkdir(parents=True)
        (one.place / "a" / "b" / "file").write_text("x")
        await one.intake.scan()
        assert one.names() == ["a", "a/b", "a/b/file"]


async def test_names_that_no_client_could_use_are_logged_once_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with yard(tmp_path, LATER) as one:
        (one.place / "old" / ".cargo_sync").mkdir(parents=True)
        for number in range(30):
            (one.place / os.fsdecode(b"bad%02d\xff" % number)).touch()
        (one.place / "good").touch()
        for _ in range(3):
            await one.intake.scan()
            assert (one.names(), one.workspace.unoffered) == (["good", "old"], 31)
        lines = [record.getMessage() for record in caplog.records]
        assert len(lines) == 21
        assert "more is not offered; from now on it is only counted" in lines[-1]
        assert r"files: not offered: 'bad" in lines[0]
        for file in one.place.glob("bad*"):
            file.unlink()
        await one.intake.scan()
        assert one.workspace.unoffered == 1
        assert len(caplog.records) == 21


async def test_hints_that_were_lost_during_a_scan_begin_another(tmp_path: Path) -> None:
    async with yard(tmp_path, LATER) as one:
        compare = one.workspace.compare

        def overflowing(
            folder: str, still: Still, names: AbstractSet[str] | None = None
        ) -> Compared:
            found = compare(folder, still, names)
            one.workspace.compare = compare  # type: ignore[method-assign]
            (one.place / "late").touch()
            one.intake.hint(None)
            one.clock.now += 7.0
            return found

        one.workspace.compare = overflowing  # type: ignore[method-assign]
        await one.intake._step()
        one.clock.now += 6.9  # others have their turn, for as long as the scan took
        await one.intake._step()
        assert one.names() == []
        one.clock.now += 0.1
        await one.intake._step()
        assert one.names() == ["late"]


async def test_more_new_files_than_are_watched_at_once_all_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "WATCHED", 3)
    async with yard(tmp_path) as one:
        await one.intake.scan()
        for number in range(8):
            (one.place / f"{number}").touch()
        one.intake.hint(dict.fromkeys({""}))
        counts = [len(await one.after(max(SOON, SETTLE))) for _ in range(4)]
        assert counts == [0, 3, 6, 8]


async def test_what_was_changed_within_a_minute_is_watched_first(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        (one.place / "file").write_text("x")
        touched = (one.place / "file").stat().st_ctime
        one.intake._world.wall.now = touched + AGED - 1  # type: ignore[attr-defined]
        await one.intake.scan()
        assert one.names() == []
        assert await one.after(SETTLE) == ["file"]


async def test_two_looks_alike_half_a_second_apart(tmp_path: Path) -> None:
    """Whatever the wall clock says."""
    async with yard(tmp_path, LATER) as one:
        (one.place / "file").write_text("x")
        one.intake.hint(dict.fromkeys({""}))
        assert await one.after(0.1) == []
        (one.place / "file").write_text("xy")
        assert await one.after(SETTLE) == []
        assert await one.after(SETTLE - 0.1) == []
        assert await one.after(0.1) == ["file"]


async def test_what_is_new_is_looked_into_all_the_way_down(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        (one.place / "a" / "b" / "c").mkdir(parents=True)
        (one.place / "a" / "b" / "c" / "file").write_text("x")
        one.intake.hint(dict.fromkeys({"", "a"}))
        assert await one.after(0.1) == ["a", "a/b", "a/b/c"]
        assert await one.after(SETTLE) == ["a", "a/b", "a/b/c", "a/b/c/file"]


async def test_deletions_need_no_settling(tmp_path: Path) -> None:
    async with yard(tmp_path, LATER) as one:
        (one.place / "file").write_text("x")
        await one.intake.scan()
        (one.place / "file").unlink()
        one.intake.hint(dict.fromkeys({""}))
        assert await one.after(0.1) == []


async def test_a_folder_that_is_away_deletes_nothing(tmp_path: Path) -> None:
    async with yard(tmp_path, LATER) as one:
        (one.place / "file").write_text("x")
        await one.intake.scan()
        one.place.rename(tmp_path / "away")
        one.intake.hint(dict.fromkeys({""}))
        with pytest.raises(ProblemError):
            await one.after(0.1)
        with pytest.raises(ProblemError):
            await one.intake.scan()
        assert one.names() == ["file"]


async def test_a_read_only_folder_with_other_numbers_is_known_by_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an image that is mounted with another loop device after a restart."""
    monkeypatch.setattr(System, "read_only", lambda self, fd: True)
    (tmp_path / "files" / "a").mkdir(parents=True)
    (tmp_path / "files" / "b").write_text("x")
    for device in ("5:1", "6:1"):
        monkeypatch.setattr(Root, "lasting_identity", device)
        async with yard(tmp_path, LATER) as one:
            await one.intake.scan()
            assert one.workspace.position(0).sequence == 2, "nothing is new"
    for other in ("empty", "only a"):
        monkeypatch.setattr(Root, "lasting_identity", "7:1")
        (tmp_path / "files" / "b").unlink(missing_ok=True)
        if other == "empty":
            (tmp_path / "files" / "a").rename(tmp_path / "a")
        else:
            (tmp_path / "a").rename(tmp_path / "files" / "a")
        with pytest.raises(ProblemError, match="is not the one that the server used"):
            async with yard(tmp_path, LATER):
                pytest.fail("it was taken for the known one")


async def test_a_problem_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with yard(tmp_path, LATER) as one:
        one.place.rename(tmp_path / "away")
        for _ in range(3):
            one.clock.now += 100
            await one.intake._step()
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert "nothing is deleted meanwhile" in caplog.text


class Reading:
    """Reading folders of a yard, some of which fail so many times."""

    def __init__(self, one: Yard, monkeypatch: pytest.MonkeyPatch, **failing: int) -> None:
        self.failing = failing
        self.looks: list[str] = []
        self._compare = one.workspace.compare
        monkeypatch.setattr(one.workspace, "compare", self._failing)

    def _failing(
        self, folder: str, still: Still, names: AbstractSet[str] | None = None
    ) -> Compared:
        self.looks.append(folder)
        if self.failing.get(folder, 0):
            self.failing[folder] -= 1
            raise ProblemError(Problem(Code.DISK_ERROR, f"{folder!r} had an error", folder))
        return self._compare(folder, still, names)


async def step_until(one: Yard, names: list[str]) -> list[float]:
    """Steps when they are due, 20 times at most; returns the waits."""
    waits: list[float] = []
    await one.intake._step()
    while sorted(one.names()) != names and len(waits) < 20:
        waits.append(one.intake._next() - one.clock.now)
        one.clock.now += waits[-1]
        await one.intake._step()
    return waits


async def test_a_folder_that_failed_is_scanned_again_soon_with_all_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path, LATER) as one:
        for folder in ("a/b", "c"):
            (one.place / folder).mkdir(parents=True)
        await one.intake._step()
        (one.place / "a" / "b" / "file").touch()
        (one.place / "c" / "other").touch()
        reading = Reading(one, monkeypatch, a=3)
        one.clock.now += 60
        everything = ["a", "a/b", "a/b/file", "c", "c/other"]
        assert await step_until(one, everything) == [0.75, 1.5, 3.0]
        assert reading.looks == ["", "a", "c", "a", "a", "a", "a/b"]
        assert one.intake._next() - one.clock.now == pytest.approx(60 - 5.25)


async def test_after_a_failure_of_the_whole_everything_is_scanned_again_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with yard(tmp_path, LATER) as one:
        await one.intake._step()
        Reading(one, monkeypatch, **{"": 8})
        (one.place / "file").touch()
        one.clock.now += 60
        waits = await step_until(one, ["file"])
        assert waits == [0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0, 60.0]
        assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_hinted_folder_that_failed_is_not_left_until_the_next_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path, LATER) as one:
        (one.place / "a").mkdir()
        await one.intake._step()
        (one.place / "a" / "file").touch()
        Reading(one, monkeypatch, a=1)
        one.intake.hint(dict.fromkeys({"a"}))
        one.clock.now += SOON
        assert await step_until(one, ["a", "a/file"]) == [0.75]


async def test_a_folder_that_is_gone_is_not_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path, LATER) as one:
        (one.place / "a").mkdir()
        await one.intake._step()
        Reading(one, monkeypatch, a=1)
        one.clock.now += 60
        await one.intake._step()
        (one.place / "a").rmdir()
        one.clock.now += 1
        await one.intake._step()
        assert not len(one.intake._failures)


async def test_a_lost_hint_asks_for_a_scan_of_everything(tmp_path: Path) -> None:
    async with yard(tmp_path, LATER) as one:
        await one.intake._step()
        (one.place / "file").write_text("x")
        await one.intake._step()
        assert one.names() == []  # nobody hinted, and the next scan is a minute away
        one.intake.hint(None)
        one.clock.now += SETTLE
        await one.intake._step()
        assert one.names() == ["file"]


async def test_it_notices_by_itself(tmp_path: Path) -> None:
    """The real watcher: it hints, and the intake looks; time passes with the looks."""
    async with yard(tmp_path, watch=True) as one:
        running = asyncio.ensure_future(one.intake.run())
        await until(lambda: one.intake._watch is not None, asyncio.sleep)

        def noticed() -> bool:
            one.clock.now += 0.3
            one.intake._woken.set()
            return "dropped" in one.names()

        (one.place / "dropped").write_text("x")
        await until(noticed, asyncio.sleep)
        running.cancel()
        await asyncio.wait({running})


async def test_where_each_change_is_hinted_full_scans_are_rare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watch, "complete", True)
    async with yard(tmp_path, LATER) as one:
        await one.intake._step()
        (one.place / "file").touch()
        for _ in range(59):
            one.clock.now += 60
            await one.intake._step()
        assert one.names() == [], "nobody hinted"
        one.clock.now += 60
        await one.intake._step()
        assert one.names() == ["file"]
        (one.place / "other").touch()
        monkeypatch.setattr(Watch, "complete", False)
        one.intake.hint(None)  # as when a new folder cannot be watched
        await one.intake._step()
        (one.place / "third").touch()
        one.clock.now += 60
        await one.intake._step()
        assert one.names() == ["file", "other", "third"]


async def test_a_folder_that_is_opened_anew_is_watched_and_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watch, "complete", True)
    async with yard(tmp_path, LATER) as one:
        await one.intake._step()
        watch, attach = one.intake._watch, one.workspace.attach
        monkeypatch.setattr(one.workspace, "attach", lambda: attach() or True)
        (one.place / "file").touch()
        one.clock.now += 60
        await one.intake._step()
        assert one.names() == ["file"] and one.intake._watch is not watch


async def test_a_hint_with_names_costs_these_names(tmp_path: Path) -> None:
    async with yard(tmp_path, LATER) as one:
        for path in ("a/kept", "a/gone", "a/changed"):
            (one.place / path).parent.mkdir(exist_ok=True)
            (one.place / path).touch()
        await one.intake.scan()
        (one.place / "a" / "kept").unlink()
        (one.place / "a" / "gone").unlink()
        (one.place / "a" / "changed").write_text("more")
        (one.place / "a" / "new" / "deep").mkdir(parents=True)
        (one.place / "a" / "new" / "deep" / "file").touch()
        (one.place / "a" / "unhinted").touch()
        one.intake.hint({"a": frozenset({"gone", "changed", "new", "never", "bad\udcff"})})
        assert await one.after(SOON) == [
            "a", "a/changed", "a/kept", "a/new", "a/new/deep",
        ]  # fmt: skip
        assert "a/new/deep/file" in await one.after(SETTLE)
        entry = one.folder.look("a/changed")
        assert entry is not None and entry.entry.size == 4
        one.intake.hint({"a": frozenset({"never"})})
        one.intake.hint({"a": None})
        await one.after(SETTLE)
        names = await one.after(SETTLE)
        assert "a/unhinted" in names and "a/kept" not in names


async def test_too_many_names_are_the_whole_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_changes, "NAMES", 2)
    async with yard(tmp_path, LATER) as one:
        await one.intake.scan()
        (one.place / "d").mkdir()
        one.intake.hint({"": frozenset({"a", "b"})})
        one.intake.hint({"": frozenset({"c"})})
        assert await one.after(SOON) == ["d"]


async def test_what_was_recorded_just_now_is_not_compared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what another program did to it since."""
    async with yard(tmp_path, LATER) as one:
        (one.place / "a").mkdir()
        for name in ("same", "changed"):
            (one.place / "a" / name).write_text("1")
        await one.intake.scan()
        compared: list[str] = []
        compare = one.folder._compare_some

        def noted(comparison: FolderComparison, names: Sequence[str]) -> None:
            compared.extend(names)
            compare(comparison, names)

        monkeypatch.setattr(one.folder, "_compare_some", noted)
        (one.place / "a" / "changed").write_text("2")
        one.intake.hint({"a": frozenset({"same", "changed"})})
        await one.after(SOON)
        assert compared == ["changed"]


async def test_a_folder_that_is_as_recorded_costs_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever differs is found all the same."""
    async with yard(tmp_path, LATER) as one:
        for path in ("a/sub", "a/other"):
            (one.place / path).mkdir(parents=True)
        (one.place / "a" / "file").write_text("1")
        await one.intake.scan()
        compared: list[str] = []
        compare = one.folder._compare_part

        def told(
            comparison: FolderComparison, names: Sequence[str], after: str, upto: str
        ) -> tuple[int, str]:
            compared.append(comparison.folder)
            return compare(comparison, names, after, upto)

        monkeypatch.setattr(one.folder, "_compare_part", told)
        await one.intake.scan()
        assert compared == []
        differences: list[Callable[[], object]] = [
            lambda: (one.place / "a" / "file").write_text("22"),
            lambda: (one.place / "a" / "new").touch(),
            lambda: (one.place / "a" / "new").unlink(),
            lambda: (one.place / "a" / "sub").chmod(0o700),
            lambda: (one.place / "a" / "other").rename(one.place / "a" / "moved"),
        ]
        for change in differences:
            change()
            one.intake.hint({"a": None})
            await one.after(60.0)
            assert compared[0] == "a"
            await one.intake.scan()
            compared.clear()
        assert sorted(one.names()) == ["a", "a/file", "a/moved", "a/sub"]


async def test_a_folder_in_the_place_of_another_is_looked_through(tmp_path: Path) -> None:
    async with yard(tmp_path, LATER) as one:
        for name in ("a", "b"):
            (one.place / name).mkdir()
        (one.place / "a" / "file").touch()
        await one.intake.scan()
        (one.place / "a").rename(tmp_path / "away")
        (one.place / "b").rename(one.place / "a")
        await one.intake.scan()
        assert one.names() == ["a"]


async def test_an_empty_folder_is_recorded_too(tmp_path: Path) -> None:
    async with yard(tmp_path, LATER) as one:
        await one.intake.scan()
        (one.place / "a").mkdir()
        one.intake.hint({"a": None})
        assert await one.after(SOON) == ["a"]


async def test_a_hint_wakes_only_for_a_look_that_is_due_earlier(tmp_path: Path) -> None:
    """Hints of a burst are looked at together."""
    async with yard(tmp_path, LATER) as one:
        intake = one.intake
        now = one.clock.now
        for until, wakes in ((now + SOON / 2, False), (now + 2 * SOON, True), (-1.0, False)):
            intake._sleeps_until = until
            intake._woken.clear()
            intake.hint({"a": None})
            assert intake._woken.is_set() == wakes
        intake._sleeps_until = now + SOON / 2
        intake.hint(None)
        assert intake._woken.is_set(), "a scan is due at once"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is watched before it comes")
async def test_a_new_folder_that_comes_with_its_files_is_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless they could not be recorded, or somebody changes it."""
    async with yard(tmp_path, watch=True) as one:
        await one.intake._step()
        one.workspace.watched_by(one.intake)
        due = one.intake._due

        async def told(name: str) -> None:
            (one.place / name).mkdir()
            await until(lambda: name in due, asyncio.sleep)

        async def made(folder: str) -> None:
            one.workspace.change([Mkdir(folder, 0o755, 0)], "run")
            # Told after it has files, it would be looked at.
            await until(lambda: "" in due and folder in (due[""].names or ()), asyncio.sleep)

        def bring(folder: str) -> None:
            sink = one.workspace.sink("run")
            files = [f"{folder}/{number}" for number in range(16)]
            sink.begin(1, [Offer(path, 1, 0, 0o644, 1, 1, "ab" * 16) for path in files])
            for index in range(16):
                sink.whole(1, index, memoryview(b"x"))
            commit(sink, 1)

        await made("new")
        bring("new")
        await told("later")
        assert "new" not in due
        (one.place / "new" / "3").write_text("theirs")
        await until(lambda: "new" in due, asyncio.sleep)

        def broken(*_: object) -> list[int]:
            raise ProblemError(Problem(Code.DISK_FULL, "no room for rows"))

        await made("torn")
        await told("much later")
        due.clear()
        monkeypatch.setattr(one.folder.catalogue, "record", broken)
        with pytest.raises(ProblemError):
            bring("torn")
        await until(lambda: "torn" in due, asyncio.sleep)
        assert due["torn"].names is None
        assert one.intake._watch is not None
        one.intake._watch.stop()


async def test_a_file_that_is_about_to_be_recorded_is_looked_at_after_that(tmp_path: Path) -> None:
    """A commit has moved it into place, and syncs the disk."""
    async with yard(tmp_path) as one:
        for name in ("ours", "other"):
            (one.place / name).write_text(name)
        one.folder.arriving.add("ours")
        one.intake.hint({"": frozenset({"ours", "other"})})
        await one.after(SOON)
        assert await one.after(SETTLE) == ["other"]
        one.folder.arriving.end("ours")  # it was not recorded, or somebody wrote to it after that
        await one.after(SETTLE)
        assert await one.after(SETTLE) == ["other", "ours"]


async def test_a_folder_that_was_made_here_is_not_looked_at_because_it_is_there(
    tmp_path: Path,
) -> None:
    async with yard(tmp_path) as one:
        one.workspace.change([Mkdir("ours", None, 0), Mkdir("filled", None, 0)], "run")
        (one.place / "other").mkdir()
        (one.place / "filled" / "file").write_text("x")
        one.intake.hint({"": frozenset({"other"})} | dict.fromkeys(("ours", "other"), frozenset()))
        assert sorted(one.intake._due) == ["", "other"]
        one.intake.hint({"filled": frozenset({"file"})})
        await one.after(SOON)
        assert await one.after(SETTLE) == ["ours", "filled", "other", "filled/file"]
