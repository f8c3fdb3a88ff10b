"""One flat list of keys becomes the listings of folders.

Keys come in the order of their bytes, so all keys below a folder come together, though "a-b" comes
between "a" and "a/b". A stack has the folders that are open: the last one and those above it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Problem
from cargo_sync.s3.objects import ObjectPage
from cargo_sync.trees.remote.contract import RemoteListing
from cargo_sync.trees.s3.entries import (
    collision,
    file_entry,
    folder_entry,
    key_problem,
    undecodable,
)

_OURS: Final = f"{RESERVED}/"


@dataclass(slots=True)
class _Open:
    path: str
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def listing(self) -> RemoteListing:
        return RemoteListing(self.path, list(self.entries.values()), self.problems)


class FolderStack:
    """The folders of one flat list of keys, all of which begin with `prefix`.

    is_sorted  False when a key came that should have come before: what was told may be wrong
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._open = [_Open("")]
        self._last = ""
        self.is_sorted = True

    def take(self, page: ObjectPage) -> Iterator[RemoteListing]:
        """Yields the folders that are complete now."""
        start = len(self._prefix)
        for key, size, etag, time in zip(
            page.keys, page.sizes, page.etags, page.modified_ns, strict=True
        ):
            if key <= self._last:
                self.is_sorted = False
                return
            self._last = key
            path = key[start:]
            if not path:
                continue  # the marker of the folder itself
            if path.startswith(_OURS):
                continue  # not skipped by `start-after`: what a server makes of it is not sure
            yield from self._take(path, size, etag, time)
        for one in page.undecodable:
            self._open[-1].problems.append(undecodable(one))

    def end(self) -> Iterator[RemoteListing]:
        """Yields the folders that are still open: there are no more keys."""
        yield from self._close(0)

    def _take(self, path: str, size: int, etag: str, time: int) -> Iterator[RemoteListing]:
        marked = path.endswith("/")
        if paths.name(path) == RESERVED:
            path, marked = path[: -len(RESERVED)], True  # a marker in the folder
        problem = key_problem(path.removesuffix("/"))
        if problem is not None:
            # The nearest folder that is open tells of it.
            self._open[-1].problems.append(problem)
            return
        folder, _, name = path.rpartition("/")
        yield from self._reach(folder)
        top = self._open[-1]
        if marked:
            return
        if (there := top.entries.get(name)) is not None and there.kind == FOLDER:
            top.problems.append(collision(path))
        else:
            top.entries[name] = file_entry(name, size, etag, time)

    def _reach(self, folder: str) -> Iterator[RemoteListing]:
        """The folder is the last open one; those that end before it are yielded."""
        last = len(self._open) - 1
        while not paths.is_below(folder, self._open[last].path):
            last -= 1
        yield from self._close(last + 1)
        here = self._open[-1].path
        for name in folder[len(here) :].strip("/").split("/") if folder != here else ():
            above = self._open[-1]
            path = paths.join(above.path, name)
            if (there := above.entries.get(name)) is not None and there.kind != FOLDER:
                above.problems.append(collision(path))
            above.entries[name] = folder_entry(name)
            self._open.append(_Open(path))

    def _close(self, first: int) -> Iterator[RemoteListing]:
        while len(self._open) > first:
            yield self._open.pop().listing()


def listing_of(folder: str, prefix: str, pages: Sequence[ObjectPage]) -> RemoteListing:
    """A folder from its own list, with "/" as the delimiter; all keys begin with `prefix`."""
    one = _Open(folder)
    for page in pages:
        for key, size, etag, time in zip(
            page.keys, page.sizes, page.etags, page.modified_ns, strict=True
        ):
            name = key[len(prefix) :]
            if not name or name == RESERVED:
                continue  # a marker
            path = paths.join(folder, name)
            if (problem := _problem_of(folder, path)) is not None:
                one.problems.append(problem)
            else:
                one.entries[name] = file_entry(name, size, etag, time)
        one.problems += map(undecodable, page.undecodable)
    for page in pages:
        for key in page.prefixes:
            name = key[len(prefix) :].removesuffix("/")
            if not folder and name == RESERVED:
                continue
            path = paths.join(folder, name)
            if (problem := _problem_of(folder, path)) is not None:
                one.problems.append(problem)
                continue
            if name in one.entries:
                one.problems.append(collision(path))
            one.entries[name] = folder_entry(name)
    return one.listing()


def _problem_of(folder: str, path: str) -> Problem | None:
    if folder and paths.is_below(folder, RESERVED):
        return None  # our own trash: its names were checked when they came there
    return key_problem(path)
