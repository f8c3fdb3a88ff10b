"""The guard: more than half of the tree and more than ten files in a day."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, LINK, Entry
from cargo_sync.model.jobs import GuardRules
from cargo_sync.plan.guard import (
    AT_ONCE,
    NO_HARMS,
    Guard,
    Harm,
    Held,
    Touch,
    span,
    touches,
)

RULES = GuardRules()
ENTRY = Entry("a", FILE, 1, 1, 0o644, 1, 1)
OTHER = Entry("a", FILE, 2, 2, 0o644, 2, 1)


def deleted(count: int, start: int = 0) -> list[Touch]:
    return [Touch(f"{number}", Harm.DELETED) for number in range(start, start + count)]


def passes(guard: Guard, touched: list[Touch], known: Mapping[str, Harm] = NO_HARMS) -> bool:
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
    known = {f"{number}": Harm.OVERWRITTEN for number in range(500)}
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
    assert all(guard.may_overwrite() for _ in range(1000))
    assert passes(guard, deleted(1000))


def test_few_overwrites_are_done_at_once_and_count() -> None:
    guard = Guard(RULES, 1000)
    assert guard.may_overwrite(known=Harm.OVERWRITTEN)
    assert [guard.may_overwrite() for _ in range(12)] == [True] * AT_ONCE + [False] * 2
    assert not guard.may_overwrite(known=Harm.OVERWRITTEN), "their order stays"
    assert passes(guard, deleted(490))
    assert not passes(guard, deleted(1))


def test_at_the_threshold_and_while_something_is_held_nothing_is_done_at_once() -> None:
    assert not Guard(RULES, 1000, before=500).may_overwrite()
    assert Guard(RULES, 1000, before=500).may_overwrite(known=Harm.OVERWRITTEN)
    assert not Guard(RULES, 1000, waits=True).may_overwrite()


def test_what_is_held_is_named() -> None:
    guard = Guard(RULES, 1000, before=400)
    guard.count([*deleted(300), Touch("x", Harm.OVERWRITTEN)])
    held = guard.held()
    assert held == Held(300, 1, 1000, 400, 86_400.0, ("0", "1", "2", "3", "4"))
    assert str(held).startswith(
        "the job would delete 300 and overwrite 1 of 1,000 files, after 400 in the last day "
        "('0', '1', '2', '3', '4' and 296 more): look at `job plan`"
    )
    assert held.brief == "would delete 300 and overwrite 1 of 1,000 files"
    there = replace(held, where="on the server")
    assert there.brief.endswith("of 1,000 files on the server")
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


def rewritten(count: int, harm: Harm = Harm.LOST_TYPE, start: int = 0) -> list[Touch]:
    return [Touch(f"{number}", harm) for number in range(start, start + count)]


@pytest.mark.parametrize(
    ("lost", "others", "before", "before_lost", "does"),
    [
        (20, 0, 0, 0, True),
        (21, 0, 0, 0, False),
        (21, 84, 0, 0, True),
        (21, 83, 0, 0, False),
        (1, 0, 20, 20, False),
        (1, 0, 20, 19, True),
        (1, 0, 104, 20, True),
        (0, 30, 30, 30, True),
    ],
)
def test_few_rewrites_may_lose_their_type(
    lost: int, others: int, before: int, before_lost: int, does: bool
) -> None:
    guard = Guard(RULES, 10_000, before=before, rewritten=before, lost=before_lost)
    touched = [*rewritten(lost), *rewritten(others, Harm.OVERWRITTEN, 1000)]
    assert passes(guard, touched) is does


def test_one_by_one_they_are_held_too() -> None:
    guard = Guard(RULES, 10_000, before=20, rewritten=20, lost=20)
    assert not guard.may_overwrite(Harm.LOST_TYPE)
    assert guard.may_overwrite(Harm.LOST_TYPE, Harm.LOST_TYPE), "it counts already"
    assert not guard.may_overwrite(Harm.LOST_TYPE, Harm.OVERWRITTEN)
    assert guard.may_overwrite(), "good content flows"


def test_a_file_that_is_good_again_does_not_count() -> None:
    known = dict.fromkeys(map(str, range(20)), Harm.LOST_TYPE)
    guard = Guard(RULES, 10_000, before=20, rewritten=20, lost=20)
    guard.count(rewritten(10, Harm.OVERWRITTEN), known)
    guard.count(rewritten(10, start=20))
    assert guard.held() is None
    guard.count(rewritten(1, start=30))
    assert guard.held() is not None


def test_files_that_lost_their_type_are_named() -> None:
    guard = Guard(RULES, 10_000)
    guard.count([*deleted(3), *rewritten(9, Harm.OVERWRITTEN, 100), *rewritten(23, start=200)])
    held = guard.held()
    assert held is not None
    assert (held.lost, held.rewritten, held.overwrites) == (23, 32, 32)
    assert str(held).startswith(
        "23 of 32 changed files no longer begin as files of their type do ('200', '201', '202', "
        "'203', '204' and 18 more): is a program encrypting them? The job would overwrite 32 and "
        "delete 3 files: look at `job plan`, then `job approve`"
    )


def test_an_overwrite_by_what_lost_its_type_is_told() -> None:
    action = Action(Op.PUT, "a", OTHER, ENTRY)
    assert touches([action], {"a"}) == [Touch("a", Harm.LOST_TYPE)]
