"""Previews wait in their order; of those that failed, only the last ones are remembered."""

from types import SimpleNamespace
from typing import cast

from cargo_sync.daemon.job.previews import REMEMBERED, Previews
from cargo_sync.engine.run import Run
from cargo_sync.model.problems import Code, Problem

PROBLEM = Problem(Code.UNREACHABLE, "the server does not answer")


def run(id: str) -> Run:
    return cast(Run, SimpleNamespace(report=SimpleNamespace(run=id)))


def test_previews_are_made_in_their_order() -> None:
    previews = Previews()
    first, second = run("1"), run("2")
    assert (previews.order(first), previews.order(second)) == ("1", "2")
    assert previews.next() is first
    previews.ended(first, None)
    assert (previews.waits("1"), previews.waits("2")) == (False, True)
    assert (previews.next(), previews.problem("1")) == (second, None)
    previews.ended(second, PROBLEM)
    assert (previews.next(), previews.problem("2")) == (None, PROBLEM)


def test_the_oldest_failure_is_forgotten() -> None:
    previews = Previews()
    for number in range(REMEMBERED + 1):
        failing = run(f"{number}")
        previews.order(failing)
        previews.ended(failing, PROBLEM)
    assert [previews.problem("0"), previews.problem("1")] == [None, PROBLEM]
