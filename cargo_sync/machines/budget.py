"""Budgets: how much of what clients have begun a server holds, per lane, per user and in all.

An offer that is open costs memory at the server until its batch is committed. One lane may have as
many as one batch can name, so an honest client, whose batches are smaller, never notices. A JSON
body of the API that is still arriving counts as a lane of its own.
"""

from collections import Counter
from typing import Final, NamedTuple


class Amount(NamedTuple):
    """Offers, and the bytes of the messages that they came in."""

    offers: int
    bytes: int


LANE: Final = Amount(65_535, 16 << 20)
USER: Final = 4
"""A user has this many times as much as a lane."""
SERVER: Final = 16


class Budgets:
    """What is held now, and whether there is room for more."""

    def __init__(self, lane: Amount = LANE, user: int = USER, server: int = SERVER) -> None:
        self._limits = [
            Amount(lane.offers * times, lane.bytes * times) for times in (1, user, server)
        ]
        self._offers: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def take(self, lane: str, user: str, amount: Amount) -> bool:
        """Takes room for more; False, and nothing is taken, if there is none."""
        for holder, limit in zip(_holders(lane, user), self._limits, strict=True):
            if (
                self._offers[holder] + amount.offers > limit.offers
                or self._bytes[holder] + amount.bytes > limit.bytes
            ):
                return False
        self._add(lane, user, amount, 1)
        return True

    def give(self, lane: str, user: str, amount: Amount) -> None:
        """Gives back what was taken."""
        self._add(lane, user, amount, -1)

    def held(self, user: str | None = None) -> Amount:
        """What a user holds; None: all of them."""
        holder = "" if user is None else f"user {user}"
        return Amount(self._offers[holder], self._bytes[holder])

    def _add(self, lane: str, user: str, amount: Amount, sign: int) -> None:
        for holder in _holders(lane, user):
            for held, count in ((self._offers, amount.offers), (self._bytes, amount.bytes)):
                held[holder] += sign * count
                if not held[holder]:
                    del held[holder]


def _holders(lane: str, user: str) -> tuple[str, str, str]:
    return f"lane {lane}", f"user {user}", ""
