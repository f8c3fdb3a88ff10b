"""Quotas as tables: what fits, what is too much, and what is told when."""

import pytest

from cargo_sync.machines.quota import (
    Growth,
    Quota,
    QuotaLevel,
    Use,
    level,
    promised,
    settled,
)

BELOW, NEAR, REACHED = QuotaLevel


@pytest.mark.parametrize(
    ("quota", "used", "growth", "excess"),
    [
        (Quota(), Use(10**15, 10**9), Use(10**15, 10**9), Use()),
        (Quota(bytes=100), Use(60, 5), Use(40, 1), Use()),
        (Quota(bytes=100), Use(60, 5), Use(41, 1), Use(1, 0)),
        (Quota(files=5), Use(60, 5), Use(0, 1), Use(0, 1)),
        (Quota(files=5), Use(60, 5), Use(10**9, 0), Use()),
        (Quota(100, 5), Use(100, 5), Use(7, 1), Use(7, 1)),
        # Less than what is there: only what grows is refused.
        (Quota(100, 5), Use(500, 50), Use(0, 0), Use()),
        (Quota(100, 5), Use(500, 50), Use(-20, 0), Use()),
        (Quota(100, 5), Use(500, 50), Use(1, 0), Use(401, 0)),
        (Quota(bytes=0), Use(), Use(0, 1), Use()),
        (Quota(bytes=0), Use(), Use(1, 1), Use(1, 0)),
    ],
)
def test_what_is_too_much(quota: Quota, used: Use, growth: Use, excess: Use) -> None:
    assert quota.excess(used, growth) == excess


@pytest.mark.parametrize(
    ("sizes", "new", "takes", "refused"),
    [
        ([], [], Use(), {}),
        ([30, 10], [1, 1], Use(40, 2), {}),
        ([30, 20, 10], [1, 1, 1], Use(40, 2), {1: Use(10, 0)}),
        ([50, 0], [1, 1], Use(0, 1), {0: Use(10, 0)}),
        # What shrinks gives no room to others before it is there.
        ([-30, 50], [0, 0], Use(), {1: Use(10, 0)}),
        ([-30, 40], [0, 1], Use(40, 1), {}),
        ([1, 1, 1, 1], [1, 1, 1, 1], Use(3, 3), {3: Use(0, 1)}),
    ],
)
def test_what_of_a_batch_may_come(
    sizes: list[int], new: list[int], takes: Use, refused: dict[int, Use]
) -> None:
    result = promised(Quota(bytes=100, files=10), Use(60, 7), Growth(sizes, new))
    assert (result.growth, result.refused) == (takes, refused)


@pytest.mark.parametrize(
    ("quota", "used", "expected"),
    [
        (Quota(), Use(10**15, 1), BELOW),
        (Quota(bytes=100), Use(89, 1), BELOW),
        (Quota(bytes=100), Use(90, 1), NEAR),
        (Quota(bytes=100, files=10), Use(1, 9), NEAR),
        (Quota(bytes=100), Use(100, 1), REACHED),
        (Quota(bytes=0), Use(), REACHED),
    ],
)
def test_how_far_a_quota_is_used_up(quota: Quota, used: Use, expected: QuotaLevel) -> None:
    assert level(quota, used) is expected


def test_a_refusal_shows_that_a_quota_is_reached() -> None:
    assert level(Quota(bytes=100), Use(50, 1), refused=True) is REACHED
    assert level(Quota(), Use(50, 1), refused=True) is BELOW


def test_what_was_told_is_told_again_only_after_it_was_well_below() -> None:
    told, news = BELOW, []
    for now in (NEAR, NEAR, REACHED, NEAR, REACHED, BELOW, NEAR):
        if now > told:
            news.append(now)
        told = settled(told, now)
    assert news == [NEAR, REACHED, NEAR]


@pytest.mark.parametrize(
    ("quota", "used", "share"),
    [(Quota(), Use(1, 1), None), (Quota(200, 10), Use(50, 9), 0.9), (Quota(200), Use(300, 1), 1.5)],
)
def test_the_share_is_that_of_what_is_scarcer(quota: Quota, used: Use, share: float | None) -> None:
    assert quota.share(used) == share
