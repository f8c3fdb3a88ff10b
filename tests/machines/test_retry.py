"""Growing delay, and the memory of what failed."""

from cargo_sync.machines.retry import Failures, delay
from cargo_sync.model.problems import Problem


def test_delay_doubles_up_to_a_ceiling_and_keeps_half_of_itself() -> None:
    assert [delay(tries, 1 - 1e-12) for tries in (1, 2, 3, 20)] == [
        delay(1, 1 - 1e-12), 2 * delay(1, 1 - 1e-12), 4 * delay(1, 1 - 1e-12), 300 * (1 - 0.5e-12),
    ]  # fmt: skip
    assert delay(3, 0.0) == 2.0
    assert delay(10_000, 0.5) == 225.0


def test_failures_wait_and_are_due_one_by_one() -> None:
    failures = Failures()
    problem = Problem("unreadable", "no")
    failures.failed("a", problem, now=0, chance=0)
    failures.failed("a", problem, now=10, chance=0)
    failures.failed("b", problem, now=10, chance=0)
    assert failures.next_at() == 10.5
    assert [failures.due(path, 10.6) for path in "abc"] == [False, True, True]
    failures.expedite()
    assert failures.due("a", 0)
    failures.succeeded("a")
    assert failures.paths() == {"b"}
    failures.succeeded("b")
    assert len(failures) == 0 and failures.next_at() is None
