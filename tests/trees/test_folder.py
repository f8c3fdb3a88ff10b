"""A real folder as the near side of whole runs, against a server in memory."""

import os
from collections.abc import Callable
from pathlib import Path
from socket import AF_UNIX, socket
from typing import Any

import pytest

from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.fresh_folders import StagedFolder
from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.lock import lock_root
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.publish import Moving, Placing
from cargo_sync.local.root import Root
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.entries import LATEST
from cargo_sync.model.jobs import DIRECTIONS, After, Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.state.folders import FolderState
from cargo_sync.trees import calls
from cargo_sync.trees.folder import FolderTree
from tests.descriptors import open_below
from tests.engine.world import System
from tests.local.samples import IN_2300, dated

Make = Callable[..., System]


@pytest.fixture
def make(tmp_path: Path) -> Any:
    made: list[System] = []

    def new(mode: Mode, **rules: Any) -> System:
        system = System(tmp_path, mode, **({"settle": 0} | rules))
        here = tmp_path / "here"
        if mode is Mode.UPLOAD:
            here.mkdir()

        def bound() -> str | None:
            job = system.memory.jobs.get("job")
            return job.binding.near if job and job.binding else None

        system.near = FolderTree(
            str(here),
            system.rules,
            system.world(),
            MemoryCheckpoints(),
            SpaceLedger(),
            MemoryAges(lambda: system.now),
            MemoryLedger(lambda: system.now),
            bound,
            lambda: system.memory.folders.counts()[0] > 0,
        )  # type: ignore[assignment]
        made.append(system)
        return system

    yield new
    for system in made:
        system.database.close()


def content(root: Path) -> dict[str, bytes]:
    """Files below `root` by path, without our own."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink() and ".cargo_sync" not in path.parts
    }


async def test_an_upload_reads_and_writes_nothing_at_its_source(make: Make, tmp_path: Path) -> None:
    system = make(Mode.UPLOAD)
    here = tmp_path / "here"
    (here / "a é").mkdir()
    (here / "a é" / "-x").write_bytes(b"1" * 3_000_000)
    (here / "empty").mkdir()
    os.symlink("a é/-x", here / "link")
    before = sorted(here.iterdir())
    report = await system.run().execute()
    assert report.errors == 0
    assert system.far.files() == {"a é/-x": b"1" * 3_000_000}
    link = system.far.entry("link")
    assert link is not None and link.target == "a é/-x"
    assert sorted(here.iterdir()) == before
    assert not (await system.run().execute()).acted


async def test_a_download_lands_with_times_and_modes(make: Make, tmp_path: Path) -> None:
    system = make(Mode.DOWNLOAD)
    system.far.write("f/x", b"abc", mtime_ns=1_600_000_000_123_456_789, mode=0o640)
    system.far.link("l", "f/x")
    system.far.make("empty")
    report = await system.run().execute()
    here = tmp_path / "here"
    found = (here / "f" / "x").stat()
    assert report.errors == 0
    assert content(here) == {"f/x": b"abc"}
    assert (found.st_mtime_ns, found.st_mode & 0o777) == (1_600_000_000_123_456_789, 0o640)
    assert os.readlink(here / "l") == "f/x" and (here / "empty").is_dir()
    assert not (await system.run().execute()).acted


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of more than eight names is cut, mostly after four."""
    monkeypatch.setattr("cargo_sync.local.root.MOST", 8)
    for module in ("model.large_folders", "state.parts", "state.deltas", "state.observations"):
        monkeypatch.setattr(f"cargo_sync.{module}.LONGEST", 8)
    monkeypatch.setattr("cargo_sync.model.large_folders.LONG", 4)
    monkeypatch.setattr("cargo_sync.model.large_folders.FEWER", 3)


class LargeFolder:
    """A folder at the source that grows and shrinks; after each run the destination has it."""

    def __init__(self, system: System, here: Path) -> None:
        self.system, self.here = system, here
        self.files: dict[str, bytes] = {}
        self.uploads = system.rules.mode is Mode.UPLOAD

    def write(self, name: str, text: bytes) -> None:
        self.files[f"in/{name}"] = text
        if self.uploads:
            (self.here / "in" / name).write_bytes(text)
        else:
            self.system.far.write(f"in/{name}", text)

    def remove(self, path: str) -> None:
        del self.files[path]
        if self.uploads:
            (self.here / path).unlink()
        else:
            self.system.far.remove(path)

    async def run(self) -> list[FolderState]:
        report = await self.system.look(approved=True)
        assert report.errors == 0
        there = self.system.far.files() if self.uploads else content(self.here)
        assert there == self.files
        assert not (await self.system.run().execute()).acted
        assert self.system.memory.folders.unsettled(None, None, 1) == []
        return list(self.system.memory.folders.below("in"))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])
async def test_a_large_folder_goes_in_parts(make: Make, tmp_path: Path, mode: Mode) -> None:
    folder = LargeFolder(make(mode, propagate=True, guard=None), tmp_path / "here")
    if folder.uploads:
        (tmp_path / "here" / "in").mkdir()
    for number in range(40):
        folder.write(f"{number:03}", b"%d" % number)
    states = await folder.run()
    assert len(states) > 5
    assert all(len(tree or ()) <= 8 for state in states for tree in (*state.sides, state.agreed))
    for path in list(folder.files)[::3]:
        folder.remove(path)
    folder.write("020", b"other")
    folder.write("020-b", b"new")
    assert len(await folder.run()) > 3
    for path in list(folder.files)[5:]:
        folder.remove(path)
    assert [state.first for state in await folder.run()] == [""]


async def test_what_a_download_displaces_is_in_the_trash(make: Make, tmp_path: Path) -> None:
    system = make(Mode.DOWNLOAD)
    here = tmp_path / "here"
    system.far.write("x", b"one")
    await system.run().execute()
    (here / "x").write_bytes(b"mine")
    system.far.write("x", b"two!")
    await system.run().execute()
    assert content(here) == {"x": b"two!"}
    kept = [path.read_bytes() for path in (here / ".cargo_sync" / "trash").rglob("x")]
    assert kept == [b"mine"]


async def test_what_filters_leave_out_in_a_folder_counts_before_it_is_replaced(
    make: Make, tmp_path: Path
) -> None:
    system = make(Mode.DOWNLOAD, exclude=("skip",), propagate=True)
    system.far.write("d/x", b"1")
    own = tmp_path / "here" / "d" / "skip" / "in"
    await system.look()
    own.mkdir(parents=True)
    for number in range(11):
        (own / str(number)).write_bytes(b"own")
    await system.look()
    system.far.remove("d")
    system.far.write("d", b"a file")
    for _ in range(2):
        system.memory.scope.everything()
        report = await system.look()
        [held] = report.holds.values()
        assert (held.deletions, held.overwrites) == (1, 12)
    assert len(content(tmp_path / "here")) == 12
    assert not (await system.look(approved=True)).held
    assert content(tmp_path / "here") == {"d": b"a file"}
    await system.look()
    assert system.memory.folders.unsettled(None, None, 9) == []


async def test_a_new_folder_that_came_with_its_files_goes_with_them(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(Mode.DOWNLOAD, propagate=True)
    here = tmp_path / "here"
    files = {f"new/{number:02d}": b"x" for number in range(16)}
    files |= {f"{number:02d}": b"y" for number in range(17)}
    for path, text in files.items():
        system.far.write(path, text)
    moved: list[str] = []
    move = Placing.move_folder

    def told(
        placing: Placing, staged: StagedFolder, files: int, moving: Moving
    ) -> os.stat_result | None:
        found = move(placing, staged, files, moving)
        moved.append(f"{staged.path} {found is not None}")
        return found

    monkeypatch.setattr(Placing, "move_folder", told)
    assert (await system.run().execute()).errors == 0
    assert moved == ["new True"]
    assert content(here) == files
    assert not (await system.run().execute()).acted
    system.far.remove("new/00")
    system.far.write("new/01", b"newer")
    assert (await system.run().execute()).errors == 0
    assert content(here)["new/01"] == b"newer"
    system.far.remove("new")
    assert (await system.run().execute()).errors == 0
    assert not (here / "new").exists()


async def test_a_download_that_lost_its_folder_writes_nothing_and_says_so(
    make: Make, tmp_path: Path
) -> None:
    system = make(Mode.DOWNLOAD, propagate=True)
    system.far.write("x", b"one")
    await system.run().execute()
    (tmp_path / "here").rename(tmp_path / "unmounted")
    with pytest.raises(ProblemError, match="does not exist"):
        await system.run().execute()
    (tmp_path / "here").mkdir()
    with pytest.raises(ProblemError, match="marker is missing"):
        await system.run().execute()
    assert list((tmp_path / "here").iterdir()) == []


async def test_an_unmounted_source_deletes_nothing(make: Make, tmp_path: Path) -> None:
    system = make(Mode.UPLOAD, propagate=True)
    (tmp_path / "here" / "x").write_bytes(b"1")
    await system.run().execute()
    (tmp_path / "here").rename(tmp_path / "unmounted")
    with pytest.raises(ProblemError):
        await system.run().execute()
    assert system.far.files() == {"x": b"1"}


async def test_delivered_sources_move_aside_or_into_the_trash(make: Make, tmp_path: Path) -> None:
    system = make(Mode.UPLOAD, after=After.MOVE, move_to="done", exclude=("/done",))
    here = tmp_path / "here"
    (here / "f").mkdir()
    (here / "f" / "x").write_bytes(b"1")
    await system.run().execute()
    assert content(here) == {"done/f/x": b"1"}
    (here / "f" / "x").write_bytes(b"2")
    await system.run().execute()
    assert content(here) == {"done/f/x": b"1", "done/f/x.1": b"2"}
    assert system.far.files() == {"f/x": b"2"}


async def test_names_that_are_not_utf8_fail_alone(make: Make, tmp_path: Path) -> None:
    system = make(Mode.UPLOAD)
    here = tmp_path / "here"
    (here / "good").write_bytes(b"1")
    with open(os.fsencode(str(here)) + b"/bad\xff", "wb") as file:
        file.write(b"2")
    report = await system.run().execute()
    assert (report.errors, list(system.far.files())) == (1, ["good"])
    assert "UTF-8" in report.problems[0].message


async def test_one_folder_has_one_owner(make: Make, tmp_path: Path) -> None:
    system = make(Mode.DOWNLOAD)
    await system.run().execute()
    other = FolderTree(
        str(tmp_path / "here"),
        system.rules,
        system.world(),
        MemoryCheckpoints(),
        SpaceLedger(),
        MemoryAges(lambda: system.now),
        MemoryLedger(lambda: system.now),
        lambda: None,
    )
    with pytest.raises(ProblemError, match=r"in use by process \d+, the job 'job'"):
        await other.open()


@pytest.mark.parametrize("mode", DIRECTIONS)
async def test_a_closed_folder_is_free_for_others(make: Make, tmp_path: Path, mode: Mode) -> None:
    system = make(mode)
    (system.far.write if mode is Mode.DOWNLOAD else _writer(tmp_path / "here"))("a/x", b"one")
    assert (await system.run().execute()).files == 1
    await system.near.close()
    assert open_below(tmp_path / "here") == []
    lock_root(Root.open(str(tmp_path / "here")), "another", leave_name=False)
    with pytest.raises(ProblemError, match="in use by process"):
        await system.run().execute()


def _writer(folder: Path) -> Callable[[str, bytes], None]:
    def write(path: str, content: bytes) -> None:
        (folder / path).parent.mkdir()
        (folder / path).write_bytes(content)

    return write


async def test_what_a_kill_left_in_staging_is_cleared_away(make: Make, tmp_path: Path) -> None:
    system = make(Mode.DOWNLOAD)
    staging = tmp_path / "here" / ".cargo_sync" / "staging"
    staging.mkdir(parents=True, mode=0o700)
    (staging / "1-2.new").write_bytes(b"half a file")
    os.utime(staging / "1-2.new", (1, 1))
    system.far.write("x", b"one")
    await system.run().execute()
    assert content(tmp_path / "here") == {"x": b"one"}
    assert list(staging.iterdir()) == []


async def test_an_upload_folder_that_is_held_names_the_process(make: Make, tmp_path: Path) -> None:
    if not os.access("/proc/locks", os.R_OK):
        pytest.skip("the system does not tell")
    system = make(Mode.UPLOAD)
    await system.run().execute()
    other = FolderTree(
        str(tmp_path / "here"),
        system.rules,
        system.world(),
        MemoryCheckpoints(),
        SpaceLedger(),
        MemoryAges(lambda: system.now),
        MemoryLedger(lambda: system.now),
        lambda: None,
    )
    with pytest.raises(ProblemError, match=rf"in use by process {os.getpid()}\b"):
        await other.open()


async def test_a_cut_transfer_nobody_goes_on_with_leaves_nothing(
    make: Make, tmp_path: Path
) -> None:
    system = make(Mode.DOWNLOAD)
    await system.run().execute()
    part = tmp_path / "here" / ".cargo_sync" / "staging" / f"{'ab' * 16}.part"
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(b"half of it")
    for kept in (True, True, False):  # it begins to age when it is first seen
        system.now += 4 * 86_400
        await system.run().execute()
        assert part.exists() == kept


@pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])
async def test_a_time_that_cannot_be_kept_travels_as_the_nearest_and_only_once(
    make: Make, tmp_path: Path, mode: Mode
) -> None:
    system = make(mode, propagate=True)
    if mode is Mode.UPLOAD:
        (tmp_path / "here" / "a").write_text("a")
        dated(tmp_path / "here" / "a", IN_2300)
    else:
        system.far.write("a", b"a", LATEST)
    for files in (1, 0, 0):
        report = await system.run().execute()
        assert (report.errors, report.files) == (0, files)
        notices = [
            "'a' has the time 2300-01-01 00:00:00 UTC; its copies get the nearest possible one, "
            "2262-04-11 23:47:16 UTC"
        ]
        assert [str(one) for one in report.notices] == (notices if mode is Mode.UPLOAD else [])
    if mode is Mode.UPLOAD:
        [found] = [system.far.entry("a")]
        assert found is not None and found.mtime_ns == LATEST
        dated(tmp_path / "here" / "a", IN_2300 + 86_400)
        (tmp_path / "here" / "a").write_text("b")
        dated(tmp_path / "here" / "a", IN_2300)
        system.now += 60
        await system.run().execute()
        assert system.far.files() == {"a": b"b"}
    elif (kept := (tmp_path / "here" / "a").stat().st_mtime_ns) != LATEST:
        pytest.skip(f"this file system keeps {kept}")


async def test_what_is_no_file_is_left_out_and_the_links_of_a_file_become_files(
    make: Make, tmp_path: Path
) -> None:
    system = make(Mode.UPLOAD, propagate=True)
    here = tmp_path / "here"
    (here / "one").write_text("same")
    os.link(here / "one", here / "two")
    os.mkfifo(here / "pipe")
    with socket(AF_UNIX) as listener:
        listener.bind(str(here / "socket"))
    report = await system.run().execute()
    assert [(one.code, one.path) for one in report.notices] == [
        ("special", "pipe"),
        ("special", "socket"),
    ]
    assert (report.left_out, report.errors) == ([], 0)
    assert system.far.files() == {"one": b"same", "two": b"same"}
    with (here / "two").open("a") as file:
        file.write("!")
    system.now += 60
    await system.run().execute()
    assert system.far.files() == {"one": b"same!", "two": b"same!"}
    (here / "one").unlink()
    os.mkfifo(here / "one")
    system.now += 60
    await system.run().execute()
    assert set(system.far.files()) == {"two"}, "the file is gone"


async def test_an_empty_folder_in_the_place_of_a_known_source_is_an_unmounted_disk(
    make: Make, tmp_path: Path
) -> None:
    system = make(Mode.UPLOAD, propagate=True, exclude=("desktop.ini",))
    here, away = tmp_path / "here", tmp_path / "away"
    (here / "x").write_bytes(b"one")
    await system.run().execute()
    here.rename(away)
    here.mkdir()
    (here / "desktop.ini").write_bytes(b"left out")
    for _ in range(2):
        with pytest.raises(ProblemError, match="is not the folder of the last run") as raised:
            await system.run().execute()
        assert raised.value.problem.code == "root_replaced"
    (here / "desktop.ini").unlink()
    here.rmdir()
    away.rename(here)
    report = await system.run().execute()
    assert (report.errors, report.acted, system.far.files()) == (0, False, {"x": b"one"})
    assert "reset" not in system.said()


async def test_another_source_with_content_begins_anew(make: Make, tmp_path: Path) -> None:
    system = make(Mode.UPLOAD, propagate=True)
    here = tmp_path / "here"
    (here / "x").write_bytes(b"one")
    await system.run().execute()
    here.rename(tmp_path / "away")
    here.mkdir()
    (here / "y").write_bytes(b"two")
    await system.run().execute()
    assert system.far.files() == {"x": b"one", "y": b"two"}


async def test_a_new_source_may_be_empty(make: Make) -> None:
    assert (await make(Mode.UPLOAD).run().execute()).errors == 0


async def test_a_folder_that_opens_after_it_was_let_go_is_closed_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening it took so long that it was not waited for."""
    monkeypatch.setattr(calls, "PATIENCE", 0.0)
    near = make(Mode.UPLOAD).near
    assert isinstance(near, FolderTree)
    take = near._take

    def slowly() -> None:
        near._end()
        take()

    near._take = slowly
    await near.open()
    assert (near._root, near._lock) == (None, None)
