"""One flat list of keys becomes the listings of folders.

Keys come in the order of their bytes, so all keys below a folder come together, though "a-b" comes
between "a" and "a/b". A stack has the folders that are open: the last one and those above it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

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
    not_empty_marker,
    undecodable,
    wrong_part,
)

_OURS: Final = f"{RESERVED}/"


@dataclass(slots=True)
class _Open:
    """A folder of which not all keys came yet; its problems by what is left out."""

    path: str
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)

    def file(self, name: str, size: int, etag: str, time: int) -> None:
        if (there := self.entries.get(name)) is not None and there.kind == FOLDER:
            self._clash(name)
        else:
            self.entries[name] = file_entry(name, size, etag, time)

    def folder(self, name: str) -> None:
        if (there := self.entries.get(name)) is not None and there.kind != FOLDER:
            self._clash(name)
        self.entries[name] = folder_entry(name)

    def marker(self, key: str, size: int) -> None:
        """What keeps this folder. Nothing but a marker may be passed over: it has no content."""
        if size:
            self.problems[key] = not_empty_marker(key)

    def refuse(self, path: str) -> None:
        """Leaves a wrong name out, and all that is below it."""
        if (problem := key_problem(path)) is not None:
            self.problems[path] = problem

    def _clash(self, name: str) -> None:
        path = paths.join(self.path, name)
        self.problems[path] = collision(path)

    def listing(self) -> RemoteListing:
        return RemoteListing(self.path, list(self.entries.values()), list(self.problems.values()))


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
                self._open[0].marker("/", size)
            elif path != RESERVED and not path.startswith(_OURS):
                # Ours are not skipped by `start-after`: what a server makes of it is not sure.
                yield from self._take(path, size, etag, time)
        for one in page.undecodable:
            self._above(one).problems[one] = undecodable(one)

    def end(self) -> Iterator[RemoteListing]:
        """Yields the folders that are still open: there are no more keys."""
        yield from self._close(0)

    def _take(self, path: str, size: int, etag: str, time: int) -> Iterator[RemoteListing]:
        folder, _, name = path.rpartition("/")
        is_marker = folder != "" and name in ("", RESERVED)
        if key_problem(folder if is_marker else path) is not None:
            wrong = wrong_part(path)
            yield from self._reach(paths.parent(wrong))
            self._open[-1].refuse(wrong)
            return
        yield from self._reach(folder)
        if is_marker:
            self._open[-1].marker(path, size)
        else:
            self._open[-1].file(name, size, etag, time)

    def _reach(self, folder: str) -> Iterator[RemoteListing]:
        """The folder is the last open one; those that end before it are yielded."""
        last = len(self._open) - 1
        while not paths.is_below(folder, self._open[last].path):
            last -= 1
        yield from self._close(last + 1)
        here = self._open[-1].path
        for name in folder[len(here) :].strip("/").split("/") if folder != here else ():
            above = self._open[-1]
            above.folder(name)
            self._open.append(_Open(paths.join(above.path, name)))

    def _close(self, first: int) -> Iterator[RemoteListing]:
        while len(self._open) > first:
            yield self._open.pop().listing()

    def _above(self, encoded: str) -> _Open:
        """The last open folder above a key that is not UTF-8."""
        key = unquote_to_bytes(encoded.replace("+", " "))
        above = [one for one in self._open if key.startswith(f"{self._prefix}{one.path}/".encode())]
        return above[-1] if above else self._open[0]


def listing_of(folder: str, prefix: str, pages: Sequence[ObjectPage]) -> RemoteListing:
    """A folder from its own list, with "/" as the delimiter; all keys begin with `prefix`."""
    one = _Open(folder)
    for page in pages:
        for key, size, etag, time in zip(
            page.keys, page.sizes, page.etags, page.modified_ns, strict=True
        ):
            name = key[len(prefix) :]
            path = paths.join(folder, name)
            if name == "" or (name == RESERVED and folder):
                one.marker(path or "/", size)
            elif _is_wrong(folder, path):
                one.refuse(path)
            elif path != RESERVED:
                one.file(name, size, etag, time)
        for encoded in page.undecodable:
            one.problems[encoded] = undecodable(encoded)
    # Folders come last: of a folder and an object of one name, the folder counts.
    for page in pages:
        _add_folders(one, prefix, page)
    return one.listing()


def _add_folders(one: _Open, prefix: str, page: ObjectPage) -> None:
    for key in page.prefixes:
        name = key[len(prefix) :].removesuffix("/")
        path = paths.join(one.path, name)
        if not name or _is_wrong(one.path, path):
            one.refuse(path)
        elif path != RESERVED:
            one.folder(name)


def _is_wrong(folder: str, path: str) -> bool:
    """Whether a name is left out. Those in our own trash were checked when they came there."""
    return (
        path != RESERVED
        and not (folder and paths.is_below(folder, RESERVED))
        and (key_problem(path) is not None)
    )
