"""Runs with failures: what is reported, what is tried again, and what is left alone."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.engine.execution import batches
from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.jobs import After, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError, damaged_there
from cargo_sync.model.transfers import Receipt
from cargo_sync.plan.guard import Held
from cargo_sync.testing import tree as memory
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.pump import pump
from tests.engine.world import System, Unreadable

Make = Callable[..., System]
BOTH = pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[System] = []

    def new(mode: Mode = Mode.UPLOAD, **rules: Any) -> System:
        made.append(System(tmp_path, mode, **rules))
        return made[-1]

    yield new
    for system in made:
        system.database.close()


@BOTH
@pytest.mark.parametrize("pattern", ["cache", "cache/", "/cache"])
async def test_a_folder_left_out_later_is_forgotten_with_all_that_is_in_it(
    make: Make, mode: Mode, pattern: str
) -> None:
    system = make(mode, propagate=True)
    system.source.write("cache/deep/x", b"1")
    system.source.write("y", b"1")
    await system.run().execute()
    system.rules = type(system.rules)("job", mode, propagate=True, exclude=(pattern,))
    if mode is Mode.UPLOAD:
        system.source.remove("cache")  # as a scan sees it, which does not look into it
    else:
        system.source.write("cache/deep/new", b"2")
        system.source.write("cache/deep/x", b"2")
    report = await system.run().execute()
    assert not report.acted
    assert system.destination.files() == {"cache/deep/x": b"1", "y": b"1"}


def vanishing(tree: MemoryTree, path: str) -> Callable[[str], bytes]:
    """A person removes a file at the moment when it is read."""
    read = tree.read

    def vanish(wanted: str) -> bytes:
        if wanted == path and path in tree.files():
            tree.remove(path)
            raise ProblemError(Problem(Code.VANISHED, f"{path!r} is not there any more", path))
        return read(wanted)

    return vanish


@BOTH
async def test_a_file_that_vanishes_before_it_is_read_is_no_error(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode)
    system.source.write("here", b"1")
    system.source.write("gone", b"1")
    monkeypatch.setattr(system.source, "read", vanishing(system.source, "gone"))
    report = await system.run().execute()
    assert (report.errors, report.again_in) == (0, 2.0)
    assert not [said for said in system.said() if said.startswith("failed")]
    system.now += 2
    report = await system.run().execute()
    assert (report.errors, report.again_in, len(system.memory.failures)) == (0, None, 0)


@pytest.mark.parametrize("code", [Code.CHANGED, Code.VANISHED, Code.OCCUPIED])
async def test_a_plan_that_is_out_of_date_is_told_only_when_it_happens_again(
    make: Make, monkeypatch: pytest.MonkeyPatch, code: Code
) -> None:
    system = make()
    system.source.write("a", b"1")
    monkeypatch.setattr(system.far, "blocked", lambda path: Problem(code, f"{code}: a", path))
    report = await system.run().execute()
    assert (report.errors, report.again_in, system.said()) == (0, 2.0, [])
    system.now += 2
    report = await system.run().execute()
    assert (report.errors, system.said()) == (1, ["failed a"])


@BOTH
async def test_what_is_damaged_waits_for_another_source(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode)
    system.source.write("a", b"1")
    system.source.write("b", b"1")
    monkeypatch.setattr(
        system.destination, "blocked", lambda path: damaged_there(path) if path == "a" else None
    )
    report = await system.run().execute()
    assert report.errors == 1 and system.destination.files() == {"b": b"1"}
    [said] = [said for said in system.said() if said.startswith("failed")]
    assert said == "failed a"
    system.now += 100_000
    report = await system.run().execute()
    assert (report.errors, system.said(), len(system.memory.failures)) == (0, [], 1)
    monkeypatch.undo()
    system.now += 100_000
    await system.run().execute()
    assert "a" not in system.destination.files()
    system.source.write("a", b"2")
    system.now += 100_000
    await system.run().execute()
    assert system.destination.files()["a"] == b"2" and not len(system.memory.failures)


async def test_a_file_that_changes_again_and_again_is_told(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make()
    system.source.write("log", b"1")

    def read(path: str) -> bytes:
        raise ProblemError(Problem(Code.CHANGED, f"{path!r} changed while it was read", path))

    monkeypatch.setattr(system.source, "read", read)
    said = []
    for _ in range(3):
        await system.run().execute()
        said.append(system.said())
        system.now += 1000
    assert said == [[], ["failed log"], ["failed log"]]


@BOTH
async def test_a_source_that_could_not_be_retired_is_tried_again(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode, after=After.DELETE)
    system.source.write("a", b"1")

    async def retire(*_: object) -> Problem:
        return Problem(Code.UNREADABLE, "this folder may not be changed", "a")

    with monkeypatch.context() as patched:
        patched.setattr(system.source, "retire", retire)
        assert (await system.run().execute()).errors == 1
    await system.run().execute()
    assert len(system.memory.failures) == 1, "it waits for its time, and still is an error"
    system.now += 1000
    await system.run().execute()
    assert system.source.files() == {} and len(system.memory.failures) == 0


@BOTH
async def test_a_deletion_that_failed_keeps_its_folder_and_is_tried_again(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode, propagate=True)
    system.source.write("f/g/a", b"1")
    system.source.write("f/g/b", b"1")
    await system.run().execute()
    system.source.remove("f")
    apply = system.destination.apply

    async def busy(actions: Sequence[Action], run: str) -> list[Outcome]:
        bad = Problem(Code.DISK_ERROR, "a bad disk", "f/g/a")
        return [
            Outcome(one, problem=bad) if one.path == "f/g/a" else (await apply([one], run))[0]
            for one in actions
        ]

    with monkeypatch.context() as patched:
        patched.setattr(system.destination, "apply", busy)
        await system.run().execute()
    assert system.destination.files() == {"f/g/a": b"1"}
    system.said()
    system.now += 1000
    await system.run().execute()
    assert system.destination.entry("f") is None
    assert sorted(system.said()) == ["deleted f", "deleted f/g", "deleted f/g/a"]


@BOTH
async def test_what_only_looked_the_same_is_displaced_with_a_notice(make: Make, mode: Mode) -> None:
    system = make(mode)
    system.source.write("a", b"abc", mtime_ns=5)
    system.destination.write("a", b"xyz", mtime_ns=5)
    await system.run().execute()
    word = "uploaded" if mode is Mode.UPLOAD else "downloaded"
    assert system.said() == [f"{word} a", "displaced a"]


@BOTH
async def test_a_hash_that_cannot_be_had_fails_alone(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode)
    for tree in (system.source, system.destination):
        for name in "ab":
            tree.write(name, b"abc", mtime_ns=5)
    bad = Problem(Code.UNREADABLE, "this file may not be read", "a")
    hashed = system.destination._hash
    monkeypatch.setattr(
        system.destination, "_hash", lambda path, entry: bad if path == "a" else hashed(path, entry)
    )
    report = await system.run().execute()
    assert (report.errors, system.said()) == (1, ["failed a", "adopted b"])
    assert system.destination.trash == []


async def test_the_time_that_content_takes_is_not_the_surveys(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_FILES", 1)
    system = make()
    for name in "abc":
        system.source.write(f"{name}/x", b"1")

    def commit(self: Any, batch: int) -> Any:
        system.now += 3600
        return original(self, batch)

    original = memory.TreeSink.commit
    monkeypatch.setattr(memory.TreeSink, "commit", commit)
    report = await system.run().execute()
    assert len(system.far.files()) == 3 and system.now >= report.started + 3 * 3600
    assert report.surveyed < 1, "or the job would be deaf for hours"


@BOTH
async def test_a_plan_has_the_files_that_wait_for_their_retry(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode)
    system.source.write("a", b"1")
    refused = Problem(Code.UNREADABLE, "it cannot be written", "a")
    monkeypatch.setattr(system.destination, "blocked", lambda path: refused)
    await system.run().execute()
    system.source.write("b", b"1")

    async def planned() -> list[str]:
        run = system.run()
        await run.preview()
        page = system.memory.planned.page(run.report.run, 0, 100)
        assert page and page.totals and page.totals["put"] == len(page.actions)
        return [f"{one.action.path} {one.action.why}" for one in page.actions]

    assert await planned() == ["a waits for its retry", "b new"]
    source = system.source.entry("a")
    assert source is not None
    problem = Problem(Code.CANCELLED, "it was cancelled", "a")
    system.memory.failures.put_off("a", problem, (source.version, source.ident))
    assert await planned() == ["a cancelled by a person", "b new"]
    assert system.memory.failures.next_at() is None, "a plan changes nothing"


async def test_a_plan_counts_what_is_still_being_written(make: Make) -> None:
    system = make(settle=2.0)
    system.source.write("a", b"1", mtime_ns=int(system.now * 1e9))
    run = system.run()
    await run.preview()
    page = system.memory.planned.page(run.report.run, 0, 100)
    assert page and page.totals and (page.totals["put"], page.totals["waiting"]) == (0, 1)


async def cut_run(system: System, monkeypatch: pytest.MonkeyPatch, *, after: int) -> bool:
    """Whether a run gets somewhere that is cut after so many batches."""
    count = itertools.count()

    def cutting(*args: Any) -> list[Receipt]:
        if next(count) >= after:
            raise ProblemError(Problem(Code.CUT, "it was cut"))
        return pump(*args)

    run = system.run()
    with monkeypatch.context() as patched, pytest.raises(ProblemError):
        patched.setattr(memory, "pump", cutting)
        await run.execute()
    return run.report.advanced


async def test_what_counts_as_progress_of_a_run_that_is_cut(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_FILES", 1)
    system = make(Mode.DOWNLOAD)
    for name in "abc":
        system.source.write(name, b"1")
    has: dict[str, int] = {}
    monkeypatch.setattr(system.far, "resumed", lambda mode: has)
    assert await cut_run(system, monkeypatch, after=0), "the listing was stored"
    assert not await cut_run(system, monkeypatch, after=0)
    assert await cut_run(system, monkeypatch, after=1), "a file was committed"
    assert not await cut_run(system, monkeypatch, after=0)
    has["t1"] = 300_000
    assert await cut_run(system, monkeypatch, after=0), "the try before left something durable"
    assert not await cut_run(system, monkeypatch, after=0)


@pytest.mark.parametrize("unreadable", ["", "f", "f/sub", "other"])
async def test_a_listing_that_is_missing_deletes_nothing_anywhere(
    make: Make, unreadable: str
) -> None:
    system = make(propagate=True)
    tree = system.near = Unreadable("near", "local")
    for path in ("f/a", "f/sub/b", "gone", "other/c"):
        tree.write(path, b"1")
    await system.run().execute()
    tree.remove("gone")
    tree.unreadable = (unreadable,)
    report = await system.run().execute()
    assert report.errors == 1 and len(system.far.files()) == 4
    assert (report.waiting, [one.path for one in report.missed]) == (
        0 if unreadable == "" else 1,
        [unreadable],
    )
    tree.unreadable = ()
    report = await system.run().execute()
    assert (report.waiting, report.missed) == (0, [])
    assert sorted(system.far.files()) == ["f/a", "f/sub/b", "other/c"]


async def test_what_failed_in_a_folder_that_cannot_be_listed_now_is_remembered(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make()
    tree = system.near = Unreadable("near", "local")
    tree.write("f/a", b"1")

    def read(path: str) -> bytes:
        raise ProblemError(Problem(Code.UNREADABLE, "this file may not be read", path))

    monkeypatch.setattr(tree, "read", read)
    await system.run().execute()
    tree.unreadable = ("f",)
    await system.run().execute()
    assert system.memory.failures.paths() == {"f/a"}


@pytest.mark.parametrize("first", ["full", "guard"])
async def test_a_full_disk_does_not_hide_that_a_person_must_approve(make: Make, first: str) -> None:
    report = make().run().report
    full, held = Problem(Code.DISK_FULL, "the disk is full"), Held(20, 0, 30)
    if first == "full":
        report.fill(full)
        assert (report.held, report.approvable) == ("the disk is full", False)
    report.hold(Mode.UPLOAD, held)
    report.fill(full)
    assert report.approvable and report.held == str(held)


def cancelling(system: System, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person cancels `path` when content begins to move."""
    end = "source" if system.rules.mode is Mode.UPLOAD else "sink"
    begin = getattr(system.near, end)

    def begun(*args: Any) -> Any:
        system.far.cancel(path)
        return begin(*args)

    monkeypatch.setattr(system.near, end, begun)


@BOTH
async def test_what_a_person_cancelled_fails_alone_and_waits_for_another_source(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode)
    for name in "ab":
        system.source.write(name, name.encode())
    with monkeypatch.context() as patched:
        cancelling(system, "a", patched)
        report = await system.run().execute()
    assert (report.files, report.errors) == (1, 1)
    [failed] = [event for event in system.events if event.happened == "failed"]
    assert failed.details.code == "cancelled"
    assert failed.details.message == (
        "'a' was cancelled by a person (`cargo_ctl job sync job` takes it up again)"
    )
    for _ in range(3):
        system.now += 1_000_000
        assert (await system.run().execute()).files == 0
    assert system.destination.files() == {"b": b"b"}
    assert len(system.memory.failures) == 1, "it is still told"
    assert [path for path, _ in system.memory.transfers.all_put_off(system.memory.job_id)] == ["a"]
    system.source.write("a", b"another")
    assert (await system.run().execute()).files == 1
    assert system.destination.files() == {"a": b"another", "b": b"b"}
    assert len(system.memory.failures) == 0 and not system.memory.transfers.all_put_off(
        system.memory.job_id
    )


@BOTH
async def test_an_order_takes_up_what_was_cancelled(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode)
    system.source.write("a", b"1")
    with monkeypatch.context() as patched:
        cancelling(system, "a", patched)
        await system.run().execute()
    system.memory.failures.expedite()
    await system.run().execute()
    assert system.destination.files() == {"a": b"1"}
    assert len(system.memory.failures) == 0 and not system.memory.transfers.all_put_off(
        system.memory.job_id
    )


@BOTH
async def test_a_cancelled_file_that_is_gone_at_its_source_is_forgotten(
    make: Make, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = make(mode)
    system.source.write("a", b"1")
    with monkeypatch.context() as patched:
        cancelling(system, "a", patched)
        await system.run().execute()
    system.source.remove("a")
    await system.run().execute()
    assert len(system.memory.failures) == 0 and not system.memory.transfers.all_put_off(
        system.memory.job_id
    )
