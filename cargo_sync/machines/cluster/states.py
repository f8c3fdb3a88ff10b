"""Which servers are there, as one of them sees the others.

Each server counts a number up in its row, once a second. Who sees it change knows that this server
is there; by its own clock, so it does not matter what the others' clocks say. A server that ended
in order says so, and is away at once.

    UP ◄──► DRAINING (a person wants it to end)
      │ its number did not change for 3 s, or it has ended
      ▼
    AWAY: it may come back at any time; a day later it is forgotten
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

AWAY_AFTER: Final = 3.0
"""Seconds of silence."""
FORGOTTEN_AFTER: Final = 86_400.0
"""Seconds in which nothing of a server's row has changed, while another one looked."""


class ServerState(StrEnum):
    """What a server is doing."""

    UP = "up"
    DRAINING = "draining"
    AWAY = "away"


class Beat(NamedTuple):
    """What a server's row says of its life.

    life      marks one start of it; "" if it has ended in order
    beat      the number that it counts up
    draining  a person wants it to end
    """

    id: str
    life: str
    beat: int
    draining: bool = False


class _Heard(NamedTuple):
    beat: Beat
    at: float


class Pulse:
    """The servers as one of them sees them. Times are its own steady seconds."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def heard(self, rows: Iterable[Beat], now: float) -> None:
        """Takes the rows as they are now; who has none is not known any more."""
        found: dict[str, _Heard] = {}
        for row in rows:
            last = self._heard.get(row.id)
            same = last is not None and (last.beat.life, last.beat.beat) == (row.life, row.beat)
            found[row.id] = _Heard(row, last.at if same and last else now)
        self._heard = found

    def silent(self, id: str, now: float) -> float:
        """Seconds since a server was heard; infinite if it has ended or is not known."""
        last = self._heard.get(id)
        return now - last.at if last is not None and last.beat.life else float("inf")

    def unchanged(self, id: str, now: float) -> float:
        """Seconds since something was new in a server's row, or since it was seen first."""
        last = self._heard.get(id)
        return now - last.at if last is not None else 0.0

    def state(self, id: str, now: float) -> ServerState:
        """What a server is doing. One that was never seen to count is up for three seconds."""
        if self.silent(id, now) >= AWAY_AFTER:
            return ServerState.AWAY
        return ServerState.DRAINING if self._heard[id].beat.draining else ServerState.UP

    def is_life(self, id: str, life: str, now: float) -> bool:
        """Whether a server is there, and still in that life."""
        last = self._heard.get(id)
        return last is not None and last.beat.life == life and self.silent(id, now) < AWAY_AFTER
