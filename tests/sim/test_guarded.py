"""The count that judges the guard."""

import pytest

from tests.sim.guarded import RULES, GuardJudge
from tests.sim.story import BrokenPromiseError

MOST = RULES.at_least


def files(first: int, count: int, folder: str = "a") -> list[tuple[str, bytes]]:
    return [(f"{folder}/{number}", b"%d" % number) for number in range(first, first + count)]


def test_what_was_moved_and_then_overwritten_counts_once() -> None:
    judge = GuardJudge()
    moved = files(0, MOST)
    judge.displaced(moved, [content for _, content in moved], 0.0)
    judge.displaced(files(0, MOST, "b"), (), 1.0)
    with pytest.raises(BrokenPromiseError):
        judge.displaced(files(MOST, 1), (), 2.0)


def test_a_path_counts_with_whatever_was_displaced_there() -> None:
    judge = GuardJudge()
    judge.displaced(files(0, MOST), (), 0.0)
    judge.displaced([(path, b"later") for path, _ in files(0, MOST)], [b"later"], 1.0)
    with pytest.raises(BrokenPromiseError):
        judge.displaced(files(MOST, 1), [b"later"], 2.0)


def test_what_a_person_has_decided_about_does_not_count() -> None:
    judge = GuardJudge()
    judge.begin(MOST)
    judge.covered = {path for path, _ in files(0, MOST)}
    judge.displaced(files(0, 2 * MOST), (), 0.0)
    judge.displaced(files(3 * MOST, 1), (), RULES.window)
