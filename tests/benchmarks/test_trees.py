from pathlib import Path

import pytest

from benchmarks.transfers import trees
from benchmarks.transfers.rounds import rotated
from benchmarks.transfers.trees import WrongCopyError
from benchmarks.transfers.workloads import TRIALS, WORKLOADS, Shape

TRIAL = TRIALS["trial"]


def test_files_are_in_folders_of_a_hundred() -> None:
    small = WORKLOADS["small"]
    assert small.path(99) == "0000/0000099.bin"
    assert small.path(100) == "0001/0000100.bin"


def test_a_flat_workload_has_no_folders() -> None:
    assert WORKLOADS["flat"].path(99_999) == "0099999.bin"


def test_deep_folders_have_files_at_each_level() -> None:
    shape = Shape(each=2, depth=3)
    assert [shape.folder(number) for number in (0, 2, 5, 6)] == [
        "0000/",
        "0000/00/",
        "0000/00/01/",
        "0001/",
    ]


def test_each_tool_is_the_first_one_in_turn() -> None:
    assert [rotated("abc", number) for number in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    trees.make(TRIAL, tmp_path / "source")
    return tmp_path / "source"


def test_a_linked_tree_is_the_same(tmp_path: Path, source: Path) -> None:
    trees.link(TRIAL, source, tmp_path / "copy")
    trees.check(TRIAL, source, tmp_path / "copy", TRIAL.path(7))


def test_what_our_programs_keep_in_a_folder_does_not_count(tmp_path: Path, source: Path) -> None:
    trees.link(TRIAL, source, tmp_path / "copy")
    (tmp_path / "copy/.cargo_sync").mkdir()
    (tmp_path / "copy/.cargo_sync/root").touch()
    trees.check(TRIAL, source, tmp_path / "copy", TRIAL.path(7))


def test_a_missing_file_is_found(tmp_path: Path, source: Path) -> None:
    trees.link(TRIAL, source, tmp_path / "copy")
    (tmp_path / "copy" / TRIAL.path(3)).unlink()
    with pytest.raises(WrongCopyError, match="19 files"):
        trees.check(TRIAL, source, tmp_path / "copy", TRIAL.path(7))


def test_another_content_is_found(tmp_path: Path, source: Path) -> None:
    trees.link(TRIAL, source, tmp_path / "copy")
    changed = tmp_path / "copy" / TRIAL.path(7)
    changed.unlink()
    changed.write_bytes(bytes(TRIAL.size))
    with pytest.raises(WrongCopyError, match="another content"):
        trees.check(TRIAL, source, tmp_path / "copy", TRIAL.path(7))
