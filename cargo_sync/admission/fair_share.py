"""Grants: how the bandwidth of one direction is shared among the flows that run in it.

Each flow asks for a speed; each user has a total, and so has the server. All grants rise together
until a flow reaches its own speed, its user's total or the server's. That flow stays there, the
others rise further. In the result, no flow could get more without taking from one that has less
(max-min fairness; Bertsekas and Gallager, Data Networks, 6.5.2).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

LEAST: Final = 1
"""Bits per second: a flow with a grant of 0 would never end."""


class Ask(NamedTuple):
    """The most that a flow may get: what it asked for, or its user's default if that is less.

    flow, user  who asks
    speed       bits per second; None means as fast as possible
    """

    flow: str
    user: str
    speed: int | None = None


def grant(
    asks: Sequence[Ask], totals: Mapping[str, int | None], total: int | None
) -> dict[str, int | None]:
    """Bits per second for each flow; None means no limit.

    The sum of a user's grants is at most the user's total, and the sum of all grants at most the
    server's, except that no flow gets less than `LEAST`.

    Args:
        asks: all flows that run in one direction.
        totals: users' totals; a missing user, or None, means no limit.
        total: the server's total; None means no limit.
    """
    granted: dict[str, int | None] = {}
    rising = list(asks)
    used: Counter[str] = Counter()
    while rising:
        level = _next_level(rising, used, totals, total)
        if level is None:
            granted.update((ask.flow, None) for ask in rising)
            break
        count = Counter(ask.user for ask in rising)
        full = total is not None and _share(total, used.total(), len(rising)) <= level
        rest = []
        for ask in rising:
            limit = totals.get(ask.user)
            stays = (
                full
                or (ask.speed is not None and ask.speed <= level)
                or (limit is not None and _share(limit, used[ask.user], count[ask.user]) <= level)
            )
            if not stays:
                rest.append(ask)
            else:
                granted[ask.flow] = max(level, LEAST)
        for ask in rising:
            if ask.flow in granted:
                used[ask.user] += level
        rising = rest
    return granted


def _next_level(
    rising: Sequence[Ask],
    used: Mapping[str, int],
    totals: Mapping[str, int | None],
    total: int | None,
) -> int | None:
    """The speed at which the next flow stops rising; None when all may rise without limit."""
    levels = [ask.speed for ask in rising if ask.speed is not None]
    for user, count in Counter(ask.user for ask in rising).items():
        limit = totals.get(user)
        if limit is not None:
            levels.append(_share(limit, used.get(user, 0), count))
    if total is not None:
        levels.append(_share(total, sum(used.values()), len(rising)))
    return min(levels, default=None)


def _share(limit: int, used: int, flows: int) -> int:
    return max(0, limit - used) // flows
