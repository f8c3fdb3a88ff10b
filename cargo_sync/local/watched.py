"""The watched folders of trees, and what happened in them: the tables of `inotify`.

A folder knows its name and the folder above it, not its path: a folder with many folders below it
moves or goes in one step, and nothing is searched for.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

ChangedNames = frozenset[str] | None
"""Names in a folder to which something happened; None: any of them. No name at all: it was made
just now, and was empty when its watch began."""
ChangedFolders = Mapping[str, ChangedNames] | None
"""Folders, relative to the root, in which something changed; None: it is not known where."""

_ENCODING: Final = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
UNWATCHED: Final = -1
"""Instead of the watch of a folder that is not watched any more."""


class WatchedTree:
    """One watched tree; `Inotify.watch` returns it.

    top       its root
    complete  every folder in it is watched, so that each change is hinted
    ended     its root was moved, deleted or unmounted: nothing at its path is watched any more
    """

    def __init__(self, path: str, on_change: Callable[[ChangedFolders], None]) -> None:
        self.path = path
        self.on_change = on_change
        self.top: Watched | None = None
        self.complete = True
        self.ended = False


class Watched:
    """A watched folder of a tree.

    below  name -> folder; None while no folder below it is watched
    """

    __slots__ = ("above", "below", "name", "tree", "watch")

    def __init__(self, tree: WatchedTree, watch: int, above: "Watched | None", name: str) -> None:
        self.tree = tree
        self.watch = watch
        self.above = above
        self.name = name
        self.below: dict[str, Watched] | None = None

    def path(self) -> str:
        """Its path below the root."""
        names = []
        folder = self
        while folder.above is not None:
            names.append(folder.name)
            folder = folder.above
        return "/".join(reversed(names))

    def all(self) -> "Iterator[Watched]":
        """The folder and all below it; those above come first."""
        pending = [self]
        while pending:
            folder = pending.pop()
            pending += (folder.below or {}).values()
            yield folder


class FoldersChanged:
    """What happened in one tree.

    whole  folders in which anything may have happened
    empty  folders that were made, and empty when their watch began
    """

    def __init__(self) -> None:
        self.whole: set[str] = set()
        self.empty: set[str] = set()
        self._names: dict[Watched, set[bytes]] = {}

    def names(self, folder: Watched) -> set[bytes]:
        """The names in a folder to which something happened; b"" for the folder itself."""
        names = self._names.get(folder)
        if names is None:
            names = self._names[folder] = set()
        return names

    def folders(self) -> dict[str, ChangedNames]:
        """All of it, by path."""
        found: dict[str, ChangedNames] = dict.fromkeys(self.empty, frozenset())
        for folder, names in self._names.items():
            path = folder.path()
            if b"" in names:
                self.whole.add(path)
            found[path] = (found.get(path) or frozenset()) | _decoded(names)
        return found | dict.fromkeys(self.whole)


def _decoded(names: Iterable[bytes]) -> frozenset[str]:
    """As `os.fsdecode` of each of these names, which are some, in one go."""
    return frozenset(b"/".join(names).decode(*_ENCODING).split("/"))


def in_tree(changed: dict[WatchedTree, FoldersChanged], folder: Watched) -> FoldersChanged:
    """What happened in the tree of a folder."""
    changes = changed.get(folder.tree)
    if changes is None:
        changes = changed[folder.tree] = FoldersChanged()
    return changes


def watched_in(folder: Watched, name: str) -> Watched | None:
    """The watched folder of this name in a folder."""
    return folder.below.get(name) if folder.below is not None else None
