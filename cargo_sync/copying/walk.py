"""A walk through a tree, page by page. After a cut it continues where it stopped.

It keeps the names of one page per level in memory.
"""

from collections import deque
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple, Protocol

from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.visit import Visited

PAGE: Final = 1_000
"""Entries per page."""


class WalkPage(NamedTuple):
    """Some entries of one folder. A folder's entry comes before the folder's own pages.

    problems  of names that were left out
    """

    folder: str
    entries: Sequence[Entry]
    problems: Sequence[Problem] = ()


class EntryPages(Protocol):
    """The entries to copy, page by page."""

    async def next(self, fatal: Collection[Code]) -> WalkPage | None:
        """The next page, or None at the end. A folder that cannot be read gives only its problem.

        Raises:
            ProblemError: its code is in `fatal`; the next call gives the same page.
        """

    def drop(self, folder: str) -> None:
        """Skips everything below `folder`, which was in the last page."""


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
    """One open folder: where its next page begins, and the folders that wait from the last page."""

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
