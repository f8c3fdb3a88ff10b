"""Filters keep exactly the files that git keeps."""

import shutil

import pytest

from cargo_sync.config.job_shape import DEFAULT_EXCLUDE
from cargo_sync.plan.filters import Filters
from tests.plan.git_trees import Case, cases, differences, kept_by_git, kept_by_us

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

KEPT = [
    (["*", "!*/", "!*.mov"], {"a.mov", "d/a.mov", "d/e/c.mov"}, {"a.txt", "d/b.txt"}),
    (["/keep/**", "!/keep/x"], {"keep/x"}, {"keep/y"}),
    (["!*", "cache/"], {"c.tmp"}, {"cache/a", "x/cache/b"}),
    (["[^0-9]*"], {"1.mov"}, {"x.mov"}),
    (["clip_[[:digit:]].mov"], {"clip_x.mov"}, {"clip_5.mov"}),
    (["*.bak "], {"a.txt"}, {"a.bak"}),
    (["foo**/bar"], {"foo", "bar"}, {"foobar", "foo-a/b/bar"}),
    (["x?**/bar"], {"xab/c/bar"}, {"xab/bar"}),
    (["**/a/**/b"], {"a/c", "b"}, {"a/b", "x/a/y/z/b"}),
    (["/a/**\\/b"], {"a/b"}, {"a/x/b"}),
    (["**/a/**/a/b"], {"a/b"}, {"a/a/b", "a/x/a/b", "a/a/a/b"}),
    (["x*a*ab", "/y/*a*ab"], {"xab", "y/ab"}, {"xaab", "xaaab", "y/aab"}),
    (["[a\\"], {"a", "[a"}, set[str]()),
    (["\\!a", "\\#b", "c\\ "], {"a", "b", "c"}, {"!a", "#b", "c "}),
    (["IMG_[9-0].mov"], {"IMG_5.mov"}, {"IMG_9.mov"}),
    (["a[/]b", "c?d"], {"a/b", "c/d"}, {"ccd"}),
]


@pytest.mark.parametrize(("patterns", "kept", "left_out"), KEPT)
def test_the_smallest_cases(patterns: list[str], kept: set[str], left_out: set[str]) -> None:
    assert kept_by_us(Case(tuple(patterns), frozenset(kept | left_out))) == kept


@needs_git
def test_git_keeps_the_same_in_the_smallest_cases() -> None:
    batch = [Case(tuple(patterns), frozenset(kept | out)) for patterns, kept, out in KEPT]
    assert kept_by_git(batch) == [frozenset(kept) for _, kept, _ in KEPT]


@needs_git
def test_git_keeps_the_same_in_random_trees() -> None:
    assert list(differences(seed=1, count=150)) == []


@needs_git
def test_include_takes_what_git_ignores() -> None:
    """Without negations: git never takes back what is in an ignored folder, and we do."""
    batch = [
        Case(tuple(one for one in case.patterns if not one.startswith("!")) or ("*",), case.files)
        for case in cases(seed=2, count=100)
    ]
    for case, ignored in zip(batch, kept_by_git(batch, "--ignored"), strict=True):
        filters = Filters(include=case.patterns)
        if filters.excluded("no such file", False):  # it is not a list of comments alone
            taken = {file for file in case.files if not filters.excluded(file, False)}
            assert taken == ignored, case


@pytest.mark.parametrize(
    ("path", "is_folder"),
    [
        (".nfs00000000004b2c1e0000002a", False),
        (".~tmp~", True),
        ("a/clip.mov.partial", False),
        ("clip.mov.filepart", False),
        (".syncthing.clip.mov.tmp", False),
        (".goutputstream-ABC123", False),
    ],
)
def test_every_job_leaves_out_unfinished_files(path: str, is_folder: bool) -> None:
    assert Filters(exclude=DEFAULT_EXCLUDE).excluded(path, is_folder)
    assert not Filters(exclude=DEFAULT_EXCLUDE).excluded(".nfs", is_folder)


def test_the_last_pattern_decides_what_is_included() -> None:
    filters = Filters(include=["*.mov", "!draft*", "photos/", "!photos/private", "!*.tmp"])
    assert not filters.excluded("a.mov", False)
    assert filters.excluded("draft.mov", False)
    assert not filters.excluded("photos/a.jpg", False)
    assert filters.excluded("photos/private/a.jpg", False)
    assert filters.excluded("photos/a.tmp", False)


def test_a_character_is_a_character_and_not_a_byte() -> None:
    assert Filters(exclude=["?"]).excluded("é", False)
    assert Filters(exclude=["[!a]"]).excluded("é", False)


@pytest.mark.parametrize(
    "pattern", ["*a" * 100 + "*b", "/" + "*a" * 100 + "*b", "**/a/" * 60 + "b"]
)
def test_many_stars_end(pattern: str) -> None:
    filters = Filters(exclude=[pattern])
    assert not filters.excluded("a" * 250, False)
    assert not filters.excluded("a/" * 1000 + "c", False)
