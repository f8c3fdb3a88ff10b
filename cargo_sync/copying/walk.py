"""A walk through a tree, a page at a time. It holds one page a level, and goes on where a cut
stopped it."""

from collections import deque
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, Protocol

from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.visit import Visited

PAGE: Final = 1_000


class WalkPage(NamedTuple):
    """Some entries of one folder, which comes before what is below it; problems are of names left
    out."""

    folder: str
    entries: Sequence[Entry]
    problems: Sequence[Problem] = ()


class EntryPages(Protocol):
    """What is to be copied, a page at a time."""

    async def next(self, fatal: Collection[Code]) -> WalkPage | None:
        """The next page, None at the end. A folder that cannot be read comes as its problem alone.

        Raises:
            ProblemError: one whose code is in `fatal`; the same page comes at the next call.
        """

    def drop(self, folder: str) -> None:
        """Nothing below `folder`, which was in the last page, is to be found."""


class SingleEntry:
    """A single entry."""

    def __init__(self, entry: Entry) -> None:
        self._entries = [entry]

    async def next(self, fatal: Collection[Code]) -> WalkPage | None:
        entries, self._entries = self._entries, []
        return WalkPage("", entries) if entries else None

    def drop(self, folder: str) -> None:
        raise AssertionError("a single entry is no folder")


class _Level:
    """One folder on the way down: where its next page begins, and the folders of the last that
    wait."""

    __slots__ = ("after", "folder", "waiting")

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.after: str | None = ""
        self.waiting: deque[str] = deque()


class Walk:
    """Everything below the root of `tree`."""

    def __init__(self, tree: Visited) -> None:
        self._tree = tree
        self._levels = [_Level("")]

    async def next(self, fatal: Collection[Code]) -> WalkPage | None:
        while self._levels:
            level = self._levels[-1]
            if level.waiting:
                self._levels.append(_Level(paths.join(level.folder, level.waiting.popleft())))
            elif level.after is None:
                self._levels.pop()
            else:
                return await self._page(level, level.after, fatal)
        return None

    def drop(self, folder: str) -> None:
        self._levels[-1].waiting.remove(paths.name(folder))

    async def _page(self, level: _Level, after: str, fatal: Collection[Code]) -> WalkPage:
        try:
            page = await self._tree.page(level.folder, after, PAGE)
        except ProblemError as error:
            if error.problem.code in fatal:
                raise
            level.after = None
            return WalkPage(level.folder, (), (error.at(level.folder).problem,))
        level.after = page.next
        level.waiting.extend(entry.name for entry in page.entries if entry.kind == FOLDER)
        return WalkPage(level.folder, page.entries, page.problems)
