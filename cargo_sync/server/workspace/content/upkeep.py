"""What is done in a workspace while it is served: overdue trash is freed, contents are swept."""

import logging
from typing import Final

from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.server.workspace.content.workspace import ContentWorkspace

TIDY: Final = 3_600.0
TIDY_LIMITED: Final = 60.0
"""Seconds between two upkeeps of the trash; the second, if its size is limited."""
SWEEP: Final = 6 * 3_600.0
"""Seconds between two sweeps."""

_log = logging.getLogger(__name__)


class ContentUpkeep:
    """The upkeep of one workspace. `run` never ends; `step` is what it does each time.

    Args:
        workspace: that is served.
        world: clocks, and threads for blocking calls.
        trash: how much its trash keeps.
    """

    def __init__(
        self,
        workspace: ContentWorkspace,
        world: World,
        trash: TrashLimits,
    ) -> None:
        self._workspace = workspace
        self._world = world
        self._trash = trash
        self._sweep_at = world.steady() + SWEEP

    async def run(self) -> None:
        """Looks after it, for ever. A failure is logged, and tried again the next time."""
        while True:
            try:
                await self.step()
            except ProblemError as error:
                if error.problem.code is not Code.STOPPED:
                    _log.error("%s: %s", self._workspace.path, error.problem)
            await Wakeup().wait(TIDY if self._trash.most is None else TIDY_LIMITED)

    async def step(self) -> None:
        """Does what is due. Raises ProblemError."""
        offload, workspace = self._world.offload, self._workspace
        await offload(workspace.finish)
        await offload(workspace.tidy, self._trash)
        if self._world.steady() >= self._sweep_at:
            self._sweep_at = self._world.steady() + SWEEP
            swept = await offload(workspace.sweep)
            if swept.condemned or swept.forgotten:
                words = "%s: %d contents are not used any more, %d are deleted"
                _log.info(words, workspace.path, swept.condemned, swept.forgotten)
