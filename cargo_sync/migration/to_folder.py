"""From a store into a new folder: what the catalogue names is written there, and looked at.

The catalogue stays the truth until the end. It gets the ctimes and inodes of what is written, which
give no row another version: so after the move a look finds the folder as it is recorded. What
differs from a row, after a kill or because the workspace has changed meanwhile, is written again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from cargo_sync.catalogue.contract import Catalogue, Catalogued, Put, PutColumns
from cargo_sync.local.read import Going, hash_file
from cargo_sync.local.root import above
from cargo_sync.migration.placing import (
    BATCH_BYTES,
    BATCH_FILES,
    FILE_BITS,
    FOLDER_BITS,
    ContentReads,
    FilePlacer,
    WantedFile,
    batches,
)
from cargo_sync.migration.progress import MoveProgress, Phase
from cargo_sync.migration.sending import stopped
from cargo_sync.migration.trash_to_folder import WrittenTrash
from cargo_sync.migration.trash_to_nodes import TrashRows
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, Entry, EntryColumns
from cargo_sync.model.history import UNTOLD
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.folder.comparison import agree
from cargo_sync.stores.folder import FolderStore

PAGE: Final = 2_000
ROWS: Final = 1_000
RUN: Final = "migrate"
"""The run whose trash takes what does not belong into the folder."""
ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class StoredSource:
    """The workspace that moves: its rows, and where its contents are. Nobody else serves it."""

    catalogue: Catalogue
    trash: TrashRows
    contents: ContentReads
    turn: Callable[[int], AbstractContextManager[object]] | None = None
    """If the workspace is served meanwhile: in this nobody else changes its rows."""

    @property
    def workspace(self) -> int:
        return self.contents.workspace


class MoveToFolder:
    """Writes a workspace into a folder. It blocks; it may be done again at any time."""

    def __init__(
        self, source: StoredSource, target: FolderStore, going: Going, progress: MoveProgress
    ) -> None:
        self._source = source
        self._target = target
        self._root = target.root
        self._going = going
        self._progress = progress
        run = target.run(RUN)
        self._placer = FilePlacer(target.staging, source.contents, run, going)
        self._wrote = False
        self._written = 0
        self._versions: dict[str, int] = {}
        """Of the rows that are to be recorded, as they were read."""
        self._wanted: list[WantedFile] = []
        self._puts: list[Put] = []
        self._synced: set[str] = set()
        """Folders to sync before the rows of `_puts` are recorded."""

    def __call__(self) -> None:
        """Writes until the folder is as the catalogue says.

        Raises:
            ProblemError: `stopped`; a content cannot be had; the folder cannot be written, or does
                not keep what is written there.
        """
        while self._source.catalogue.finish(self._source.workspace, ROWS):
            self._must_go_on()
        for number in range(ROUNDS):
            self._progress.phase(Phase.CHECKING if number else Phase.WRITING, self._all())
            self._wrote = False
            self._live()
            trash = WrittenTrash(self._root, self._source.trash, self._placer)
            trash(self._progress.advance, self._must_go_on)
            if not self._wrote:
                return
        message = f"what is written to {self._root.path!r} does not stay as it was written"
        hint = "stop other programs that use the folder, or choose one on another file system"
        raise ProblemError(Problem(Code.CHANGED, message, hint=hint))

    def ahead(self) -> int:
        """Writes what there is, once, while the workspace is served; returns how many files.

        The trash, and what is not in the workspace any more, are left to the last look.

        Raises:
            ProblemError: as a call, except that a content may be gone.
        """
        self._progress.phase(Phase.WRITING, self._all())
        self._live()
        return self._written

    def _live(self) -> None:
        """Writes the workspace without its trash."""
        pending = [""]
        while pending:
            pending += self._folder(pending.pop())
        self._end_batch()

    def _all(self) -> tuple[int, int]:
        use = self._source.catalogue.use(self._source.workspace)
        trash = self._source.trash.ledger.totals()
        return use.files + trash.files, use.bytes + trash.bytes

    def _folder(self, folder: str) -> list[str]:
        """Writes what is directly in a folder; returns the folders in it."""
        below: list[str] = []
        count, names = 0, set[str]()
        many = len(self._root.names(folder)) if self._source.turn is None else 0
        for page in self._pages(folder):
            self._must_go_on()
            some = [paths.join(folder, held.entry.name) for held in page]
            there = self._root.entries(some)
            rows = list(zip(some, page, map(_seen, there), strict=True))
            below += self._folders([one for one in rows if one[1].entry.kind == FOLDER])
            self._files([one for one in rows if one[1].entry.kind != FOLDER])
            count += len(page)
            if many:
                names.update(held.entry.name for held in page)
        if many:
            self._put_away(folder, names)
        return below

    def _pages(self, folder: str) -> Iterator[list[Catalogued]]:
        catalogue, workspace, after = self._source.catalogue, self._source.workspace, ""
        while found := catalogue.listing(workspace, folder, after, limit=PAGE):
            after = found[-1].entry.name
            yield found

    def _folders(self, rows: Sequence[tuple[str, Catalogued, Entry | None]]) -> list[str]:
        """Makes folders that are missing; returns all of them."""
        for path, held, there in rows:
            if there is not None and there.kind != FOLDER:
                self._target.displace(path, RUN)
                there = None
            mode = held.entry.mode & FOLDER_BITS | 0o700
            if there is None or there.mode != mode:
                made = make_as(self._target, path, mode)
                self._synced.update(above(made), made)
                there = self._root.entry(path)
            assert there is not None, "it was made just now"
            if (held.inode, held.entry.mode) != (there.ident, there.mode):
                self._versions[path] = held.entry.version
                self._puts.append(Put(path, there, 0, there.ident))
        return [path for path, _, _ in rows]

    def _files(self, rows: Sequence[tuple[str, Catalogued, Entry | None]]) -> None:
        """Files and links that are not as they are recorded come into the next batch."""
        for path, held, there in rows:
            if agree(held, there):
                self._progress.advance(1, held.entry.size)
                continue
            self._versions[path] = held.entry.version
            if there is not None and self._is_whole(path, held.entry, there):
                self._there([path], [there._replace(hash=held.entry.hash)])
                continue
            if there is not None and there.kind == FOLDER:
                self._target.displace(path, RUN)
                there = None
            self._wanted.append(WantedFile(path, held.entry, there))
        if sum(one.entry.size for one in self._wanted) > BATCH_BYTES or (
            len(self._wanted) + len(self._puts) > BATCH_FILES
        ):
            self._end_batch()

    def _end_batch(self) -> None:
        """Writes the files that wait, and records them and the folders that were made."""
        wanted, self._wanted = self._wanted, []
        puts, self._puts = self._puts, []
        synced, self._synced = self._synced, set()
        self._root.sync(synced)
        if puts:
            self._wrote = True
            self._record(puts)
        for some in batches(wanted):
            self._wrote = True
            written = self._placer(some)
            self._written += len(some)
            self._check(some, written)
            self._there([one.path for one in some], written)

    def _is_whole(self, path: str, entry: Entry, there: Entry) -> bool:
        """Whether a file was written before a kill, which came before it was recorded: it is read.

        Raises:
            ProblemError: it cannot be read.
        """
        wanted = entry._replace(mode=entry.mode & FILE_BITS)
        alike = (wanted.kind, wanted.size, wanted.mtime_ns, wanted.mode)
        if entry.kind != FILE or alike != (there.kind, there.size, there.mtime_ns, there.mode):
            return False
        return hash_file(self._root, path, there, self._going) == entry.hash

    def _there(self, some: Sequence[str], there: Sequence[Entry]) -> None:
        """Records what is at these paths now."""
        if some:
            entries = EntryColumns.of([one._replace(version=0, ident=0) for one in there])
            ctimes, inodes = [one.version for one in there], [one.ident for one in there]
            fresh = [False] * len(some)
            self._record([PutColumns(some, entries, ctimes, inodes, fresh)])
            self._progress.advance(len(some), sum(one.size for one in there))

    def _check(self, wanted: Sequence[WantedFile], written: Sequence[Entry]) -> None:
        for one, there in zip(wanted, written, strict=True):
            if (one.entry.size, one.entry.mtime_ns) != (there.size, there.mtime_ns):
                message = f"the file system of {self._root.path!r} does not keep the time of files"
                hint = "choose a folder on another one: clients would take all files for changed"
                raise ProblemError(Problem(Code.UNSUPPORTED, message, one.path, hint, retry=False))

    def _record(self, changes: Sequence[Put | PutColumns]) -> None:
        source = self._source
        if source.turn is None:
            source.catalogue.record(source.workspace, changes, UNTOLD)
            return
        # Its users may have changed them since they were read: then they are written again.
        puts = [put for one in changes for put in ([one] if isinstance(one, Put) else one.rows())]
        with source.turn(source.workspace):
            now = source.catalogue.entries(source.workspace, [one.path for one in puts])
            same = [
                put
                for put, held in zip(puts, now, strict=True)
                if _is_as(held, self._versions[put.path], put.entry)
            ]
            if same:
                source.catalogue.record(source.workspace, same, UNTOLD)

    def _put_away(self, folder: str, names: set[str]) -> None:
        """What is in a folder and not in the catalogue goes to the folder's trash."""
        found = self._root.names(folder)
        for number in range(len(found)):
            name = found.at(number)
            if name not in names and not paths.is_reserved(name):
                self._target.displace(paths.join(folder, name), RUN)
                self._wrote = True

    def _must_go_on(self) -> None:
        if not self._going():
            raise stopped()


def _is_as(held: Catalogued | None, version: int, there: Entry) -> bool:
    """Whether a row still has this version, and keeps it when it is recorded as `there`."""
    if held is None or held.entry.version != version:
        return False
    entry = held.entry
    if entry.kind == FOLDER:
        return (there.kind, there.mode) == (entry.kind, entry.mode)
    stat = there.kind, there.size, there.mtime_ns, there.mode, there.target
    return stat == (entry.kind, entry.size, entry.mtime_ns, entry.mode, entry.target)


def make_as(target: FolderStore, path: str, mode: int) -> tuple[str, ...]:
    """Makes a folder, or gives one that is there this mode; returns those that it made."""
    root = target.root
    made = root.make_folder(path, mode)
    with root.folder(path) as folder:
        root.set_mode(folder.fd, mode, path)
    return made


def _seen(there: Entry | Problem | None) -> Entry | None:
    if isinstance(there, Problem):
        raise ProblemError(there)
    return there
