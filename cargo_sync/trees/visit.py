"""A visit: what a get or a put asks of a folder that it does not own, on either side.

Nothing is locked, marked or remembered: a folder is looked at a page at a time, and again at the
moment of change. Paths are relative to the folder that is visited. All calls raise ProblemError
when the way there is cut.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from cargo_sync.lanes.figures import Figures
from cargo_sync.model.actions import Outcome
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Problem
from cargo_sync.trees.contract import Ends, Task


class VisitPage(NamedTuple):
    """Some of a folder's entries, sorted by name.

    next      the name to go on after, None at the end
    problems  of names that were left out, each with its path
    """

    entries: Sequence[Entry]
    next: str | None = None
    problems: Sequence[Problem] = ()


class Visited(Protocol):
    """A folder on one side."""

    async def page(self, folder: str, after: str, limit: int) -> VisitPage:
        """The entries of `folder` whose names come after `after`, about `limit` of them.

        Raises:
            ProblemError: also when this folder cannot be read.
        """

    async def stand(self, folder: str, names: Sequence[str]) -> dict[str, Entry | Problem]:
        """What stands under these names (sorted), by name; nothing for those where nothing does."""

    async def make(self, folders: Sequence[tuple[str, int]], run: str) -> list[Problem | None]:
        """Makes folders (path, mode), durably; for each, why it could not. One that is there is
        made."""

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        """BLAKE3 of files, as hex, each read stably as the entry given; in order."""


class FarVisited(Visited, Protocol):
    """The far side, which also moves content; see FarTree.transfer."""

    def transfer(
        self,
        mode: Mode,
        near: Ends,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[list[Outcome], None]: ...

    def figures(self) -> Figures | None:
        """What the flow that runs now says of itself; None while nothing moves."""

    async def set_speed(self, bits: int | None) -> None:
        """As FarTree.set_speed."""

    def granted(self) -> int | None:
        """The rate that the server lets what moves now have; None for no limit, or when nothing
        moves."""
