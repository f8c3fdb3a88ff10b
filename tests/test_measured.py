"""Which tests coverage looks at."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.measured import CASES, leave_out


class Item:
    """A test as pytest collects it."""

    def __init__(self, nodeid: str, obj: Callable[..., object] = print) -> None:
        self.nodeid = nodeid
        self.obj = obj
        self.marks: list[str] = []

    def add_marker(self, name: str) -> None:
        self.marks.append(name)


@given(st.none())
def generated(_: None) -> None:
    """A test that hypothesis makes examples for."""


def measured(*items: Item) -> list[str]:
    given_to: Any = items
    leave_out(given_to)
    return [item.nodeid for item in items if item.marks == []]


def test_whole_programs_and_generated_examples_are_not_measured() -> None:
    near = Item("tests/local/test_scan.py::test_a")
    top = Item("tests/test_main.py::test_a")
    whole = Item("tests/e2e/test_daemon.py::test_a")
    examples = Item("tests/local/test_scan.py::test_b", generated)
    assert measured(near, whole, top, examples) == [near.nodeid, top.nodeid]


def test_only_the_first_cases_of_a_test_are_measured() -> None:
    cases = [Item(f"tests/local/test_scan.py::test_a[{number}]") for number in range(CASES + 2)]
    other = Item("tests/local/test_scan.py::test_b[0]")
    assert measured(*cases, other) == [one.nodeid for one in (*cases[:CASES], other)]


def test_all_tests_of_the_pure_floors_are_measured() -> None:
    cases = [Item(f"tests/plan/test_guard.py::test_a[{number}]") for number in range(CASES + 2)]
    examples = Item("tests/wire/test_frames.py::test_a", generated)
    assert measured(*cases, examples) == [one.nodeid for one in (*cases, examples)]
