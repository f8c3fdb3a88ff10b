"""Grants, as a table and as properties: within limits, nothing unused, equal for equals."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.admission.fair_share import LEAST, Ask, grant


@pytest.mark.parametrize(
    ("asks", "totals", "total", "expected"),
    [
        ("a:ana", {}, None, "a=-"),
        ("a:ana:50", {}, None, "a=50"),
        ("a:ana:50 b:ana", {}, 100, "a=50 b=50"),
        ("a:ana:20 b:ana", {}, 100, "a=20 b=80"),
        ("a:ana b:ana c:ana d:ben", {"ana": 90}, None, "a=30 b=30 c=30 d=-"),
        ("a:ana b:ana c:ben", {"ana": 40}, 100, "a=20 b=20 c=60"),
        ("a:ana b:ben", {"ana": 90, "ben": 90}, 100, "a=50 b=50"),
        ("a:ana:10 b:ana c:ben:15 d:ben", {"ana": 30}, 100, "a=10 b=20 c=15 d=55"),
        ("a:ana b:ana c:ana", {}, 100, "a=33 b=33 c=33"),
        ("a:ana b:ana", {}, 1, "a=1 b=1"),
        ("", {}, 100, ""),
    ],
)
def test_the_table(
    asks: str, totals: dict[str, int | None], total: int | None, expected: str
) -> None:
    granted = grant([_ask(text) for text in asks.split()], totals, total)
    assert " ".join(f"{flow}={granted[flow] or '-'}" for flow in sorted(granted)) == expected


def _ask(text: str) -> Ask:
    flow, user, *speed = text.split(":")
    return Ask(flow, user, int(speed[0]) if speed else None)


rates = st.none() | st.integers(min_value=1, max_value=10_000)
flows = st.lists(st.tuples(st.sampled_from("abc"), rates), max_size=12).map(
    lambda rows: [Ask(str(number), user, speed) for number, (user, speed) in enumerate(rows)]
)
limits = st.dictionaries(
    st.sampled_from("abc"), st.none() | st.integers(min_value=100, max_value=10_000)
)


@given(flows, limits, st.none() | st.integers(min_value=100, max_value=10_000))
def test_no_limit_is_passed_and_nothing_lies_idle(
    asks: list[Ask], totals: dict[str, int | None], total: int | None
) -> None:
    granted = grant(asks, totals, total)
    assert set(granted) == {ask.flow for ask in asks}
    by_user: dict[str, list[int | None]] = defaultdict(list)
    for ask in asks:
        rate = granted[ask.flow]
        by_user[ask.user].append(rate)
        assert rate is None or rate >= LEAST
        assert ask.speed is None or (rate is not None and rate <= ask.speed)
    for user, rates in by_user.items():
        assert _within(rates, totals.get(user))
    assert _within(list(granted.values()), total)
    for ask in asks:
        rate = granted[ask.flow]
        if rate is not None and rate != ask.speed:
            user_full = _spent(by_user[ask.user], totals.get(ask.user))
            assert user_full or _spent(list(granted.values()), total)


@given(flows, limits, st.none() | st.integers(min_value=100, max_value=10_000), st.randoms())
def test_the_order_of_asking_does_not_matter(
    asks: list[Ask], totals: dict[str, int | None], total: int | None, chance: object
) -> None:
    shuffled = list(asks)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert grant(asks, totals, total) == grant(shuffled, totals, total)


@given(st.integers(min_value=2, max_value=9), st.integers(min_value=100, max_value=10_000))
def test_a_flow_that_ends_leaves_the_others_no_less(count: int, total: int) -> None:
    asks = [Ask(str(number), "ana") for number in range(count)]
    before, after = grant(asks, {}, total), grant(asks[1:], {}, total)
    assert set(before.values()) == {total // count}
    assert all((after[flow] or 0) >= (before[flow] or 0) for flow in after)


def _within(rates: list[int | None], limit: int | None) -> bool:
    return limit is None or (None not in rates and sum(rate or 0 for rate in rates) <= limit)


def _spent(rates: list[int | None], limit: int | None) -> bool:
    """Everything is granted, except for a remainder of the division."""
    return limit is not None and sum(rate or 0 for rate in rates) > limit - 2 * len(rates)
