"""New folders: many are made in one go, mostly each in the one before it or beside it."""

import os
from types import TracebackType
from typing import Final

from cargo_sync.local.folders import Folder
from cargo_sync.local.listing import inode
from cargo_sync.local.root import Root
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, Entry

OPEN: Final = 8
"""Folders that stay open until the end of the `with`: the next one is often made in one of them."""


class NewFolders:
    """Makes folders below a root, none of our own; used in a `with`, for some milliseconds.

    A new folder is opened once, by its whole path: so it is known to be at that path, whatever
    became of the folder in which it was made.

    made  the inodes of the new folders, by path
    """

    def __init__(self, root: Root) -> None:
        self._root = root
        self.made: dict[str, int] = {}
        self._open: list[Folder] = []
        """Each is in the one before it."""

    def __enter__(self) -> "NewFolders":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._keep(0)

    def make(self, path: str, mode: int | None) -> Entry | None:
        """Makes a folder in one that is there; None if something is at its path already.

        `mode` is as for `Root.make_folder`. Not durable before `Root.sync` of the folder above.

        Raises:
            ProblemError: as for `Root.make_folder`; `vanished` if the folder above is not there.
        """
        made = self._root.make_in(self._above(path), path, mode)
        if made is None:
            return None
        self._open.append(made)
        if len(self._open) > OPEN:
            self._open.pop(0).close()
        found = os.fstat(made.fd)
        mode = found.st_mode & 0o7777
        self.made[path] = inode(found)
        return Entry(paths.name(path), FOLDER, mode=mode, ident=inode(found))

    def _above(self, path: str) -> Folder:
        parent = paths.parent(path)
        while self._open and self._open[-1].path != parent:
            self._keep(len(self._open) - 1)
        if not self._open:
            self._open.append(self._root.folder(parent))
        return self._open[-1]

    def _keep(self, count: int) -> None:
        while len(self._open) > count:
            self._open.pop().close()
