"""The fields that commands read from an answer, and the error for a wrong answer."""

from collections.abc import Callable
from typing import Any

import pytest

from cargo_ctl import answers
from cargo_ctl.answers import CheckReport, HistoryPage, Page, PlanPage, StrangeAnswer

ROWS = [{"a": 1}]


@pytest.mark.parametrize(
    ("read", "answer", "value"),
    [
        (lambda one: answers.page(one, "jobs"), {"jobs": ROWS, "next": 3}, Page([{"a": 1}], 3)),
        (lambda one: answers.page(one, "jobs"), {"jobs": [], "next": None}, Page([], None)),
        (
            answers.history_page,
            {"rows": ROWS, "next": 9, "more": True, "oldest": 2},
            HistoryPage([{"a": 1}], 9, True, 2),
        ),
        (
            answers.plan_page,
            {"ready": False, "totals": {}, "actions": [], "next": None},
            PlanPage(False, {}, [], None),
        ),
        (
            answers.check_report,
            {"test": "t", "ready": True, "steps": [{"ok": True}]},
            CheckReport("t", True, [{"ok": True}]),
        ),
    ],
)
def test_an_answer_becomes_a_value(
    read: Callable[[dict[str, Any]], object], answer: dict[str, Any], value: object
) -> None:
    assert read(answer) == value
    for name in answer.keys() - {"next"}:
        rest = {each: told for each, told in answer.items() if each != name}
        with pytest.raises(StrangeAnswer, match=f'no valid "{name}"'):
            read(rest)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (answers.text, 1),
        (answers.flag, 1),
        (answers.number, "1"),
        (answers.number, True),
        (answers.number, None),
        (answers.cursor, 1.5),
        (answers.part, []),
        (answers.rows, {}),
        (answers.rows, ["x"]),
    ],
)
def test_a_value_of_another_kind_is_refused(
    read: Callable[[dict[str, Any], str], object], value: object
) -> None:
    with pytest.raises(StrangeAnswer, match='no valid "x"'):
        read({"x": value}, "x")


def test_a_check_is_good_when_no_step_failed() -> None:
    assert CheckReport("t", True, [{"ok": True}]).good
    assert not CheckReport("t", True, [{"ok": True}, {"ok": False}]).good
    assert not CheckReport("t", True, [{}]).good
