"""What a workspace left behind is removed: only what is known to be where the workspace is now.

Of a folder, a file is removed if its content is in the store: the row at its path says so while the
file is as it was then, else it is read and hashed. All else stays, and is told: another program may
have written it since. In a store, the contents of the workspace are given up; its server
deletes them there.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import Catalogue
from cargo_sync.local.folders import Folder
from cargo_sync.local.listing import names_in
from cargo_sync.local.read import hash_file
from cargo_sync.local.staging import PLACE as STAGING
from cargo_sync.local.trash import PLACE as TRASH
from cargo_sync.migration.contents import StoredRows
from cargo_sync.migration.sending import Advance, SendTarget
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import ProblemError
from cargo_sync.stores.folder import FolderStore

PAGE: Final = 1_000
GoOn = Callable[[], None]


class RemovalResult(NamedTuple):
    """What was removed, and the paths that stay, with the reason."""

    files: int
    bytes: int
    stays: list[tuple[str, str]]


class OldFolder:
    """The removal of one folder. It blocks; it may be done again."""

    def __init__(
        self, store: FolderStore, catalogue: Catalogue, target: SendTarget, go_on: GoOn
    ) -> None:
        """`target` says what the store has of the workspace that was in the folder."""
        self._root = store.root
        self._catalogue = catalogue
        self._target = target
        self._go_on = go_on
        self._files = self._bytes = 0
        self._stays: list[tuple[str, str]] = []

    def __call__(self, advance: Advance) -> RemovalResult:
        """Removes what may go; our own folder goes last. Raises ProblemError."""
        self._tree("", advance)
        with suppress(ProblemError):  # it has none
            self._tree(TRASH, advance)
        if not self._stays:
            for name in (STAGING, f"{RESERVED}/trash"):
                self._rmdir(name)
            self._own()
        self._root.sync([""])
        return RemovalResult(self._files, self._bytes, self._stays)

    def _tree(self, top: str, advance: Advance) -> None:
        """Removes what may go below a folder, from below. Raises ProblemError."""
        pending = [(top, False)]
        while pending:
            self._go_on()
            folder, emptied = pending.pop()
            if emptied:
                self._rmdir(folder)
                continue
            if folder != top:
                pending.append((folder, True))
            with self._root.folder(folder) as opened:
                for name in names_in(opened):
                    path = paths.join(folder, name)
                    if paths.is_reserved(name):
                        if folder:
                            self._stays.append((path, "it belongs to another workspace or job"))
                        continue
                    if self._one(opened, path, name, advance):
                        pending.append((path, False))

    def _one(self, opened: Folder, path: str, name: str, advance: Advance) -> bool:
        """Removes a file or a link, if it may go; whether it is a folder."""
        try:
            seen = self._root.look(opened, name)
            if seen is None:
                return False
            if seen.kind == FOLDER:
                return True
            why = self._keeps(path, seen)
        except ProblemError as error:
            why, seen = str(error.problem.message), None
        if why or seen is None:
            self._stays.append((path, why))
            return False
        self._root.system.unlink(opened.fd, name)
        self._files, self._bytes = self._files + 1, self._bytes + seen.size
        advance(1, seen.size)
        return False

    def _keeps(self, path: str, seen: Entry) -> str:
        """Why a file or link may not go, or "". Raises ProblemError."""
        in_trash = paths.is_below(path, RESERVED)
        held = None if in_trash else self._catalogue.entry(self._target.workspace, path)
        if seen.kind == LINK or not seen.size:
            known = in_trash or self._catalogue.was(self._target.workspace, path)
            return "" if known else "it came after the move"
        if (
            held is not None
            and held.entry.kind == FILE
            and (held.entry.size, held.entry.mtime_ns) == (seen.size, seen.mtime_ns)
            and (held.ctime_ns, held.inode) == (seen.version, seen.ident)
        ):
            content = held.entry.hash
        else:
            content = hash_file(self._root, path, seen)
        return (
            "" if self._target.has([content]) else "its content is not where the workspace is now"
        )

    def _rmdir(self, folder: str) -> None:
        """Removes a folder if nothing is in it."""
        try:
            with self._root.folder(paths.parent(folder)) as above:
                self._root.system.rmdir(above.fd, paths.name(folder))
        except (OSError, ProblemError):
            return  # something stays in it, which is told

    def _own(self) -> None:
        """Nothing stays: the marker goes, and our folder."""
        try:
            with self._root.folder(RESERVED) as own:
                for name in names_in(own):
                    self._root.system.unlink(own.fd, name)
        except (OSError, ProblemError):
            return
        self._rmdir(RESERVED)


def leave_store(rows: StoredRows, workspace: int, now: float, go_on: GoOn) -> int:
    """A workspace that is in a folder gives up its contents in a store; returns how many.

    They go when the server runs, and the nodes or the bucket answer.

    Args:
        rows: of contents.
        workspace: its id.
        now: by the retention clock.
        go_on: raises when the work is to end; the rest goes the next time.
    """
    count, after = 0, ""
    while page := rows.live(workspace, after, PAGE):
        go_on()
        rows.leave(workspace, page, now)
        count, after = count + len(page), page[-1]
    return count
