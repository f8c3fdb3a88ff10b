"""What planning asks of a planner: the plans of folders, direction by direction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.one_way import FolderPlan, JobView
from cargo_sync.state.folders import FolderState


@dataclass(frozen=True, slots=True)
class PlannedFolder:
    """The plan of one folder.

    ways       the steps of each direction in which there may be some
    conflicts  CONFLICT steps
    failed     files that cannot be planned, with their problems
    postponed  how many names wait for the next run
    held       how many wait for the end of the survey
    unclear    one side alone has it, and nothing can be said yet of something in it
    arrived    what is agreed on before these steps: uploads that were cut off, and have arrived
    """

    state: FolderState
    ways: Mapping[Mode, FolderPlan] = field(default_factory=dict)
    conflicts: Sequence[Action] = ()
    failed: Sequence[Outcome] = ()
    postponed: int = 0
    held: int = 0
    unclear: bool = False
    arrived: Sequence[Outcome] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is left to do in the folder."""
        if self.conflicts or self.failed or self.arrived or self.postponed or self.held:
            return False
        return all(plan.empty for plan in self.ways.values())


class FolderPlanner(Protocol):
    """Plans the folders of one run, in their order."""

    def begin(self, *, preview: bool = False) -> None:
        """A pass over folders begins. A preview also has what is not due or not still yet."""

    async def plan(self, page: Sequence[FolderState], *, final: bool) -> list[PlannedFolder]:
        """The plans of the next folders; those that cannot be planned in this run are left out.

        Args:
            page: in component order.
            final: only what is left to do matters: nothing is read for it.
        """

    def view(self, direction: Mode) -> JobView:
        """What the rules know about the job, since `begin`."""
