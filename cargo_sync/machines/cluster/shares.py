"""A limit that several servers share: how much of it each may use now.

Each server says once a second what its flows ask for, and how much it may use until it speaks again
(a `LimitClaim`). All know all claims, and compute the same targets: flows rise together until each
has what it asked for or nothing is left (max-min fairness, as in admission/fair_share), and a
server's target is what its flows get.

Nobody sees all claims of the same moment. So who has more than its target lowers it at once, and
who has less announces what it wants, and takes it when it looks the next time: by then the others
have read it. What others may still use, because they have not looked yet, is never taken.

A server whose flows have just begun does not wait for two looks: of what nobody had claimed it has
its part at once, so that all may begin together, and halved, because somebody may be about to take
it; or a fortieth of all.
Who cannot look keeps what it has for three seconds, as long as the others count it, and then takes
as much as each would have if all asked for all.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from cargo_sync.machines.cluster.states import AWAY_AFTER

LEAST_START: Final = 40
"""A server that begins has at least this part of the limit at once: one in so many."""

Speeds = Sequence[int | None]
"""What each flow asks for, bits per second; None: as much as possible."""


class LimitClaim(NamedTuple):
    """What a server wants of a limit.

    speeds  what each of its flows asks for
    most    bits per second that it may use until it speaks again
    """

    speeds: Speeds = ()
    most: int = 0


class SharedLimit:
    """One limit, at one server.

    share  what this server may use now, bits per second
    claim  what it says to the others
    """

    def __init__(self, now: float, others: Collection[LimitClaim] = (), servers: int = 1) -> None:
        """As for `look`, without flows."""
        self.share = 0
        self.claim = LimitClaim()
        self._announced = 0
        self._looked = now
        self._servers = servers
        self._claimed = sum(claim.most for claim in others)
        """What others may use, as it was at the last look."""

    def begin(self, speeds: Speeds, total: int) -> None:
        """Its flows have changed between two looks."""
        if not speeds:
            self.share = self._announced = 0
        elif not self.claim.speeds:
            free = max(0, total - self._claimed)
            start = max(total // LEAST_START, free // (2 * self._servers))
            self.share = max(self.share, start)
        self.claim = LimitClaim(speeds, max(self.share, self._announced))

    def look(
        self, speeds: Speeds, total: int, others: Collection[LimitClaim], servers: int, now: float
    ) -> None:
        """Takes the claims of the other servers that are there.

        Args:
            speeds: what its flows ask for.
            total: the limit, bits per second.
            others: those who have flows under this limit.
            servers: how many servers there are, with this one.
            now: steady seconds.
        """
        self._looked, self._servers = now, servers
        self._claimed = sum(claim.most for claim in others)
        claims = {number: claim.speeds for number, claim in enumerate(others, 1)}
        targets = _targets(claims | {0: speeds}, total)
        taken = sum(max(claim.most, targets[number]) for number, claim in enumerate(others, 1))
        may_have = max(0, min(targets[0], total - taken))
        if targets[0] <= self.share:
            self.share, self._announced = targets[0], 0
        else:
            self.share = max(self.share, min(self._announced, may_have))
            self._announced = may_have
        self.begin(speeds, total)

    def alone(self, speeds: Speeds, total: int) -> None:
        """There is no other server: it has all."""
        self.share, self._announced = total if speeds else 0, 0
        self.claim = LimitClaim(speeds, self.share)

    def late(self, total: int, now: float) -> None:
        """Looks at the time: it may not have seen the others' claims for long."""
        if now - self._looked >= AWAY_AFTER and self.claim.speeds:
            self.share, self._announced = total // self._servers, 0


def _targets(speeds: Mapping[int, Speeds], total: int) -> dict[int, int]:
    """What each server gets, bits per second."""
    level = _level([one for some in speeds.values() for one in some], total)
    return {
        number: sum(int(level) if one is None else int(min(one, level)) for one in some)
        for number, some in speeds.items()
    }


def _level(speeds: Speeds, total: int) -> float:
    """Up to where all flows rise."""
    left, rising = float(total), len(speeds)
    for speed in sorted(float("inf") if one is None else one for one in speeds):
        if speed * rising >= left:
            return left / rising
        left -= speed
        rising -= 1
    return float(total)
