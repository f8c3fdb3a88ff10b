"""The guard: more than half of the tree and more than ten files in a day."""

from dataclasses import replace

import pytest

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, LINK, Entry
from cargo_sync.model.jobs import GuardRules
from cargo_sync.plan.guard import AT_ONCE, Guard, Harm, Held, Touch, span, touches

RULES = GuardRules()
ENTRY = Entry("a", FILE, 1, 1, 0o644, 1, 1)
OTHER = Entry("a", FILE, 2, 2, 0o644, 2, 1)


def deleted(count: int, start: int = 0) -> list[Touch]:
    return [Touch(f"{number}", Harm.DELETED) for number in range(start, start + count)]


def passes(guard: Guard, touched: list[Touch], known: set[str] = frozenset()) -> bool:  # type: ignore[assignment]
    guard.count(touched, known)
    return guard.held() is None


@pytest.mark.parametrize(
    ("tree", "before", "deletions", "does"),
    [
        (4, 0, 4, True),
        (4, 6, 4, True),
        (4, 7, 4, False),
        (1000, 0, 500, True),
        (1000, 0, 501, False),
        (1000, 499, 1, True),
        (1000, 500, 1, False),
        (1000, 500, 0, True),
    ],
)
def test_half_of_the_tree_in_a_window_passes(
    tree: int, before: int, deletions: int, does: bool
) -> None:
    assert passes(Guard(RULES, tree, before=before), deleted(deletions)) is does


def test_a_path_counts_once_in_a_window() -> None:
    known = {f"{number}" for number in range(500)}
    guard = Guard(RULES, 1000, before=500)
    assert passes(guard, deleted(500), known)
    assert not passes(guard, deleted(1, 500), known)


@pytest.mark.parametrize(
    ("rules", "most"),
    [
        (GuardRules(share=0.1), 100),
        (GuardRules(at_least=900), 900),
        (GuardRules(share=1.0), 1000),
        (GuardRules(share=0.001, at_least=0), 1),
    ],
)
def test_the_threshold_can_be_set(rules: GuardRules, most: int) -> None:
    assert passes(Guard(rules, 1000), deleted(most))
    assert not passes(Guard(rules, 1000), deleted(most + 1))


def test_without_rules_everything_passes() -> None:
    guard = Guard(None, 1000)
    assert not guard.counts
    assert all(guard.may_overwrite(known=False) for _ in range(1000))
    assert passes(guard, deleted(1000))


def test_few_overwrites_are_done_at_once_and_count() -> None:
    guard = Guard(RULES, 1000)
    assert guard.may_overwrite(known=True)
    assert [guard.may_overwrite(known=False) for _ in range(12)] == [True] * AT_ONCE + [False] * 2
    assert not guard.may_overwrite(known=True), "their order stays"
    assert passes(guard, deleted(490))
    assert not passes(guard, deleted(1))


def test_at_the_threshold_and_while_something_is_held_nothing_is_done_at_once() -> None:
    assert not Guard(RULES, 1000, before=500).may_overwrite(known=False)
    assert Guard(RULES, 1000, before=500).may_overwrite(known=True)
    assert not Guard(RULES, 1000, waits=True).may_overwrite(known=False)


def test_what_is_held_is_named() -> None:
    guard = Guard(RULES, 1000, before=400)
    guard.count([*deleted(300), Touch("x", Harm.OVERWRITTEN)])
    held = guard.held()
    assert held == Held(300, 1, 1000, 400, 86_400.0, ("0", "1", "2", "3", "4"))
    assert str(held).startswith(
        "the job would delete 300 and overwrite 1 of 1,000 files, after 400 in the last day "
        "('0', '1', '2', '3', '4' and 296 more): look at `job plan`"
    )
    there = replace(held, where="on the server")
    assert "of 1,000 files on the server, after 400 in the last day" in str(there)


def test_after_an_approval_the_rest_is_compared_with_the_smaller_tree() -> None:
    guard = Guard(RULES, 1000)
    guard.shrink(600)
    assert not passes(guard, deleted(400)), "the rest of the tree is not half of it"


@pytest.mark.parametrize(
    ("action", "harm"),
    [
        (Action(Op.PUT, "a", OTHER, ENTRY), Harm.OVERWRITTEN),
        (Action(Op.PUT, "a", OTHER), None),
        (Action(Op.PUT, "a", OTHER, ENTRY._replace(hash=DAMAGED)), None),
        (
            Action(Op.PUT, "a", OTHER._replace(kind=LINK), ENTRY._replace(kind=FOLDER)),
            "overwritten",
        ),
        (Action(Op.MKDIR, "a", OTHER._replace(kind=FOLDER), ENTRY), Harm.OVERWRITTEN),
        (Action(Op.DELETE, "a", expected=ENTRY), Harm.DELETED),
        (Action(Op.DELETE, "a", expected=ENTRY._replace(kind=FOLDER)), None),
        *(
            (Action(op, "a", OTHER, ENTRY), None)
            for op in Op
            if op not in (Op.PUT, Op.MKDIR, Op.DELETE)
        ),
    ],
)
def test_what_a_step_touches(action: Action, harm: Harm | None) -> None:
    assert touches([action]) == ([Touch("a", Harm(harm))] if harm else [])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (86_400, "day"),
        (7 * 86_400, "7 days"),
        (3_600, "hour"),
        (7_200, "2 hours"),
        (5_400, "90 min"),
    ],
)
def test_a_window_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words
