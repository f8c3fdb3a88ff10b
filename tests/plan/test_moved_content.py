"""Which deletions are moves: as many as files with that content were brought, if one is there."""

import pytest

from cargo_sync.plan.moved_content import MovedContent

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
CONTENTS = {"a": A, "b": B}


@pytest.mark.parametrize(
    ("gone", "brought", "moves"),
    [
        ("a1", "a2!", 1),
        ("a1", "", 0),
        ("a1", "a2", 0),  # what was brought is gone, too, or changed
        ("a1", "b2!", 0),
        ("a1", "a1", 0),
        ("a1 a2", "a3!", 1),  # a copy excuses one deletion
        ("a1 a2", "a3! a4!", 2),
        ("a1 a2", "a3! | a4!", 2),
        ("a1 a2", "a2 | a3!", 2),  # renamed twice
        ("a1 a2 a3", "a2 | a3 | a4!", 3),
        ("a1 a2", "a1 | a2 | a3!", 2),  # it is not older than the window
        ("a1 a2", "a1 a2 | a3!", 1),
        ("a1", "a1 a2!", 0),  # these came together
        ("a1 a2 a3", "a1 a2 a3 a4! a5!", 0),
        ("a1", "a1 | a2!", 1),
        ("a2", "a1! | a2", 0),  # what was there before is no copy of it
        ("a1*", "a2!", 0),  # * was found to be a move before
        ("a1* a2", "a2 | a3!", 1),
        ("a1* a2 a3", "a4! a5!", 1),
        ("a1 b1", "b2! a2!", 2),
        ("a1 a1", "a2! a3!", 1),  # one path, seen twice
    ],
)
def test_moves(gone: str, brought: str, moves: int) -> None:
    """`a1` is a file with the content a. ! is still there, | ends what came together."""
    found = MovedContent()
    for one in gone.split():
        found.gone(one[:2], CONTENTS[one[0]], used=one.endswith("*"))
    for time, some in enumerate(brought.split("|")):
        for one in some.split():
            if found.concerns(content := CONTENTS[one[0]]):
                found.brought(one[:2], content, time + 1.0, there=one.endswith("!"))
    asked = [CONTENTS[one[0]] for one in gone.split() if not one.endswith("*")]
    for _ in range(2):
        assert sum(map(found.take, asked)) == moves
        found.take_again()
    assert sum(map(found.take, asked)) == moves
    found.keep()
    assert not any(map(found.take, asked))


def test_what_is_gone_is_known_by_path_and_content() -> None:
    found = MovedContent()
    found.gone("a", A)
    assert found.is_gone("a", A)
    assert not found.is_gone("a", B) and not found.is_gone("b", A)


def test_what_is_not_known_is_no_move() -> None:
    found = MovedContent()
    found.gone("a", "")
    assert not found.concerns("") and not found.take("") and not found.take(A)


def test_of_too_many_contents_the_rest_counts() -> None:
    found = MovedContent(most=2)
    for one in (A, B, C):
        found.gone(one, one)
    assert [found.concerns(one) for one in (A, B, C)] == [True, True, False]
    assert not found.take(C)
