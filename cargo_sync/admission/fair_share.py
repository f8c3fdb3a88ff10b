"""Grants: how a direction's bandwidth is shared among the flows that run in it.

Every flow asks for a rate; a user has a total, the server has one. All flows rise together until
one meets its own rate, its user's total or the server's: that one stays there, the others rise on.
Nobody could get more without somebody who has less losing (max-min fairness; Bertsekas and
Gallager, Data Networks, 6.5.2).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

LEAST: Final = 1
"""Bits a second: a flow that is granted nothing at all would never end."""


class Ask(NamedTuple):
    """What a flow may have at most: the least of what it asked for and what its user has by
    default.

    flow, user  who asks
    speed       bits a second; None for as fast as it goes
    """

    flow: str
    user: str
    speed: int | None = None


def grant(
    asks: Sequence[Ask], totals: Mapping[str, int | None], total: int | None
) -> dict[str, int | None]:
    """Bits a second for each flow, None for no limit.

    Args:
        asks: every flow that runs in one direction.
        totals: users' totals; a user who is not there, or None, has no limit.
        total: the server's total, None for no limit.

    The grants of a user sum up to at most their total, and all of them to at most the server's,
    except that no flow gets less than `LEAST`.
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
    """The rate at which the next flow stays behind; None when all may rise for ever."""
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
