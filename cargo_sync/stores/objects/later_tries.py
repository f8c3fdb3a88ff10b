"""What could not be done for a reason that passes, and when it is tried again.

It is tried as long as a client asks for it, with growing waits. After some minutes it is given up:
perhaps the reason does not pass, and there is another way for the client.
"""

from typing import Final, NamedTuple

from cargo_sync.machines.retry import delay
from cargo_sync.model.world import World

FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 60.0
GIVEN_UP: Final = 600.0
"""Seconds since the first failure."""
FORGOTTEN: Final = 3_600.0
"""Seconds after which nobody asks any more."""


class _Failed(NamedTuple):
    tries: int
    since: float
    again: float


class LaterTries:
    """Those of a server, by their ids.

    One event loop says what has failed; any thread may call the rest.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._all: dict[str, _Failed] = {}

    def __contains__(self, id: str) -> bool:
        return id in self._all

    def waits(self, id: str) -> bool:
        """Whether it is too early to try it again."""
        found = self._all.get(id)
        return found is not None and self._world.steady() < found.again

    def failed(self, id: str) -> float | None:
        """It has failed; in how many seconds it is tried again. None: it is given up."""
        now = self._world.steady()
        tries, since, _ = self._all.get(id, _Failed(0, now, now))
        if now - since >= GIVEN_UP:
            self.forget(id)
            return None
        wait = delay(tries + 1, self._world.chance(), FIRST_WAIT, LONGEST_WAIT)
        for other, one in list(self._all.items()):
            if one.again <= now - FORGOTTEN:
                self.forget(other)
        self._all[id] = _Failed(tries + 1, since, now + wait)
        return wait

    def forget(self, id: str) -> None:
        """It is done, or not wanted any more."""
        self._all.pop(id, None)
