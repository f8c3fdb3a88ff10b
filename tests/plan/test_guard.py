"""The guard: more than half, and more than ten."""

from cargo_sync.plan.guard import Guard


def test_small_changes_pass_and_large_ones_are_held() -> None:
    assert Guard(tree=4).delete(4), "ten files or fewer always pass"
    assert Guard(tree=1000).delete(500)
    guard = Guard(tree=1000)
    assert not guard.delete(501)
    assert "delete 501 and overwrite 0 of 1,000" in str(guard.held())


def test_deletions_and_overwrites_count_together_and_approval_lets_all_pass() -> None:
    guard = Guard(tree=20)
    assert [guard.overwrite() for _ in range(10)] == [True] * 10
    assert not guard.delete(1)
    assert Guard(tree=20, approved=True).delete(20)


def test_looking_again_does_not_let_the_next_half_pass() -> None:
    held = Guard(tree=40)
    assert not held.overwrite(21)
    again = Guard(tree=40, spent=held.overwrites)
    assert again.held() and not again.overwrite()
    assert Guard(tree=40, spent=held.overwrites, approved=True).overwrite(40)
