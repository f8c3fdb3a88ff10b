"""Filters follow git's rules."""

import pytest

from cargo_sync.plan.filters import Filters

CASES = [
    ("*.tmp", "a.tmp", False, True),
    ("*.tmp", "deep/er/a.tmp", False, True),
    ("*.tmp", "a.tmp.txt", False, False),
    (".~lock.*", "x/.~lock.a#", False, True),
    ("build/", "build", True, True),
    ("build/", "build", False, False),
    ("/a/build/", "a/build", True, True),
    ("/a/build/", "a/build", False, False),
    ("/top", "top", False, True),
    ("/top", "x/top", False, False),
    ("a/**/z", "a/b/c/z", False, True),
    ("[ab].txt", "b.txt", False, True),
    ("# comment", "# comment", False, False),
    ("\\# name", "# name", False, True),
    ("a\\*", "a*", False, True),
    ("a\\*", "ab", False, False),
    ("[!ab].txt", "c.txt", False, True),
    ("[!ab].txt", "b.txt", False, False),
]


@pytest.mark.parametrize(("pattern", "path", "is_folder", "expected"), CASES)
def test_exclude(pattern: str, path: str, is_folder: bool, expected: bool) -> None:
    assert Filters(exclude=[pattern]).excluded(path, is_folder) is expected


@pytest.mark.parametrize(("pattern", "path", "is_folder", "expected"), CASES)
def test_a_folder_with_something_to_leave_out_is_known(
    pattern: str, path: str, is_folder: bool, expected: bool
) -> None:
    folder, _, name = path.rpartition("/")
    some = Filters(exclude=[pattern]).excludes_some
    assert some(folder, ["x.y", name]) or not expected
    assert not some(folder, ["x.y", "z.y"])
    filters = Filters(exclude=[pattern])
    assert filters.among(folder, ["x.y"]) is None
    assert filters.among(folder, ["x.y", name]) == filters.excluded or not expected


def test_a_reserved_name_and_an_include_may_leave_something_out() -> None:
    assert Filters().excludes_some("a", [".Cargo_Sync"])
    assert not Filters().excludes_some("a", ["cargo_sync", "cargo_syncs", "a.txt"])
    assert Filters(include=["*.txt"]).excludes_some("a", ["a.txt"])


def test_a_negation_takes_back_what_stood_before_it() -> None:
    filters = Filters(exclude=["*.log", "!keep.log"])
    assert filters.excluded("a.log", False)
    assert not filters.excluded("keep.log", False)


def test_include_leaves_out_files_it_does_not_name_and_looks_into_every_folder() -> None:
    filters = Filters(include=["*.mov"], exclude=["draft*"])
    assert not filters.excluded("a/b.mov", False)
    assert filters.excluded("a/b.txt", False)
    assert filters.excluded("draft.mov", False)
    assert not filters.excluded("a", True)


@pytest.mark.parametrize("pattern", ["photos", "photos/", "/photos", "/photos/", "photos/**"])
def test_a_folder_that_is_included_includes_what_is_in_it(pattern: str) -> None:
    filters = Filters(include=[pattern], exclude=["*.tmp"])
    assert not filters.excluded("photos/2024/a.jpg", False)
    assert filters.excluded("photos/2024/a.tmp", False)
    assert filters.excluded("other/a.jpg", False)


def test_blank_lines_and_comments_are_no_patterns() -> None:
    assert not Filters(include=["", "  ", "# all"]).excluded("a", False)


def test_a_pattern_for_folders_does_not_include_a_file_of_that_name() -> None:
    assert Filters(include=["photos/"]).excluded("photos", False)


@pytest.mark.parametrize("path", [".cargo_sync", "a/.cargo_sync", "a/.CARGO_SYNC"])
def test_cargos_own_folders_are_left_out_and_no_pattern_brings_them_back(path: str) -> None:
    assert Filters().excluded(path, True)
    assert Filters(include=[".cargo_sync/"], exclude=["!.cargo_sync"]).excluded(path, True)
    assert not Filters().excluded(path + "2", True)
