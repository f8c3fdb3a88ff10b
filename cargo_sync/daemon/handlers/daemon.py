"""The daemon as a whole: `hello`, `status`, `reload`, `shutdown`."""

from collections.abc import Awaitable, Callable
from typing import Any

from cargo_sync.api.daemon_commands import COMMANDS
from cargo_sync.control.identity import Me
from cargo_sync.control.router import Handler
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting import views
from cargo_sync.model.world import World


class DaemonHandlers:
    """Answers for the daemon.

    reload  reads the daemon's own file again; what there is to say about it, a line each
    stop    ends the daemon
    """

    def __init__(
        self,
        jobs: Jobs,
        world: World,
        me: Me,
        reload: Callable[[], Awaitable[list[str]]],
        stop: Callable[[], None],
    ) -> None:
        self._jobs = jobs
        self._world = world
        self._me = me
        self._reload = reload
        self._stop = stop

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
        jobs = self._jobs.all.values()
        return views.general([job.supervisor.state for job in jobs]) | {
            "totals": views.totals(job.sampler.advance() for job in jobs),
            "uptime_s": round(self._world.steady() - self._me.started, 3),
        }

    async def reload(self, _: dict[str, Any]) -> dict[str, Any]:
        lines = await self._reload()
        results, errors = await self._jobs.read()
        return {
            "jobs": [{"name": name, "result": result} for name, result in results.items()],
            "errors": lines + [str(problem) for error in errors for problem in error.problems],
        }

    async def shutdown(self, _: dict[str, Any]) -> dict[str, Any]:
        self._stop()
        return {}
