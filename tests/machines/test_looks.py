"""When the next look comes, as a table: facts and the result. The last look ended at 100."""

from typing import Any

import pytest

from cargo_sync.machines.looks import LookResult, next_look, retry_after
from cargo_sync.model.problems import Code, Problem


@pytest.mark.parametrize(
    ("why", "known", "hinted", "at"),
    [
        ("nothing was heard: after sleep", {}, None, 103.0),
        ("a long survey: nine times its length", {"surveyed": 2.0}, None, 118.0),
        ("a hint, once the file may be still", {}, 100.0, 102.0),
        ("a hint that came while the look went on", {}, 95.0, 100.2),
        ("a hint never postpones the look", {}, 102.0, 103.0),
        ("a hint after a long survey: not sooner than it took", {"surveyed": 5.0}, 95.0, 105.0),
        ("files that were not still", {"again_in": 0.5}, None, 100.5),
        ("… of a large tree", {"again_in": 0.5, "surveyed": 4.0}, None, 104.0),
        ("a file that failed is due", {"due": 101.5}, None, 101.5),
        ("… was due long ago, and was not asked for", {"due": 7.0}, None, 101.0),
        ("… is due later than the next look", {"due": 170.0}, None, 103.0),
        ("the look ended early", {"retry_at": 140.0}, None, 140.0),
        ("… and a hint does not hurry it", {"retry_at": 140.0}, 100.0, 140.0),
        ("the disk is full", {"full": True, "due": 101.5}, None, 130.0),
        ("… and a smaller file may fit", {"full": True, "due": 101.5}, 100.0, 102.0),
    ],
)
def test_next_look(why: str, known: dict[str, Any], hinted: float | None, at: float | None) -> None:
    assert next_look(LookResult(100.0, **known), 3.0, 2.0, hinted) == at, why


def test_the_first_look_is_now() -> None:
    assert next_look(None, 3.0, 2.0, None) == 0.0


@pytest.mark.parametrize(
    ("problem", "delays"),
    [
        (Problem(Code.UNREACHABLE, "no answer"), [1.0, 2.0, 4.0, 60.0]),
        (Problem(Code.DISK_ERROR, "input/output error"), [1.0, 2.0, 4.0, 300.0]),
        (Problem(Code.UNAUTHORIZED, "wrong password", retry=False), [30.0, 60.0, 120.0, 300.0]),
    ],
)
def test_trouble_is_tried_again_ever_more_seldom(problem: Problem, delays: list[float]) -> None:
    longest = [retry_after(problem, tries, 1.0) for tries in (1, 2, 3, 99)]
    shortest = [retry_after(problem, tries, 0.0) for tries in (1, 2, 3, 99)]
    assert longest == delays
    assert shortest == [each / 2 for each in delays]


@pytest.mark.parametrize(
    "code",
    [
        Code.UNREACHABLE,
        Code.UNKNOWN_HOST,
        Code.TIMEOUT,
        Code.CUT,
        Code.BUSY,
        Code.THROTTLED,
    ],
)
def test_a_server_that_is_away_is_looked_for_once_a_minute(code: Code) -> None:
    assert retry_after(Problem(code, "it is away"), 99, 1.0) == 60.0


@pytest.mark.parametrize(
    ("last", "whole", "at"),
    [
        (True, True, (190.0, 110.0, 110.0)),
        (True, False, (103.0, 100.5, 100.2)),
        (False, False, (190.0, 110.0, 110.0)),
        (False, True, (190.0, 110.0, 110.0)),
    ],
)
def test_a_look_at_a_few_folders_does_not_wait_because_one_at_all_took_long(
    last: bool, whole: bool, at: tuple[float, float, float]
) -> None:
    """When nothing is hinted, when files still change, when something is hinted."""
    look = LookResult(100.0, 10.0, last)
    again = LookResult(100.0, 10.0, last, again_in=0.5)
    assert next_look(look, 3.0, 0.0, None, whole=whole) == at[0]
    assert next_look(again, 3.0, 0.0, None, whole=whole) == at[1]
    assert next_look(look, 3.0, 0.0, 99.0, whole=whole) == at[2]
