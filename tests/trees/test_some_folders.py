"""Looks at some folders of a real one: what hints say, and what they do not say but mean."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cargo_sync.engine import survey
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.jobs import Mode
from cargo_sync.trees.folder import FolderTree
from tests.engine.world import System


class Upload(System):
    """A job that uploads a real folder, after its first look. Each change of it is hinted."""

    def __init__(self, place: Path, exclude: tuple[str, ...] = ()) -> None:
        super().__init__(
            place, Mode.UPLOAD, settle=0.0, propagate=True, exclude=exclude, guard=None
        )
        self.here = place / "here"
        for path in ("a/b/old", "a/c/old", "d/old"):
            self.write(path)
        self.near = FolderTree(
            str(self.here),
            self.rules,
            self.world(),
            MemoryCheckpoints(),
            SpaceLedger(),
            MemoryAges(lambda: self.now),
            MemoryLedger(lambda: self.now),
            lambda: None,
        )  # type: ignore[assignment]
        self.memory.scope.trust(True)

    def write(self, path: str) -> None:
        (self.here / path).parent.mkdir(parents=True, exist_ok=True)
        (self.here / path).write_text(path)

    async def seen(self, *hinted: str) -> list[str]:
        """The files at the server after a look."""
        self.memory.scope.hinted(hinted)
        report = await self.run().execute()
        assert report.errors == 0, report.problems
        return list(self.far.files())


OLD = ["a/b/old", "a/c/old", "d/old"]


@pytest.fixture
async def job(tmp_path: Path) -> AsyncIterator[Upload]:
    job = Upload(tmp_path)
    assert await job.seen() == OLD
    assert await job.seen() == OLD  # it has seen now what it has sent
    yield job
    job.database.close()


async def test_only_hinted_folders_are_looked_at(job: Upload) -> None:
    job.write("a/b/new")
    job.write("d/new")
    assert await job.seen() == OLD
    assert await job.seen("a/b") == sorted([*OLD, "a/b/new"])
    job.memory.scope.everything()
    assert await job.seen() == sorted([*OLD, "a/b/new", "d/new"])


async def test_with_too_many_unsettled_folders_a_look_is_at_everything(
    job: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "FEW", 1)
    with job.database.transaction() as connection:
        connection.execute("UPDATE folder SET settled = 0")
    job.write("a/c/new")
    assert await job.seen("d") == sorted([*OLD, "a/c/new"])


async def test_a_tree_that_was_moved_in_is_looked_at_down_to_its_end(job: Upload) -> None:
    job.write("../elsewhere/x/y/z/new")
    (job.here.parent / "elsewhere").rename(job.here / "d" / "came")
    assert await job.seen("d") == sorted([*OLD, "d/came/x/y/z/new"])


async def test_a_folder_in_the_place_of_another_is_looked_into(job: Upload) -> None:
    (job.here / "a" / "b").rename(job.here.parent / "away")
    job.write("../other/old")
    job.write("../other/below/new")
    (job.here.parent / "other").rename(job.here / "a" / "b")
    assert await job.seen("a") == sorted([*OLD, "a/b/below/new"])
    assert job.far.read("a/b/old") == b"../other/old"


async def test_a_folder_that_was_moved_within_the_tree(job: Upload) -> None:
    (job.here / "a").rename(job.here / "d" / "a")
    assert await job.seen("", "d") == ["d/a/b/old", "d/a/c/old", "d/old"]


async def test_of_a_folder_that_is_gone_the_folder_above_says_so(job: Upload) -> None:
    (job.here / "a" / "b" / "old").unlink()
    (job.here / "a" / "b").rmdir()
    assert await job.seen("a/b") == ["a/c/old", "d/old"]
    assert [state.near for state in job.memory.folders.below("a/b")] == [None]


async def test_a_whole_branch_that_is_gone(job: Upload) -> None:
    (job.here / "a").rename(job.here.parent / "away")
    assert await job.seen("a/b", "a/c") == ["d/old"]


async def test_a_link_in_the_place_of_a_folder(job: Upload) -> None:
    (job.here / "a").rename(job.here.parent / "away")
    (job.here / "a").symlink_to("d")
    assert await job.seen("a/b") == ["d/old"]
    link = job.far.entry("a")
    assert link is not None and link.target == "d"


async def test_what_is_not_settled_needs_no_hint(job: Upload) -> None:
    job.write("d/new")
    job.memory.jobs.set_rules(job.memory.name, "others")
    assert await job.seen() == sorted([*OLD, "d/new"])


async def test_a_folder_that_the_job_leaves_out_is_not_looked_at(tmp_path: Path) -> None:
    job = Upload(tmp_path, exclude=("/a/",))
    assert await job.seen() == ["d/old"]
    job.write("a/b/new")
    job.write("d/new")
    assert await job.seen("a/b", "a/b/deeper", "d") == ["d/new", "d/old"]
    assert list(job.memory.folders.below("a/b")) == []
    job.database.close()


async def test_names_that_are_left_out_are_reported_each_time(job: Upload) -> None:
    (job.here / "d" / ".cargo_sync").mkdir()
    (job.here / "a" / b"odd\xff".decode(errors="surrogateescape")).touch()
    job.memory.scope.everything()
    for _ in range(3):
        report = await job.run().execute()
        assert (report.errors, report.reserved) == (1, 1)
        assert [problem.code for problem in report.left_out] == ["bad_name"]
    (job.here / "a" / b"odd\xff".decode(errors="surrogateescape")).unlink()
    job.memory.scope.hinted(["a"])
    report = await job.run().execute()
    assert (report.errors, report.reserved) == (0, 1)


async def test_a_folder_that_is_opened_anew_is_looked_at_as_a_whole(job: Upload) -> None:
    job.write("d/new")
    await job.near.close()
    assert await job.seen() == sorted([*OLD, "d/new"])
