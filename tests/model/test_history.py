"""The files of a batch as bytes, and patterns of paths."""

import pytest

from cargo_sync.model.history import HistoryBatch, HistoryFiles, HistoryKind, rows_of
from cargo_sync.model.path_pattern import PathPattern

ONE, TWO = "ab" * 32, "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "files",
    [
        HistoryFiles([], [], [], []),
        HistoryFiles(["a"], [0], [""], [7]),
        HistoryFiles(["a", "é/👍\n"], [2**62, 1], [ONE, TWO], [7, 8]),
        HistoryFiles(["a", "b"], [1, 2], [ONE, ""], [9, 3]),
        HistoryFiles(["b/", "c"], [0, 2], ["", TWO], [9, 9], ["a/", "d"]),
    ],
)
def test_files_come_back_as_they_were(files: HistoryFiles) -> None:
    back = HistoryFiles.decode(files.encode())
    assert [list(column) for column in back] == [list(column) for column in files]


def test_what_is_no_hash_is_not_known() -> None:
    files = HistoryFiles(["a", "b"], [1, 1], ["damaged", ONE], [1, 2])
    assert HistoryFiles.decode(files.encode()).hashes == ["", ONE]


def test_many_small_files_take_little_more_than_their_hashes() -> None:
    count = 2_000
    paths = [f"day 12/clips/{number:06}.mov" for number in range(count)]
    hashes = [f"{number * 0x9E3779B97F4A7C15 % 2**256:064x}" for number in range(count)]
    files = HistoryFiles(paths, [4096] * count, hashes, range(5, 5 + count))
    assert len(files.encode()) < 42 * count


def test_each_file_of_a_batch_has_a_cursor() -> None:
    batch = HistoryBatch(9, 1.5, 3, HistoryKind.MOVED, "ana", "", "r", "", 2.0, 2, 500)
    rows = rows_of(batch, HistoryFiles(["b", "c/"], [500, 0], ["", ""], [4, 5], ["a", "d/"]))
    assert [(row.cursor, row.path, row.before, row.size) for row in rows] == [
        (8, "b", "a", 500), (9, "c/", "d/", 0),
    ]  # fmt: skip
    assert batch.speed == 2_000
    assert batch._replace(seconds=None).speed is batch._replace(seconds=0.0).speed is None


@pytest.mark.parametrize(
    ("text", "wanted", "others"),
    [
        ("", ["a", "a/b"], []),
        ("a", ["a", "a/b/c"], ["ab", "b/a"]),
        ("/a/", ["a", "a/b"], ["ab"]),
        ("clip 12*", ["clip 12.mov", "d/clip 12.mov"], ["clip 1", "d/clip 1/x"]),
        ("a/*.mov", ["a/1.mov", "a/b/1.mov"], ["1.mov", "b/a/1.mov"]),
        ("[ab]?", ["a1", "x/b2"], ["c1", "a"]),
    ],
)
def test_a_pattern_is_a_path_or_has_wild_cards(
    text: str, wanted: list[str], others: list[str]
) -> None:
    pattern = PathPattern(text)
    assert [path for path in [*wanted, *others] if pattern.matches(path)] == wanted
