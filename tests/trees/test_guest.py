"""A folder with a guest: where its files are staged, and what stays in the folder."""

import os
from pathlib import Path

import pytest

from cargo_sync.lanes.waiting import commit
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.root import Root
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import GUESTS_KEPT, PLACE, Staging
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import World
from cargo_sync.trees.guest import GuestFolder, Guests, abandon, keeper, made_folder
from tests.local.samples import owned_by
from tests.offloads import inline

TOKEN = "0123456789abcdef" * 2
NOW = 2e9
WORLD = World(lambda: NOW, lambda: 0.0, lambda: 0.5, lambda: TOKEN, inline, lambda: NOW)


def guest(folder: Path, guests: Guests | None = None, alone: str | None = None) -> GuestFolder:
    return GuestFolder(
        str(folder),
        WORLD,
        MemoryCheckpoints(),
        SpaceLedger(),
        MemoryAges(lambda: NOW),
        guests or Guests(),
        alone,
    )


def offer(path: str, content: bytes) -> Offer:
    return Offer(path, len(content), 5, 0o644, 1, 1, TOKEN)


def bring(one: GuestFolder, path: str, content: bytes) -> str:
    sink = one.sink("run")
    [want] = sink.begin(0, [offer(path, content)])
    if want.code == "all":
        sink.whole(0, 0, memoryview(content))
    [receipt] = commit(sink, 0)
    sink.close()
    return receipt.code


async def test_what_was_made_for_it_goes_with_the_last_guest(tmp_path: Path) -> None:
    guests = Guests()
    first, second = guest(tmp_path / "d" / "e", guests), guest(tmp_path / "d" / "e", guests)
    for one in (first, second):
        await one.open_for_arrivals([])
    assert bring(first, "a", b"1") == "done"
    await first.close()
    assert (tmp_path / "d" / "e" / PLACE).is_dir()
    assert bring(second, "b/c", b"2") == "done"
    await second.close()
    assert sorted(os.listdir(tmp_path / "d" / "e")) == ["a", "b"]


async def test_what_is_an_owners_stays(tmp_path: Path) -> None:
    own = tmp_path / ".cargo_sync"
    (own / "staging").mkdir(parents=True)
    (own / "marker").write_text(TOKEN)
    (own / "staging" / "0.new").write_text("the owner's")
    one = guest(tmp_path / "sub")
    await one.open_for_arrivals([])
    assert one.root == str(tmp_path)
    assert bring(one, "f", b"1") == "done"
    await one.close()
    assert sorted(os.listdir(own)) == ["marker", "staging"]
    assert os.listdir(own / "staging") == ["0.new"]
    assert os.listdir(tmp_path / "sub") == ["f"]


async def test_a_single_file_has_its_name_here(tmp_path: Path) -> None:
    one = guest(tmp_path, alone="mine")
    await one.open_for_arrivals([])
    assert await one.stand("", ["theirs"]) == {}
    assert bring(one, "theirs", b"1") == "done"
    found = (await one.stand("", ["theirs"]))["theirs"]
    assert isinstance(found, Entry)
    assert (found.name, found.size) == ("theirs", 1)
    assert one.whole("theirs") == str(tmp_path / "mine")
    await one.close()
    assert os.listdir(tmp_path) == ["mine"]


async def test_pages_and_what_stands_in_the_way(tmp_path: Path) -> None:
    for name in "edcba":
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "pipe")
    one = guest(tmp_path)
    await one.open()
    first = await one.page("", "", 2)
    assert ([entry.name for entry in first.entries], first.next) == (["a", "b"], "b")
    assert [problem.code for problem in first.problems] == ["special"]
    rest = await one.page("", "b", 9)
    assert ([entry.name for entry in rest.entries], rest.next) == (["c", "d", "e"], None)
    standing = await one.stand("", ["a", "pipe", "x"])
    assert sorted(standing) == ["a", "pipe"]
    assert isinstance(standing["pipe"], Problem)
    await one.close()
    with pytest.raises(ProblemError):
        await one.page("", "", 2)


async def test_folders_are_made_and_files_are_not_replaced_by_them(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    (tmp_path / "l").symlink_to("/")
    one = guest(tmp_path)
    await one.open_for_arrivals([])
    made = await one.make(
        [("d", 0o750), ("d/e", 0o755), ("f", 0o755), ("l", 0o755), ("l/x", 0o755)], "run"
    )
    assert [problem and problem.code for problem in made] == [
        None,
        None,
        "not_a_folder",
        "not_a_folder",
        "symlink",
    ]
    assert (tmp_path / "d").stat().st_mode & 0o777 == 0o750
    assert await one.make([("d", 0o700)], "run") == [None]
    standing = await one.stand("", ["d"])
    assert isinstance(standing["d"], Entry)
    assert standing["d"].kind == FOLDER
    await one.close()
    assert sorted(os.listdir(tmp_path)) == ["d", "f", "l"]


async def test_nothing_is_staged_where_a_stranger_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".cargo_sync").mkdir()
    owned_by(monkeypatch, tmp_path / ".cargo_sync", 4711)
    with pytest.raises(ProblemError) as caught:
        await guest(tmp_path).open_for_arrivals([])
    assert caught.value.problem.code == "foreign_folder"


def test_who_keeps_a_staging_folder_above(tmp_path: Path) -> None:
    deep = tmp_path / "job" / "a" / "b"
    deep.mkdir(parents=True)
    assert keeper(str(deep), []) == str(deep)
    assert keeper(str(deep), [str(tmp_path / "job")]) == str(tmp_path / "job")
    assert keeper(str(deep), [str(tmp_path / "jo")]) == str(deep)
    (tmp_path / "job" / "a" / ".cargo_sync").mkdir()
    (tmp_path / "job" / "a" / ".cargo_sync" / "marker").touch()
    assert keeper(str(deep), [str(tmp_path / "job")]) == str(tmp_path / "job" / "a")


def test_folders_are_made_only_where_folders_are(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    made_folder(str(tmp_path / "a" / "b"))
    made_folder(str(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b").is_dir()
    for path in ("f", "f/x"):
        with pytest.raises(ProblemError) as caught:
            made_folder(str(tmp_path / path))
        assert caught.value.problem.code == "not_a_folder"


def test_an_owner_leaves_guests_alone_and_guests_an_owner(tmp_path: Path) -> None:
    root = Root.open(str(tmp_path))
    checkpoints = MemoryCheckpoints()
    owner, visitor, other = (
        Staging(root, checkpoints, SpaceLedger(), name) for name in ("", "g1", "g2")
    )
    small, large = offer("f", b"1"), Offer("l", 9_000_000, 5, 0o644, 1, 1, TOKEN)
    for staging in (owner, visitor, other):
        staging.write(small, memoryview(b"1"))
    visitor.part(large).write(0, memoryview(b"x"))
    place = tmp_path / PLACE
    assert sorted(os.listdir(place)) == [
        "0.new",
        f"guest-{TOKEN}.part",
        "guest-g1-0.new",
        "guest-g2-0.new",
    ]
    now = [0.0]
    ages = MemoryAges(lambda: now[0])
    assert visitor.sweep(ages, 0.0) == 0
    assert owner.sweep(ages, 0.0) == 1
    visitor.release(TOKEN)
    other.sweep(ages, 0.0)
    now[0] = GUESTS_KEPT - 1
    assert other.sweep(ages, 0.0) == 0
    now[0] = GUESTS_KEPT
    assert other.sweep(ages, 0.0) == 3
    for staging in (owner, visitor, other):
        staging.close()
    root.close()


def test_what_nobody_goes_on_with_is_removed(tmp_path: Path) -> None:
    place = tmp_path / PLACE
    place.mkdir(parents=True)
    (place / f"guest-{TOKEN}.part").touch()
    (place / "guest-other.part").touch()
    abandon(str(tmp_path), TOKEN)
    assert os.listdir(place) == ["guest-other.part"]
    (place / "guest-other.part").unlink()
    abandon(str(tmp_path), TOKEN)
    assert os.listdir(tmp_path) == []
    abandon(str(tmp_path / "gone"), TOKEN)
