"""The growing delay, and the list of what failed."""

import pytest

from cargo_sync.machines import retry
from cargo_sync.machines.retry import Failures, cancelled, delay
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.problems import Code, Problem


def test_delay_doubles_up_to_a_ceiling_and_keeps_half_of_itself() -> None:
    assert [delay(tries, 1 - 1e-12) for tries in (1, 2, 3, 20)] == [
        delay(1, 1 - 1e-12), 2 * delay(1, 1 - 1e-12), 4 * delay(1, 1 - 1e-12), 300 * (1 - 0.5e-12),
    ]  # fmt: skip
    assert delay(3, 0.0) == 2.0
    assert delay(10_000, 0.5) == 225.0


def test_failures_wait_and_are_due_one_by_one() -> None:
    failures = Failures()
    problem = Problem(Code.UNREADABLE, "no")
    failures.failed("a", problem, now=0, chance=0)
    failures.failed("a", problem, now=10, chance=0)
    failures.failed("b", problem, now=10, chance=0)
    assert failures.next_at() == 10.5
    source = Entry("a", FILE, version=3, ident=7)
    assert [failures.due(path, source, 10.6) for path in "abc"] == [False, True, True]
    failures.expedite()
    assert failures.due("a", source, 0)
    failures.succeeded("a")
    assert failures.paths() == {"b"}
    failures.succeeded("b")
    assert len(failures) == 0 and failures.next_at() is None


def test_what_a_person_must_correct_is_not_tried_again_at_once() -> None:
    failures = Failures()
    hopeless = Problem(Code.TOO_LARGE, "'a' is too large for the server", retry=False)
    tried = [failures.failed("a", hopeless, now=0, chance=0).next_at for _ in range(6)]
    assert tried == [15.0, 30.0, 60.0, 120.0, 150.0, 150.0]


def test_of_more_failures_than_are_remembered_the_rest_is_due_at_each_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "REMEMBERED", 2)
    failures = Failures()
    source, problem = Entry("c", FILE, version=3, ident=7), Problem(Code.UNREADABLE, "no")
    told = [failures.failed(path, problem, now=0, chance=0).tries for path in "abccbb"]
    assert told == [1, 1, 1, 1, 2, 3]
    assert failures.paths() == {"a", "b"} and failures.due("c", source, 0)
    assert [failures.knows(path) for path in "abc"] == [True, True, False]


def test_what_a_person_put_off_waits_for_another_source_or_an_order() -> None:
    failures = Failures()
    source = Entry("a", FILE, version=3, ident=7)
    failures.put_off("a", cancelled("my job", "a"), (3, 7))
    assert failures.next_at() is None and failures.was_put_off("a")
    assert not failures.due("a", source, 1e12)
    assert failures.due("a", source._replace(version=4), 0) and failures.due(
        "a", source._replace(ident=8), 0
    )
    assert not failures.was_put_off("b")
    assert not failures.first(1)[0].problem.retry
    failures.failed("b", Problem(Code.CUT, "cut"), now=10, chance=0)
    assert failures.next_at() == 10.5, "what was put off has no time"
    failures.succeeded("b")
    assert failures.first(1)[0].problem.hint == "`cargo_ctl job sync 'my job'` takes it up again"
    failures.expedite()
    assert failures.due("a", source, 0) and failures.was_put_off("a")
    failures.failed("a", Problem(Code.CUT, "cut"), now=10, chance=0)
    assert not failures.was_put_off("a") and failures.next_at() == 11.0 - 0.0
