"""The bandwidth of users at several servers: what each may use of it (machines/cluster/shares.py).

Each server says in its row what its flows want. Without others, a user has the whole of their
bandwidth here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import orjson

from cargo_sync.admission.fair_share import Ask
from cargo_sync.cluster.membership import KnownServer, Membership
from cargo_sync.machines.cluster.shares import LimitClaim, SharedLimit, Speeds
from cargo_sync.machines.cluster.states import ServerState
from cargo_sync.model.jobs import DIRECTIONS, Mode

LATE: Final = 1.5
"""Seconds after which a look is one that failed."""

_Key = tuple[Mode, str]


class ClusterBandwidth:
    """The limits of all users with flows here. For the event loop.

    membership  this server among the others
    changed     called when what this server may use has changed
    """

    def __init__(self, membership: Membership, steady: Callable[[], float]) -> None:
        self._membership = membership
        self._steady = steady
        self.changed: Callable[[], None] = lambda: None
        self._limits: dict[_Key, SharedLimit] = {}
        self._wanted: dict[_Key, tuple[Speeds, int]] = {}
        self._there: list[KnownServer] = []

    def totals(
        self, mode: Mode, asks: Sequence[Ask], totals: Mapping[str, int | None]
    ) -> Mapping[str, int | None]:
        """What users may use here, bits per second.

        Args:
            mode: a direction.
            asks: of the flows that are open here.
            totals: the bandwidth of their users; None for no limit.
        """
        limited = {user: total for user, total in totals.items() if total is not None}
        for key in [key for key in self._limits if key[0] is mode and key[1] not in limited]:
            del self._limits[key], self._wanted[key]
        now = self._steady()
        for user, total in limited.items():
            key, speeds = (mode, user), [ask.speed for ask in asks if ask.user == user]
            if (limit := self._limits.get(key)) is None:
                claims = [some[key] for some in map(_claims, self._others()) if key in some]
                limit = self._limits[key] = SharedLimit(now, claims, len(self._there) + 1)
            if self._wanted.get(key) != (speeds, total):
                self._wanted[key] = (speeds, total)
                limit.begin(speeds, total)
        if not self._others():
            for user, total in limited.items():
                self._limits[mode, user].alone(self._wanted[mode, user][0], total)
            return totals
        return {
            user: total if total is None else self._limits[mode, user].share
            for user, total in totals.items()
        }

    def look(self) -> None:
        """Takes what others claim, once a second."""
        now, others = self._steady(), self._others()
        if not self._limits:
            return
        if not others:
            self.changed()  # it may have been different before
            return
        claims = [_claims(one) for one in others]
        late = self._membership.unheard() > LATE
        for key, (speeds, total) in self._wanted.items():
            if late:
                self._limits[key].late(total, now)
            else:
                named = [some[key] for some in claims if key in some]
                self._limits[key].look(speeds, total, named, len(others) + 1, now)
        self.changed()

    def claims(self) -> dict[str, dict[str, object]]:
        """What this server says of its flows."""
        found: dict[str, dict[str, object]] = {}
        for (mode, user), limit in self._limits.items():
            claim = limit.claim
            found.setdefault(mode.value, {})[user] = [list(claim.speeds), claim.most]
        return found

    def _others(self) -> list[KnownServer]:
        """Those that are there; who cannot look does not know better than before."""
        if self._membership.unheard() <= LATE:
            others = self._membership.others()
            self._there = [one for one in others if one.state is not ServerState.AWAY]
        return self._there


def _claims(one: KnownServer) -> dict[_Key, LimitClaim]:
    """What another server has said."""
    found = orjson.loads(one.row.claims)
    return {
        (mode, user): LimitClaim(speeds, most)
        for mode in DIRECTIONS
        for user, (speeds, most) in found.get(mode.value, {}).items()
        if speeds
    }
