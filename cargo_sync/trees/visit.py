"""A visit: what a get or a put needs from a folder that it does not own, on both sides.

Nothing is locked, marked or remembered. A folder is read page by page, and checked again at the
moment of a change. Paths are relative to the visited folder. All calls raise ProblemError if the
connection is cut.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from cargo_sync.lanes.figures import Figures
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.known_hashes import KnownHash, Matched
from cargo_sync.model.problems import Problem
from cargo_sync.trees.contract import Brought, Ends, Task


class VisitPage(NamedTuple):
    """Some of a folder's entries, sorted by name.

    next      the `after` of the next page, None at the end
    problems  one per name that was left out, with its path
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
        """The entries with these names (sorted), by name; names without an entry are missing."""

    async def make(
        self, folders: Sequence[tuple[str, int | None]], run: str
    ) -> list[Problem | None]:
        """Makes folders (path, mode), durably; returns a problem, or None, per folder.

        Without a mode the umask decides. A folder that already exists is no problem.
        """

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        """BLAKE3 of files, as hex, in order; a file that is not the given entry has a problem."""


class NearVisited(Visited, Ends, Protocol):
    """The side on this machine: it reads and stages content."""

    async def matches(
        self, items: Sequence[tuple[str, Entry, KnownHash]]
    ) -> list[Matched | Problem]:
        """Like NearTree.matches."""


class FarVisited(Visited, Protocol):
    """The far side, which also moves content; see FarTree.transfer.

    abilities  what its server keeps and can do
    """

    @property
    def abilities(self) -> Abilities: ...

    async def known_hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        """Like FarTree.known_hashes."""

    def transfer(
        self,
        mode: Mode,
        near: Ends,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]: ...

    def figures(self) -> Figures | None:
        """The figures of the running flow; None if nothing moves."""

    def rate(self, mode: Mode) -> int:
        """Like FarTree.rate."""

    async def set_speed(self, bits: int | None) -> int | None:
        """Like FarTree.set_speed."""

    def granted(self) -> int | None:
        """Bits per second that the server grants now; None: no limit, or nothing moves."""
