"""A folder that is replaced while a look is going on: what is seen of it is not the truth."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from cargo_sync.local.listing import Excluded, FolderPart, nothing_excluded
from cargo_sync.local.root import Root
from tests.trees.test_some_folders import OLD, Upload

Act = Callable[[], object]


@pytest.fixture
async def job(tmp_path: Path) -> AsyncIterator[Upload]:
    job = Upload(tmp_path)
    assert await job.seen() == OLD
    assert await job.seen() == OLD
    yield job
    job.database.close()


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Does something before and after a folder is read, so many times."""
    parts = Root.parts

    def set_up(path: str, before: Act, after: Act, times: int = 1) -> None:
        left = [times]

        def read(
            root: Root, folder: str, excluded: Excluded = nothing_excluded
        ) -> Iterator[FolderPart]:
            if folder != path or not left[0]:
                yield from parts(root, folder, excluded)
                return
            left[0] -= 1
            before()
            try:
                yield from parts(root, folder, excluded)
            finally:
                after()

        monkeypatch.setattr(Root, "parts", read)

    return set_up


@pytest.mark.parametrize("hints", [["d"], ["", "d"]])
async def test_a_folder_that_is_away_for_a_moment_keeps_its_files(
    job: Upload, around: Callable[..., None], hints: list[str]
) -> None:
    here, away = job.here / "d", job.here.parent / "away"
    around("d", lambda: here.rename(away), lambda: away.rename(here))
    assert await job.seen(*hints) == OLD


@pytest.mark.parametrize("hints", [["d"], ["", "d"]])
async def test_a_folder_that_is_replaced_keeps_what_both_have(
    job: Upload, around: Callable[..., None], hints: list[str]
) -> None:
    here, new = job.here / "d", job.here.parent / "new"
    job.write("../new/old")
    job.write("../new/more")
    around("d", lambda: here.rename(job.here.parent / "away"), lambda: new.rename(here))
    assert await job.seen(*hints) == sorted([*OLD, "d/more"])
    assert job.far.read("d/old") == b"../new/old"


async def test_of_a_folder_that_comes_and_goes_nothing_is_deleted_until_it_stays(
    job: Upload, around: Callable[..., None]
) -> None:
    here, away = job.here / "d", job.here.parent / "away"
    around("d", lambda: here.rename(away), lambda: away.rename(here), times=100)
    (job.here / "a" / "b" / "old").unlink()
    job.memory.scope.hinted(["a/b", "d"])
    report = await job.run().execute()
    assert [problem.code for problem in report.problems] == ["vanished"]
    assert list(job.far.files()) == OLD
    around("d", lambda: None, lambda: None)
    assert await job.seen() == ["a/c/old", "d/old"]


async def test_a_deep_branch_that_is_gone_is_not_taken_for_one_that_comes_and_goes(
    job: Upload,
) -> None:
    job.write("d/1/2/3/4/5/new")
    assert await job.seen("d") == sorted([*OLD, "d/1/2/3/4/5/new"])
    (job.here / "d").rename(job.here.parent / "away")
    assert await job.seen("d/1/2/3/4/5") == OLD[:2]
