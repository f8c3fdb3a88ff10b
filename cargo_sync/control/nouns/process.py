"""The process as a whole: `hello`, `status`, `reload`, `shutdown`."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from cargo_sync.api.arguments import Args
from cargo_sync.api.common_commands import HELLO, RELOAD, SHUTDOWN, STATUS
from cargo_sync.api.messages import JsonObject
from cargo_sync.control.identity import Me
from cargo_sync.control.routes import Route


class ProcessHandlers:
    """Answers for a daemon or server as a whole.

    supports  the names of all its commands
    status    gives its state and totals
    reload    reads all files again, and gives the results
    stop      ends the process
    steady    gives monotonic seconds
    """

    def __init__(
        self,
        me: Me,
        supports: Iterable[str],
        *,
        status: Callable[[], JsonObject],
        reload: Callable[[], Awaitable[JsonObject]],
        stop: Callable[[], None],
        steady: Callable[[], float],
    ) -> None:
        self._me = me
        self._supports = supports
        self._status = status
        self._reload = reload
        self._stop = stop
        self._steady = steady

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(HELLO, self.hello),
            Route(STATUS, self.status),
            Route(RELOAD, self.reload),
            Route(SHUTDOWN, self.shutdown),
        )

    async def hello(self, _: Args) -> JsonObject:
        return self._me.hello(self._supports)

    async def status(self, _: Args) -> JsonObject:
        return {**self._status(), "uptime_s": round(self._steady() - self._me.started, 3)}

    async def reload(self, _: Args) -> JsonObject:
        return await self._reload()

    async def shutdown(self, _: Args) -> JsonObject:
        self._stop()
        return {}
