"""Budgets of offers: transcripts, one word per step."""

import pytest

from cargo_sync.machines.budget import Amount, Budgets


def play(script: str) -> str:
    """`a1:3` takes 3 offers for user a's lane 1, `a1:-3` gives them back. y or n for each take."""
    budgets, answers = Budgets(Amount(4, 100), user=2, server=3), ""
    for word in script.split():
        lane, _, count = word.partition(":")
        offers = int(count)
        if offers < 0:
            budgets.give(lane, lane[0], Amount(-offers, 0))
        else:
            answers += "y" if budgets.take(lane, lane[0], Amount(offers, 0)) else "n"
    return answers


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        ("a1:4 a1:1", "yn"),
        ("a1:5", "n"),
        ("a1:3 a1:2 a1:1", "yny"),
        ("a1:4 a1:-4 a1:4", "yy"),
        ("a1:4 a2:4 a3:1", "yyn"),  # a user has two lanes' worth
        ("a1:4 a2:4 b1:4 c1:1", "yyyn"),  # and the server three
        ("a1:4 a2:4 b1:4 a1:-2 c1:2 c1:1", "yyyyn"),
    ],
)
def test_who_gets_room(script: str, answers: str) -> None:
    assert play(script) == answers


def test_bytes_count_as_well_and_nothing_is_left_behind() -> None:
    budgets = Budgets(Amount(4, 100), user=2, server=3)
    assert budgets.take("1", "a", Amount(1, 60))
    assert not budgets.take("1", "a", Amount(1, 41))
    assert budgets.take("2", "a", Amount(0, 100))
    assert budgets.held("a") == budgets.held() == (1, 160)
    budgets.give("1", "a", Amount(1, 60))
    budgets.give("2", "a", Amount(0, 100))
    assert budgets.held("a") == budgets.held() == (0, 0)
    assert not budgets._offers and not budgets._bytes
