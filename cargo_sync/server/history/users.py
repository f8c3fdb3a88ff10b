"""What `user.show` tells of a user's past: when they were there last, and how much they moved."""

from datetime import datetime

from cargo_sync.model.world import World
from cargo_sync.server.accounts.presence import UserPresence
from cargo_sync.state.history import HistoryRows


class UserHistory:
    """The past of each user. A day begins at midnight in the time zone of the server's machine."""

    def __init__(self, presence: UserPresence, rows: HistoryRows, world: World) -> None:
        self._presence = presence
        self._rows = rows
        self._world = world

    async def of(self, user: str) -> dict[str, object]:
        """The fields of a user."""
        offload = self._world.offload
        seen = await self._presence.of(user)
        midnight = datetime.fromtimestamp(self._world.wall()).astimezone()
        midnight = midnight.replace(hour=0, minute=0, second=0, microsecond=0)
        today = await offload(self._rows.moved, user, midnight.timestamp())
        kept = await offload(self._rows.moved, user, 0.0)
        return {
            "last_seen": None if seen is None else seen._asdict(),
            "moved": {"today": today._asdict(), "kept": kept._asdict()},
        }

    async def forget(self, user: str) -> None:
        """The user was removed; what they did stays in the history."""
        await self._presence.forget(user)
