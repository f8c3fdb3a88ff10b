"""A limit among servers: a table of looks, and a simulation of servers with clocks of their own."""

import heapq
import random

import pytest

from cargo_sync.machines.cluster.shares import LEAST_START, LimitClaim, SharedLimit, Speeds
from cargo_sync.machines.cluster.states import AWAY_AFTER

TOTAL = 120_000
FREE: Speeds = (None,)


def test_who_is_alone_has_all_and_who_begins_beside_it_gets_half() -> None:
    a, b = SharedLimit(0.0), SharedLimit(0.0)
    a.begin(FREE, TOTAL)
    assert a.share == TOTAL // 2
    for now in (1.0, 2.0):
        a.look(FREE, TOTAL, [], 1, now)
    assert (a.share, a.claim.most) == (TOTAL, TOTAL)
    b.look((), TOTAL, [a.claim], 2, 2.2)
    b.begin(FREE, TOTAL)
    assert b.share == TOTAL // LEAST_START
    b.look(FREE, TOTAL, [a.claim], 2, 2.5)
    b.look(FREE, TOTAL, [a.claim], 2, 3.0)
    assert b.share == TOTAL // LEAST_START  # the other one has not looked yet
    a.look(FREE, TOTAL, [b.claim], 2, 3.5)
    assert a.share == TOTAL // 2  # at once
    b.look(FREE, TOTAL, [a.claim], 2, 4.0)
    assert (b.share, b.claim.most) == (TOTAL // LEAST_START, TOTAL // 2)  # it is announced
    a.look(FREE, TOTAL, [b.claim], 2, 4.5)
    b.look(FREE, TOTAL, [a.claim], 2, 5.0)
    assert (a.share, b.share) == (TOTAL // 2, TOTAL // 2)
    a.begin((), TOTAL)
    assert (a.share, a.claim) == (0, LimitClaim())


@pytest.mark.parametrize(
    ("own", "other", "share"),
    [
        (FREE, (None, None), 40_000),  # each flow has as much
        ((None, None, None), FREE, 90_000),
        ((30_000,), FREE, 30_000),
        (FREE, (30_000,), 90_000),
        ((10_000, None), (20_000,), 100_000),
        ((10_000,), (20_000,), 10_000),
        (FREE, (), 120_000),
    ],
)
def test_what_flows_ask_for_counts(own: Speeds, other: Speeds, share: int) -> None:
    a = SharedLimit(0.0)
    for now in (1.0, 2.0):
        a.look(own, TOTAL, [LimitClaim(other, 0)], 2, now)
    assert a.share == share


def test_who_cannot_look_keeps_its_share_and_then_has_its_part() -> None:
    a = SharedLimit(0.0)
    for now in (1.0, 2.0):
        a.look(FREE, TOTAL, [LimitClaim(FREE, 60_000)], 3, now)
    a.late(TOTAL, 2.0 + AWAY_AFTER - 0.1)
    assert a.share == TOTAL // 2
    a.late(TOTAL, 2.0 + AWAY_AFTER)
    assert a.share == TOTAL // 3
    a.look(FREE, TOTAL, [], 1, 6.0)
    a.look(FREE, TOTAL, [], 1, 7.0)
    assert a.share == TOTAL


class Simulated:
    """A server: it looks each second or a little later, and its flows come and go."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.limit = SharedLimit(0.0)
        self.speeds: Speeds = ()
        self.lives = True


def simulate(seed: int, servers: int, seconds: float) -> float:
    """The most that was used in ten seconds, as a part of what the limit allows.

    Everybody uses all that they may. Rows are read and written as in a database: whole, one after
    the other. A server that dies is counted by the others for three more seconds.
    """
    chance = random.Random(seed)
    known = [Simulated(chance.getrandbits(32)) for _ in range(servers)]
    rows: dict[int, tuple[LimitClaim, float]] = {}
    events = [(chance.random(), number, "look") for number in range(servers)]
    events += [(chance.random() * 3, number, "flows") for number in range(servers)]
    heapq.heapify(events)
    used: list[tuple[float, float, int]] = []
    now = 0.0
    while now < seconds:
        then, number, what = heapq.heappop(events)
        used.append((now, then, sum(one.limit.share for one in known if one.lives)))
        now, one = then, known[number]
        if what == "flows":
            one.speeds = tuple(
                one.chance.choice((None, None, 5_000, 50_000))
                for _ in range(one.chance.choice((0, 0, 1, 1, 2, 5)))
            )
            one.limit.begin(one.speeds, TOTAL)
            if one.chance.random() < 0.1:
                one.lives = not one.lives
                one.limit, one.speeds = SharedLimit(now), ()
            heapq.heappush(events, (now + one.chance.expovariate(0.2), number, "flows"))
            continue
        if one.lives:
            rows[number] = (one.limit.claim, now)
            there = {key: claim for key, (claim, at) in rows.items() if now - at < AWAY_AFTER}
            others = [claim for key, claim in there.items() if key != number and claim.speeds]
            one.limit.look(one.speeds, TOTAL, others, len(there), now)
        heapq.heappush(events, (now + 1 + 0.2 * one.chance.random(), number, "look"))
    return max(
        sum(
            share * (min(end, start + 10) - max(begin, start))
            for begin, end, share in used
            if end > start and begin < start + 10
        )
        / (10 * TOTAL)
        for start in range(int(seconds) - 10)
    )


@pytest.mark.parametrize("servers", [2, 3, 8])
def test_together_they_never_use_more_than_the_limit_and_a_twentieth(servers: int) -> None:
    worst = max(simulate(seed, servers, 120.0) for seed in range(20))
    assert 0.9 < worst <= 1.05
