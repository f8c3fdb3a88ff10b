"""The guard of a job over time: what is held, what a person decides, and what flows meanwhile."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from hashlib import shake_256
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.machines.scope import NearScope
from cargo_sync.model.jobs import DAY, GuardRules, Mode
from cargo_sync.state import guard_window
from cargo_sync.state.holds import Ruling
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.contract import Brought
from tests.engine.world import System, Unreadable


def original(number: int) -> bytes:
    return b"old %03d" % number


BOTH = pytest.mark.parametrize("mode", [Mode.UPLOAD, Mode.DOWNLOAD])
Make = Callable[..., System]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def system(mode: Mode = Mode.UPLOAD, files: int = 60, **rules: Any) -> System:
        made = System(tmp_path, mode, **{"settle": 0.0, "propagate": True} | rules)
        for number in range(files):
            made.source.write(f"{number:03}", original(number))
        return made

    return system


async def slowly(system: System, act: Callable[[str], object], seconds: float = 1.0) -> int:
    """Does something to one file after the other, with a look after each; the files left alone."""
    for path in sorted(system.source.files()):
        act(path)
        system.now += seconds
        await system.look()
    return sum(content.startswith(b"old") for content in system.destination.files().values())


@BOTH
async def test_files_that_are_deleted_one_by_one_are_held(make: Make, mode: Mode) -> None:
    system = make(mode)
    await system.look()
    assert await slowly(system, lambda path: system.source.remove(path)) == 30
    held = await system.look()
    assert "delete 30 and overwrite 0 of 60 files, after 30 in the last day" in held.held


@BOTH
async def test_files_that_are_overwritten_one_by_one_are_held(make: Make, mode: Mode) -> None:
    system = make(mode)
    await system.look()
    assert await slowly(system, lambda path: system.source.write(path, b"encrypted")) == 30
    system.restart()
    assert (await system.look()).overwrites == 30


async def test_a_day_later_as_many_may_go_again(make: Make) -> None:
    system = make()
    await system.look()
    for path in [f"{number:03}" for number in range(30)]:
        system.source.remove(path)
        await system.look()
    system.source.remove("030")
    assert (await system.look()).held
    system.ahead = 400 * DAY  # a jump of the wall clock is no day
    assert (await system.look()).held
    system.now += DAY + 3_600
    assert not (await system.look()).held
    assert len(system.destination.files()) == 29


async def test_the_same_file_counts_once(make: Make) -> None:
    system = make(files=12)
    await system.look()
    for number in range(40):
        system.source.write("000", b"%d" % number)
        assert not (await system.look()).held
    assert system.memory.window.sums("far", DAY, system.now).touched == 1


@BOTH
async def test_additions_flow_while_something_is_held(make: Make, mode: Mode) -> None:
    system = make(mode)
    await system.look()
    for path in list(system.source.files()):
        system.source.remove(path)
    assert (await system.look()).approvable
    system.source.write("new", b"1")
    report = await system.look()
    assert report.approvable and system.destination.files()["new"] == b"1"
    assert len(system.destination.files()) == 61


@BOTH
async def test_an_approval_covers_exactly_what_was_held(make: Make, mode: Mode) -> None:
    system = make(mode)
    await system.look()
    for number in range(40):
        system.source.remove(f"{number:03}")
    [held] = (await system.look()).holds.values()
    for number in range(40, 56):
        system.source.remove(f"{number:03}")
    system.destination.write("000", b"changed since")
    system.memory.holds.decide(held.id, Ruling.APPROVED)
    report = await system.look()
    left = system.destination.files()
    assert sorted(left)[0] == "000" and len(left) == 21, "39 of the 40"
    assert report.deletions == 16, "the others are more than half of what is left"
    assert next(iter(report.holds.values())).id != held.id
    assert not (await system.look(approved=True)).held
    assert len(system.destination.files()) == 5


async def test_after_an_approval_the_count_begins_anew(make: Make) -> None:
    system = make()
    await system.look()
    await slowly(system, lambda path: system.source.remove(path) if path < "031" else None)
    assert (await system.look()).deletions == 1
    await system.look(approved=True)
    for number in range(31, 45):
        system.source.remove(f"{number:03}")
    assert not (await system.look()).held, "14 of 29"
    system.source.remove("045")
    assert (await system.look()).held, "15 of 29"


@BOTH
async def test_rejected_deletions_are_forgotten(make: Make, mode: Mode) -> None:
    system = make(mode)
    await system.look()
    for path in list(system.source.files()):
        system.source.remove(path)
    await system.look()
    system.memory.holds.decide(None, Ruling.REJECTED)
    system.said()
    report = await system.look()
    assert not report.held and "kept 000" in system.said()
    assert not (await system.look()).held
    assert len(system.destination.files()) == 60


@BOTH
async def test_rejected_overwrites_wait_for_a_new_version(make: Make, mode: Mode) -> None:
    system = make(mode, files=31)
    await system.look()
    for path in list(system.source.files()):
        system.source.write(path, b"encrypted")
    [held] = (await system.look()).holds.values()
    system.memory.holds.decide(held.id, Ruling.REJECTED)
    await system.look()
    system.restart()
    assert not (await system.look()).held
    files = system.destination.files()
    old = [path for path, content in files.items() if content.startswith(b"old")]
    assert len(old) == held.overwrites == 21
    system.source.write(old[0], b"good again")
    await system.look()
    assert system.destination.files()[old[0]] == b"good again"
    system.memory.holds.take_up()
    assert (await system.look()).held, "those that the count lets pass go"


@BOTH
@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("own", [0, 19])
async def test_a_file_that_may_not_take_the_place_of_a_folder(
    make: Make, mode: Mode, own: int, changes: bool
) -> None:
    """Also if it is another one by the time that the rejection is heard of."""
    system = make(mode, files=0)
    for number in range(20):
        side = system.destination if number < own else system.source
        side.write(f"folder/{number:03}", original(number))
    await system.look()
    system.source.remove("folder")
    system.source.write("folder", b"in its place")
    [held] = (await system.look()).holds.values()
    system.memory.holds.decide(held.id, Ruling.REJECTED)
    if changes:
        system.source.write("folder", b"another one")
    report = await system.look()
    assert bool(report.holds) is changes, "nobody has seen this one"
    for _ in range(2):
        await system.look()
        assert len(system.destination.files()) == 20


@BOTH
async def test_a_rejection_is_forgotten_when_its_source_is_gone(make: Make, mode: Mode) -> None:
    system = make(mode, files=31)
    await system.look()
    for path in list(system.source.files()):
        system.source.write(path, b"encrypted")
    [held] = (await system.look()).holds.values()
    system.memory.holds.decide(held.id, Ruling.REJECTED)
    await system.look()
    assert system.memory.holds.rejections() == 21
    files = system.destination.files()
    old = [path for path, content in files.items() if content.startswith(b"old")]
    for path in old[:5]:
        system.source.remove(path)
    await system.look()
    assert system.memory.holds.rejections() == 16


async def test_the_same_steps_keep_their_id_and_others_have_another(make: Make) -> None:
    system = make()
    await system.look()
    for number in range(40):
        system.source.remove(f"{number:03}")
    [first] = (await system.look()).holds.values()
    system.restart()
    [again] = (await system.look()).holds.values()
    assert again == first
    system.source.remove("050")
    [other] = (await system.look()).holds.values()
    assert other.id != first.id
    assert system.memory.holds.decide(first.id, Ruling.APPROVED) == []


async def test_what_is_not_there_any_more_is_not_held(make: Make) -> None:
    system = make()
    await system.look()
    for number in range(40):
        system.source.remove(f"{number:03}")
    assert (await system.look()).held
    for path in sorted(system.destination.files())[:20]:
        delivered = system.destination.entry(path)
        assert delivered is not None
        system.source.write(path, original(int(path)), delivered.mtime_ns)
    assert not (await system.look()).held
    assert system.memory.holds.get("far") is None


async def test_a_folder_that_cannot_be_read_releases_nothing(make: Make) -> None:
    system = make()
    system.near.__class__ = Unreadable
    assert isinstance(system.near, Unreadable)
    system.source.write("f/x", b"1")
    await system.look()
    for number in range(40):
        system.source.remove(f"{number:03}")
    [held] = (await system.look()).holds.values()
    system.near.unreadable = ("f",)
    report = await system.look()
    assert (next(iter(report.holds.values())).id, report.waiting) == (held.id, 40)
    system.near.unreadable = ()
    assert next(iter((await system.look()).holds.values())).id == held.id


async def test_overwrites_do_not_wait_for_a_folder_that_cannot_be_read(make: Make) -> None:
    system = make()
    system.near.__class__ = Unreadable
    assert isinstance(system.near, Unreadable)
    system.source.write("f/x", b"1")
    await system.look()
    system.near.unreadable = ("f",)
    for number in range(20):
        system.source.write(f"{number:03}", b"new")
    await system.look()
    assert list(system.destination.files().values()).count(b"new") == 20


async def test_more_in_a_folder_than_was_approved(make: Make) -> None:
    system = make(files=0, propagate=False)
    for number in range(12):
        system.source.write(f"f/{number}", b"1")
    await system.look()
    system.source.remove("f")
    system.source.write("f", b"a file")
    assert (await system.look()).held
    for number in range(100):
        system.destination.write(f"f/own {number}", b"2")
    assert (await system.look(approved=True)).held
    assert len(system.destination.files()) == 112


def seldom_looks(system: System) -> None:
    """The job looks at its local folder only where it has to, as a download does."""
    scope = NearScope(interval=float("inf"))
    scope.trust(True)
    system.memory = replace(system.memory, scope=scope)


def fill(tree: MemoryTree, folder: str) -> None:
    for number in range(40):
        tree.write(f"{folder}/own/{number}", b"%d" % number)


async def test_what_people_put_into_a_folder_that_a_download_did_not_see_counts(
    make: Make,
) -> None:
    system = make(Mode.DOWNLOAD, files=12)
    system.far.write("d/e/x", b"1")
    system.near.write("d/e/own/first", b"1")
    seldom_looks(system)
    await system.look()
    fill(system.near, "d/e")
    system.far.remove("d")
    system.far.write("d", b"a file")
    report = await system.look()
    assert (report.whole, report.deletions, report.overwrites) == (False, 1, 42)
    assert system.near.trash == []
    system.near.write("d/e/own/later", b"1")
    assert (await system.look(approved=True)).held, "there is more than was approved"
    assert not (await system.look(approved=True)).held
    assert system.near.read("d") == b"a file"


@BOTH
async def test_what_people_put_into_a_folder_while_content_moved_counts(
    make: Make, mode: Mode
) -> None:
    system = make(mode, files=12)
    system.source.write("d/e/x", b"1")
    for _ in range(2):
        await system.look()
    system.source.remove("d")
    system.source.write("d", b"a file")
    system.source.write("new", b"1")
    brought = system.far.transfer

    async def transfer(mode: Mode, *rest: Any) -> AsyncGenerator[Brought, None]:
        async for batch in brought(mode, *rest):
            if "new" in [task.action.path for task in batch.done]:
                fill(system.destination, "d/e")
            yield batch

    system.far.transfer = transfer  # type: ignore[method-assign,assignment]
    assert (await system.look()).overwrites == 41
    assert system.destination.trash == []
    assert system.destination.read("new") == b"1"


async def test_a_folder_that_cannot_be_read_any_more_is_not_replaced(make: Make) -> None:
    system = make(Mode.DOWNLOAD, files=12)
    system.far.write("d/e/x", b"1")
    system.near.make("d/own")
    seldom_looks(system)
    await system.look()
    system.near.__class__ = Unreadable
    assert isinstance(system.near, Unreadable)
    system.near.unreadable = ("d/own",)
    system.far.remove("d")
    system.far.write("d", b"a file")
    report = await system.look()
    assert [problem.path for problem in report.missed] == ["d/own"]
    assert system.near.trash == []
    system.near.unreadable = ()
    await system.look()
    assert system.near.read("d") == b"a file"


async def test_without_a_guard_everything_goes(make: Make) -> None:
    system = make(guard=None)
    await system.look()
    for path in list(system.source.files()):
        system.source.remove(path)
    assert not (await system.look()).held
    assert system.destination.files() == {}


async def test_the_window_can_be_set(make: Make) -> None:
    system = make(guard=GuardRules(share=0.1, at_least=0, window=600.0))
    await system.look()
    for number in range(6):
        system.source.remove(f"{number:03}")
    assert not (await system.look()).held
    system.source.remove("006")
    assert (await system.look()).held
    system.now += 601
    assert not (await system.look()).held


async def test_of_too_many_paths_only_the_number_is_kept(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_window, "MOST", 5)
    system = make()
    await system.look()
    for path in sorted(system.source.files())[:25]:
        system.source.write(path, b"new")
        system.now += 600
        await system.look()
    window = system.memory.window
    assert window.sums("far", DAY, system.now).touched == 25
    assert len(window.known("far", sorted(system.source.files()))) == 5
    system.now += 2 * DAY
    assert window.sums("far", DAY, system.now).touched == 0


PHOTO = b"\xff\xd8\xff\xe0" + b"a good photo " * 10


def noise(path: str, number: int = 0) -> bytes:
    return shake_256(f"{path} {number}".encode()).digest(200)


async def photos(make: Make, mode: Mode = Mode.UPLOAD) -> tuple[System, list[str]]:
    system = make(mode)
    made = [f"p/{number:02}.jpg" for number in range(40)]
    for path in made:
        system.source.write(path, PHOTO)
    await system.look()
    return system, made


async def test_files_that_are_encrypted_at_once_are_held(make: Make) -> None:
    system, made = await photos(make)
    for path in made:
        system.source.write(path, noise(path))
    [held] = (await system.look()).holds.values()
    assert str(held).startswith("40 of 40 changed files no longer begin as files of their type do")
    assert held.first == tuple(made[10:15]), "ten were overwritten at once"
    assert list(system.destination.files().values()).count(PHOTO) == 30
    assert (await system.look(approved=True)).held == ""
    assert PHOTO not in system.destination.files().values()


async def test_files_that_are_encrypted_one_by_one_are_held(make: Make) -> None:
    system, made = await photos(make)
    for path in made[:25]:
        system.source.write(path, noise(path))
        system.now += 60
        await system.look()
    assert (await system.look()).overwrites == 5
    assert list(system.destination.files().values()).count(PHOTO) == 20
    for path in made[:25]:
        system.source.write(path, PHOTO)
    assert not (await system.look()).held, "they are good again"
    assert list(system.destination.files().values()).count(PHOTO) == 40


async def test_what_passed_at_the_end_of_a_survey_counts_too(make: Make) -> None:
    system, made = await photos(make)
    for path in made[:18]:
        system.source.write(path, noise(path))
    assert not (await system.look()).held
    sums = system.memory.window.sums("far", DAY, system.now)
    assert (sums.rewritten, sums.lost) == (18, 18)
    for path in made[18:21]:
        system.source.write(path, noise(path))
    system.restart()
    assert (await system.look()).overwrites == 1


async def test_files_that_are_edited_are_not_held(make: Make) -> None:
    system, made = await photos(make)
    for path in made:
        system.source.write(path, PHOTO[::-1] if path < "p/04" else PHOTO + b"!")
    for number in range(2):
        system.source.write(f"{number:03}", noise("", number))
    assert not (await system.look()).held


async def test_a_preview_says_that_they_would_be_held(make: Make) -> None:
    system, made = await photos(make)
    for path in made:
        system.source.write(path, noise(path))
    preview = system.run()
    await preview.preview()
    page = system.memory.planned.page(preview.report.run, 0, 1)
    assert page is not None and (page.totals or {})["held"] == 1


async def test_a_download_does_not_look_into_files_of_the_server(make: Make) -> None:
    system, made = await photos(make, Mode.DOWNLOAD)
    for path in made:
        system.source.write(path, noise(path))
    assert not (await system.look()).held
