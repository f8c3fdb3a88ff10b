"""What a run came to: a plain value for the supervisor, the feed and the history."""

from dataclasses import dataclass, field
from typing import Final

from cargo_sync.model.problems import Problem
from cargo_sync.plan.guard import Held

SHOWN: Final = 100
SOON: Final = 0.05


@dataclass(slots=True)
class RunReport:
    """One run, as far as it has come.

    held      why the guard or a full disk held it, or ""; `approvable` when a person may let it
              pass
    problems  the first 100 causes of what failed alone; `errors` counts all of them
    acted     something was done, so that a further look is worth while
    again_in  seconds after which a look is wanted because files were not still yet, or changed
              under our hands; None when none were
    surveyed  seconds that the survey took
    """

    run: str
    started: float
    ended: float = 0.0
    held: str = ""
    approvable: bool = False
    deletions: int = 0
    overwrites: int = 0
    problems: list[Problem] = field(default_factory=list)
    errors: int = 0
    files: int = 0
    bytes: int = 0
    acted: bool = False
    again_in: float | None = None
    surveyed: float = 0.0

    def hold(self, held: Held) -> None:
        """The guard holds the run: a person must look."""
        self.held, self.approvable = str(held), True
        self.deletions, self.overwrites = held.deletions, held.overwrites

    def fill(self, problem: Problem) -> None:
        """The destination is full. What the guard holds waits for a person all the same."""
        if not self.approvable:
            self.held = str(problem)

    def look_again(self, seconds: float) -> None:
        """Something was not ready yet, and will be soon."""
        self.again_in = max(seconds, SOON)

    def failed_alone(self, problem: Problem) -> None:
        self.errors += 1
        if len(self.problems) < SHOWN:
            self.problems.append(problem)
