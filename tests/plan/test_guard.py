"""The guard: more than half, and more than ten."""

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.plan.guard import Guard, Held

ENTRY = Entry("a", FILE, 1, 1, 0o644, 1, 1)


def deletions(count: int, kind: str = FILE) -> list[Action]:
    return [
        Action(Op.DELETE, f"{number}", expected=ENTRY._replace(kind=kind))
        for number in range(count)
    ]


def passes(guard: Guard, actions: list[Action]) -> bool:
    guard.count(actions)
    return guard.held() is None


def test_small_changes_pass_and_large_ones_are_held() -> None:
    assert passes(Guard(tree=4), deletions(4)), "ten files or fewer always pass"
    assert passes(Guard(tree=1000), deletions(500))
    guard = Guard(tree=1000)
    assert not passes(guard, deletions(501))
    assert "delete 501 and overwrite 0 of 1,000" in str(guard.held())


def test_deletions_and_overwrites_count_together_and_approval_lets_all_pass() -> None:
    guard = Guard(tree=20)
    assert [guard.overwrite() for _ in range(10)] == [True] * 10
    assert not passes(guard, deletions(1))
    assert passes(Guard(tree=20, approved=True), deletions(20))


def test_folders_are_not_counted_and_changes_of_kind_are() -> None:
    guard = Guard(tree=20)
    assert passes(guard, deletions(100, FOLDER))
    folder, link = ENTRY._replace(kind=FOLDER), ENTRY._replace(target="x")
    guard.count(
        [
            Action(Op.MKDIR, "f", folder, ENTRY),
            Action(Op.PUT, "l", link, folder),
            Action(Op.PUT, "n", ENTRY),
        ]
    )
    assert (guard.deletions, guard.overwrites) == (0, 2)


def test_what_displaces_nothing_is_not_counted() -> None:
    guard = Guard(tree=20)
    harmless = [Action(op, "a", ENTRY, ENTRY) for op in (Op.ADOPT, Op.LEAVE, Op.FORGET, Op.RETIRE)]
    assert passes(guard, harmless * 30), "a first contact with a full destination is not held"
    assert (guard.deletions, guard.overwrites) == (0, 0)


def test_looking_again_does_not_let_the_next_half_pass() -> None:
    held = Guard(tree=40)
    assert [held.overwrite() for _ in range(35)] == [True] * 20 + [False] * 15
    for _ in range(3):  # each look plans again what the one before refused
        again = Guard(tree=60, spent=held.spent, refused=held.overwrites)
        assert not any(again.overwrite() for _ in range(15))
        assert again.held() == Held(0, 15, 60, 20)
        held = again
    assert "overwrite 15 of 60 files, after 20 that were overwritten before" in str(held.held())
    approved = Guard(tree=40, spent=held.spent, approved=True)
    assert all(approved.overwrite() for _ in range(15))


def test_what_was_refused_and_is_not_planned_any_more_holds_nothing() -> None:
    assert Guard(tree=40, spent=20, refused=15).held() is None


def test_a_preview_counts_what_was_done_before_too() -> None:
    guard = Guard(tree=40, spent=20)
    guard.count([Action(Op.PUT, "a", ENTRY, ENTRY)])
    assert guard.held() == Held(0, 1, 40, 20)
