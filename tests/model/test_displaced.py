import pytest

from cargo_sync.model.displaced import TrashFilter, run_of


@pytest.mark.parametrize(
    ("wanted", "matched"),
    [
        (TrashFilter(), "a.txt docs/a.txt docs/b/c.md doc"),
        (TrashFilter("docs"), "docs/a.txt docs/b/c.md"),
        (TrashFilter("/docs/"), "docs/a.txt docs/b/c.md"),
        (TrashFilter("doc"), "doc"),
        (TrashFilter("*.txt"), "a.txt docs/a.txt"),
        (TrashFilter("a.*"), "a.txt docs/a.txt"),
        (TrashFilter("docs/*.md"), "docs/b/c.md"),
        (TrashFilter("?.md"), "docs/b/c.md"),
        (TrashFilter("[a-b].txt"), "a.txt docs/a.txt"),
        (TrashFilter("[unclosed"), ""),
        (TrashFilter(under="docs"), "docs/a.txt docs/b/c.md"),
        (TrashFilter("b/*", under="docs"), "docs/b/c.md"),
        (TrashFilter("*.txt", under="docs/b"), ""),
    ],
)
def test_a_pattern_is_for_paths_or_names(wanted: TrashFilter, matched: str) -> None:
    some = ["a.txt", "docs/a.txt", "docs/b/c.md", "doc"]
    assert [path for path in some if wanted.matches(path)] == matched.split()


def test_no_pattern_takes_long() -> None:
    assert not TrashFilter("*a" * 200 + "b").matches("a" * 4000)


def test_the_run_is_part_of_the_place() -> None:
    assert run_of(".cargo_sync/trash/20260102T030405Z-x/docs/a") == "20260102T030405Z-x"
