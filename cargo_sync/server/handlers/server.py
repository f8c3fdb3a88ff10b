"""`reload` of a server's file."""

from collections.abc import Awaitable, Callable

from cargo_sync.api.messages import JsonObject
from cargo_sync.config.errors import ConfigError
from cargo_sync.server.accounts.registry import Read
from cargo_sync.server.reporting import views


async def reloaded(reread: Callable[[], Awaitable[Read]]) -> JsonObject:
    """Reads the server's file with `reread`, which changes nothing when it raises ConfigError."""
    try:
        return views.read(await reread())
    except ConfigError as error:
        return views.unread([str(problem) for problem in error.problems])
