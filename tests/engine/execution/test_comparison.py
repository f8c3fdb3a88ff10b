"""Hashes of two sides: equal, different, or unknown."""

from collections.abc import Sequence

import pytest

from cargo_sync.engine.execution.comparison import Comparison, FilePair, compare
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.problems import Code, Problem

HERE = Problem(Code.UNREADABLE, "not here", "a")
THERE = Problem(Code.CHANGED, "not there", "a")
SOURCE, DESTINATION = Entry("a", FILE, 5, 1), Entry("a", FILE, 5, 2)


class Side:
    def __init__(self, *answers: str | Problem) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Entry]] = []

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        self.asked += items
        return self.answers


@pytest.mark.parametrize(
    ("here", "there", "result"),
    [
        ("1f", "1f", Comparison("1f")),
        ("1f", "2e", Comparison()),
        (HERE, "1f", Comparison(problem=HERE)),
        ("1f", THERE, Comparison(problem=THERE)),
        (HERE, THERE, Comparison(problem=HERE)),
    ],
)
async def test_two_hashes(here: str | Problem, there: str | Problem, result: Comparison) -> None:
    near, far = Side("0", here), Side("0", there)
    pairs = [FilePair(path, SOURCE, DESTINATION) for path in ("d/a", "d/b")]
    assert await compare(near, far, pairs) == [Comparison("0"), result]
    assert near.asked == [("d/a", SOURCE), ("d/b", SOURCE)]
    assert far.asked == [("d/a", DESTINATION), ("d/b", DESTINATION)]
