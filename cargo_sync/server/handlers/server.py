"""The server as a whole: `hello`, `status`, `reload`, `shutdown`."""

from collections.abc import Awaitable, Callable
from typing import Any

from cargo_sync.api.server_commands import COMMANDS
from cargo_sync.config.errors import ConfigError
from cargo_sync.control.identity import Me
from cargo_sync.control.router import Handler
from cargo_sync.server import views
from cargo_sync.server.accounts.registry import Read


class ServerHandlers:
    """Answers for the server.

    status  how it stands
    reread  reads the file again; raises ConfigError, and then nothing is changed
    stop    ends the server
    steady  monotonic seconds
    """

    def __init__(
        self,
        me: Me,
        status: Callable[[], dict[str, Any]],
        reread: Callable[[], Awaitable[Read]],
        stop: Callable[[], None],
        steady: Callable[[], float],
    ) -> None:
        self._me = me
        self._status = status
        self._reread = reread
        self._stop = stop
        self._steady = steady

    def table(self) -> dict[str, Handler]:
        return {
            "hello": self.hello,
            "status": self.status,
            "reload": self.reload,
            "shutdown": self.shutdown,
        }

    async def hello(self, _: dict[str, Any]) -> dict[str, Any]:
        return self._me.hello(COMMANDS)

    async def status(self, _: dict[str, Any]) -> dict[str, Any]:
        return self._status() | {"uptime_s": round(self._steady() - self._me.started, 3)}

    async def reload(self, _: dict[str, Any]) -> dict[str, Any]:
        try:
            return views.read(await self._reread())
        except ConfigError as error:
            return views.unread([str(problem) for problem in error.problems])

    async def shutdown(self, _: dict[str, Any]) -> dict[str, Any]:
        self._stop()
        return {}
