"""When each user was there last: kept in memory, and written once a minute and at the end."""

import logging
from typing import Final

from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.presence import LastSeen, PresenceRows

EVERY: Final = 60.0

_log = logging.getLogger(__name__)


class UserPresence:
    """The users who were there since the last write, and the rows of all. For the event loop."""

    def __init__(self, rows: PresenceRows, world: World) -> None:
        self._rows = rows
        self._world = world
        self._seen: dict[str, LastSeen] = {}
        self._written = world.steady()

    def seen(self, user: str, address: str) -> None:
        """Something runs for a user now."""
        self._seen[user] = LastSeen(self._world.wall(), address)

    async def of(self, user: str) -> LastSeen | None:
        """When a user was there last; None if they never were."""
        return self._seen.get(user) or await self._world.offload(self._rows.get, user)

    async def forget(self, user: str) -> None:
        """The user was removed: another one may get the name."""
        self._seen.pop(user, None)
        await self._world.offload(self._rows.remove, user)

    async def tick(self) -> None:
        """Writes who was there, if the last time is a minute ago."""
        now = self._world.steady()
        if self._seen and now - self._written >= EVERY:
            self._written = now
            await self._world.offload(self.close)

    def close(self) -> None:
        """Writes who was there. If the state cannot be written, they are kept."""
        seen, self._seen = self._seen, {}
        try:
            self._rows.put(seen)
        except ProblemError as error:
            _log.error("it cannot be written when users were there: %s", error)
            self._seen = {**seen, **self._seen}
