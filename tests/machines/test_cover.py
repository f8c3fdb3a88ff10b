"""Cover: each wanted byte arrives once, in any order."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.machines.cover import Cover
from cargo_sync.model.problems import ProblemError
from cargo_sync.wire.messages import RANGES_MAX


@given(st.lists(st.integers(0, 60), unique=True).map(sorted), st.randoms(use_true_random=False))
def test_pieces_in_any_order_cover_exactly(edges: list[int], chance: Random) -> None:
    wanted = list(zip(edges[::2], edges[1::2], strict=False))
    pieces = [(at, 1) for start, end in wanted for at in range(start, end)]
    chance.shuffle(pieces)
    cover = Cover(wanted)
    for count, (offset, length) in enumerate(pieces):
        assert cover.missing == len(pieces) - count
        assert not cover.complete
        cover.add(offset, length)
        with pytest.raises(ProblemError):
            cover.add(offset, length)
    assert cover.complete
    assert cover.holes() == ()


@given(st.integers(-3, 40), st.integers(-3, 40))
def test_only_missing_bytes_are_taken(offset: int, length: int) -> None:
    cover = Cover([(5, 10), (20, 30)])
    inside = length > 0 and any(
        s <= offset and offset + length <= e for s, e in ((5, 10), (20, 30))
    )
    try:
        cover.add(offset, length)
    except ProblemError:
        assert not inside
        assert cover.holes() == ((5, 10), (20, 30))
    else:
        assert inside
        assert cover.missing == 15 - length


def test_holes_show_what_is_left() -> None:
    cover = Cover([(0, 100)])
    for piece in ((0, 10), (90, 10), (40, 20)):
        cover.add(*piece)
    assert cover.holes() == ((10, 40), (60, 90))


def test_crumbs_are_refused() -> None:
    cover = Cover([(0, 100_000)])
    with pytest.raises(ProblemError, match="4096 parts"):
        for at in range(1, 100_000, 2):
            cover.add(at, 1)
    assert len(cover.holes()) == RANGES_MAX


def test_nothing_wanted_is_complete() -> None:
    assert Cover(()).complete
