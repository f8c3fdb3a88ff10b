"""Hashes of two sides: equal, different, or unknown; what the server knows is not read there."""

from collections.abc import Sequence

import pytest

from cargo_sync.engine.execution.comparison import (
    Comparison,
    FilePair,
    Hashes,
    SidePair,
    compare,
    hashes_of,
)
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.model.known_hashes import HashKind, KnownHash, Matched
from cargo_sync.model.problems import Code, Problem

HERE = Problem(Code.UNREADABLE, "not here", "a")
THERE = Problem(Code.CHANGED, "not there", "a")
SOURCE, DESTINATION = Entry("a", FILE, 5, 1), Entry("a", FILE, 5, 2)
OURS = KnownHash(HashKind.BLAKE3, "1f")
THEIRS = KnownHash(HashKind.MD5, "ab", certain=True)
UNSURE = KnownHash(HashKind.MD5_OF_PARTS, "ab-3")


class Side:
    """Answers `hashes` in order; as the server's side it also knows something by itself."""

    def __init__(self, *answers: str | Problem) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Entry]] = []
        self.knows: Sequence[KnownHash | None] | None = None
        self.match: Matched | Problem | None = None

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        self.asked += items
        return self.answers[: len(items)]

    async def known_hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return self.knows if self.knows is not None else [None] * len(items)

    async def matches(
        self, items: Sequence[tuple[str, Entry, KnownHash]]
    ) -> list[Matched | Problem]:
        assert self.match is not None
        assert [known.kind is not HashKind.BLAKE3 for _, _, known in items] == [True]
        return [self.match]


@pytest.mark.parametrize("direction", DIRECTIONS)
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
async def test_two_hashes(
    direction: Mode, here: str | Problem, there: str | Problem, result: Comparison
) -> None:
    source, destination = Side("0", here), Side("0", there)
    near, far = (source, destination) if direction is Mode.UPLOAD else (destination, source)
    pairs = [FilePair(path, SOURCE, DESTINATION) for path in ("d/a", "d/b")]
    assert await compare(near, far, direction, pairs) == [Comparison("0"), result]
    assert source.asked == [("d/a", SOURCE), ("d/b", SOURCE)]
    assert destination.asked == [("d/a", DESTINATION), ("d/b", DESTINATION)]


@pytest.mark.parametrize(
    ("known", "match", "exact", "expected", "read"),
    [
        (OURS, None, False, Hashes("near", "1f"), 0),
        (THEIRS, Matched("1f", True), False, Hashes("1f", "1f"), 0),
        (THEIRS, Matched("1f", True), True, Hashes("1f", "1f"), 0),
        (THEIRS, Matched("1f", False), False, Hashes("1f", ""), 0),
        (THEIRS, Matched("1f", False), True, Hashes("1f", "far"), 1),
        (THEIRS, HERE, False, Hashes(HERE, ""), 0),
        (UNSURE, Matched("1f", True), False, Hashes("1f", "1f"), 0),
        (UNSURE, Matched("1f", False), False, Hashes("1f", "far"), 1),
    ],
)
async def test_what_the_server_knows_by_itself(
    known: KnownHash, match: Matched | Problem | None, exact: bool, expected: Hashes, read: int
) -> None:
    """It stands between two files of which the server knows nothing, and which are read."""
    near, far = Side("near", "near", "near"), Side("far", "far", "far")
    far.knows, near.match = [None, known, None], match
    pairs = [SidePair(path, SOURCE, DESTINATION) for path in "xay"]
    found = await hashes_of(near, far, pairs, exact=exact)
    assert found == [Hashes("near", "far"), expected, Hashes("near", "far")]
    assert [path for path, _ in far.asked] == ["x", *"a" * read, "y"]
    assert [path for path, _ in near.asked] == (["x", "a", "y"] if match is None else ["x", "y"])
