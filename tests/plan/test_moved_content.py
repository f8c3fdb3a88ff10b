"""Which deletions are moves: as many as files with that content were brought, if one is there."""

import pytest

from cargo_sync.plan.moved_content import MovedContent

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


@pytest.mark.parametrize(
    ("gone", "used", "brought", "moves"),
    [
        ("a", "", "A", 1),
        ("a", "", "", 0),
        ("a", "", "a", 0),  # what was brought is gone, too
        ("a", "", "B", 0),
        ("aa", "", "A", 1),  # a copy excuses one deletion
        ("aa", "", "AA", 2),
        ("aa", "", "aA", 2),  # renamed twice
        ("a", "a", "A", 0),
        ("a", "a", "aA", 1),
        ("ab", "", "BA", 2),
        ("aab", "a", "AAB", 2),
    ],
)
def test_moves(gone: str, used: str, brought: str, moves: int) -> None:
    """A letter is a content; a large one in `brought` is still there."""
    contents = {"a": A, "b": B}
    found = MovedContent()
    found.gone(contents[one] for one in gone)
    found.used(contents[one] for one in used)
    for one in brought:
        if found.concerns(content := contents[one.lower()]):
            found.brought(content, there=one.isupper())
    for _ in range(2):
        assert sum(found.take(contents[one]) for one in gone) == moves
        found.take_again()


def test_what_is_not_known_is_no_move() -> None:
    found = MovedContent()
    found.gone([""])
    assert not found.take("") and not found.take(A)


def test_of_too_many_contents_the_rest_counts() -> None:
    found = MovedContent(most=2)
    found.gone([A, B, C])
    assert [found.concerns(one) for one in (A, B, C)] == [True, True, False]
    assert not found.take(C)
