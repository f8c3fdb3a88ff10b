"""The Catalogue contract: what a server knows about the files in its workspaces.

Each catalogue keeps these rules, and one suite proves them (tests/conformance/test_catalogue.py):

- **One counter per workspace**, its sequence, grows with each change of a row and never goes back.
  A row's `version` is the sequence at which its content last changed: it says which content a
  client saw, and a move keeps it. Its number in the feed is the sequence at which the row last
  changed, moves included; no two rows of a workspace have the same.
- **An id never changes.** An entry gets one when it appears at an unoccupied path; it keeps it when
  it is rewritten or moved. Ids grow and are never used again. Another kind at the same path is
  another entry.
- **Deletions stay** as tombstones: rows with their own version and number, until there is a new
  entry at the path, or until they are forgotten. The workspace's `floor` says up to which version
  they may have been forgotten. A client that knows only an earlier version would miss them, so it
  must scan everything.
- **`record` is atomic and in order**: when it returns, all of its changes are durable, or none is;
  each change sees the ones before it. Readers never see a part of it.
- **A large subtree follows in parts.** When a folder with thousands of entries is gone or moved,
  `record` changes its top, and makes durable what it means for all below it. From then on every
  call shows all of them gone, or at their new paths. Their rows, with their new numbers, are
  written by `finish`, a part per call; until then the feed does not tell of them. The caller calls
  it until nothing is left, also after a restart.
- **`record` is idempotent.** A change that changes nothing gets no new version: the same put again,
  or gone for a path that is already gone. After a lost answer the whole call may be repeated,
  except for moves, because their source does not exist any more.
- **What is there is counted**: a workspace's use is its files and links, and the bytes of its
  files. It changes in the transaction that changes the rows. Of a large subtree that is gone, the
  part whose rows are not written yet still counts.
- **The history is true**: what `record` changes is told in its own transaction. Of a file that
  is recorded with the content that it has already, nothing is told.
- **Order**: listings by name, `changes` by number. Names and paths compare by components
  (model.paths.key).
- **The caller keeps the tree complete**: it records a folder before the entries below it. When a
  folder is gone, moved, or becomes something else, the catalogue does the same to everything below
  it.
- The root has no row. Paths must pass `model.paths.check`, or the call fails with `bad_path` and
  writes nothing.
- Calls may come from several threads.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from cargo_sync.machines.newest_change import Lineage
from cargo_sync.machines.own_changes import VersionRange
from cargo_sync.machines.quota import NOTHING_USED, Use
from cargo_sync.machines.suspects import Suspects, UncleanStop
from cargo_sync.model.entries import Entry, EntryColumns
from cargo_sync.model.history import OTHERS, ChangeCause, ToldBatch


class WorkspaceRecord(NamedTuple):
    """A workspace.

    root      the text by which it is found: its folder, or another name of its store
    marker    what the server wrote into the store to identify it, or ""
    epoch     identity of this life of the catalogue
    sequence  version of the newest change, 0 when there was none
    floor     deletions up to this version may have been forgotten
    """

    id: int
    root: str
    marker: str
    epoch: str
    sequence: int
    floor: int = 0


class Catalogued(NamedTuple):
    """An entry with the catalogue's version and id, and the `stat` that a rescan compares."""

    entry: Entry
    ctime_ns: int
    inode: int


class CataloguedFile(NamedTuple):
    """What shows whether a file is the one that somebody saw, and what its `stat` is then."""

    version: int
    ident: int
    hash: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


EntryStat = tuple[str, str, int, int, int, int, int, str]
"""What a rescan compares of an entry: name, kind, size, mtime_ns, mode, ctime_ns, inode, target. Of
thousands of them it makes two lists, and compares these."""


class Put(NamedTuple):
    """`entry` is at `path`, new or changed.

    The entry's own version and ident are ignored; its `hash` may be "". The content counts as
    unchanged, and gets no new version, when kind, size, mtime, mode and target are as recorded and,
    for files, one of these is true: the hash is the same; or ctime and inode are the same and one
    of the hashes is not known. Then only the hash, ctime and inode are updated.

    fresh  nothing was at `path` when the file or link came there: if there is a row, what it
           describes is gone, and this is another entry, with an id of its own
    anew   something changed that has no field here, its extended attributes: it gets a new version
    """

    path: str
    entry: Entry
    ctime_ns: int
    inode: int
    fresh: bool = False
    anew: bool = False


class PutColumns(NamedTuple):
    """Many of `Put`, none of them a folder or `anew`, column by column; there is at least one."""

    paths: Sequence[str]
    entries: EntryColumns
    ctimes: Sequence[int]
    inodes: Sequence[int]
    fresh: Sequence[bool]

    @classmethod
    def of(cls, puts: Sequence[Put]) -> "PutColumns":
        """The columns of at least one; what is in `anew` is left out."""
        some, entries, ctimes, inodes, fresh, _ = zip(*puts, strict=True)
        return cls(some, EntryColumns.of(entries), ctimes, inodes, fresh)

    def rows(self) -> list[Put]:
        return list(map(Put, self.paths, self.entries, self.ctimes, self.inodes, self.fresh))


class Gone(NamedTuple):
    """Nothing is at or below `path` any more; for "", the whole workspace is empty."""

    path: str


class CatalogueMove(NamedTuple):
    """The entry at `source`, with everything below it, is now at `path`, which was unoccupied.

    ctime_ns  of the moved file after the rename, because a rename changes it
    """

    source: str
    path: str
    ctime_ns: int


class CatalogueExchange(NamedTuple):
    """The entries at `source` and `path`, with everything below them, have changed places.

    Neither is below the other.

    ctime_ns, source_ctime_ns  of the files that are at `path` and `source` now
    """

    source: str
    path: str
    ctime_ns: int
    source_ctime_ns: int


Change = Put | Gone | CatalogueMove | CatalogueExchange


def changed_paths(changes: Sequence[Change | PutColumns]) -> list[str]:
    """The paths of all of them, in order."""
    some: list[str] = []
    for change in changes:
        if isinstance(change, PutColumns):
            some += change.paths
        else:
            some.append(change.path)
    return some


class Recorded(NamedTuple):
    """What a call of `record` did.

    versions  for each change, the version of the row at its `path`; 0 for Gone of a path that never
              had an entry
    moved     the numbers in the feed that its moves took; those of large subtrees follow (`finish`)
    use       what is there now
    grown     what it added to that; less than nothing if there is less now
    told      what the history tells of it
    follows   rows of large subtrees are still to be written (`finish`)
    """

    versions: list[int]
    moved: Sequence[VersionRange] = ()
    use: Use = NOTHING_USED
    grown: Use = NOTHING_USED
    told: Sequence[ToldBatch] = ()
    follows: bool = False


class Finished(NamedTuple):
    """A part of a large subtree that was written.

    path     where its top is now; None when it is gone
    numbers  in the feed
    told     what the history tells of it
    """

    path: str | None
    numbers: VersionRange
    told: Sequence[ToldBatch] = ()


class ChangesPage(NamedTuple):
    """A part of the changes.

    rows      (path, the entry that is there now or None), in the order of their numbers;
              `PlacedEntries` if there is an entry at each
    next      where the next page begins: the number of the last row, or `sequence` at the end
    more      whether there are more rows
    sequence  of the workspace: the number of its newest change
    lineage   of `next`
    newest_lineage  of `sequence`
    floor     of the workspace
    torn      of a folder that moved, some rows are still to be written: it looks emptier than it is
    """

    rows: Sequence[tuple[str, Entry | None]]
    next: int
    more: bool
    sequence: int
    lineage: str
    newest_lineage: str = ""
    floor: int = 0
    torn: bool = False


class Catalogue(Protocol):
    """Path -> entry, version, sequence, of workspaces.

    A method with a workspace's id raises ProblemError `unknown_workspace` if there is none with it.
    """

    def workspace(self, root: str, make_epoch: Callable[[], str]) -> WorkspaceRecord:
        """The workspace of `root`; it is made with a new epoch if there is none.

        One that was moving there has arrived with this call (`state.workspace_moves`).

        Raises:
            ProblemError: `not_moved`: one is moving there, and not everything is there yet.
        """

    def use(self, workspace: int) -> Use:
        """How much is there."""

    def uses(self) -> dict[str, Use]:
        """How much is in each workspace, by its `root`."""

    def sequences(self) -> dict[int, int]:
        """The number of the newest change of each workspace, by its id."""

    def set_marker(self, workspace: int, marker: str) -> None: ...

    def begin(self, workspace: int, token: str) -> Lineage:
        """A server starts: changes from now on have the lineage `token`.

        Where several servers share the state, it is that of the state's life instead, and the first
        of them has begun it.

        Changes that were lost by restoring an old backup are numbered again. If the lineage of a
        client's newest version is a different one now, the client knows that this happened.
        """

    def lineage(self, workspace: int, version: int) -> str:
        """The token of the last `begin` before the change `version`; "" before the first one."""

    def mark(self, now: float, apart: float) -> None:
        """Records all workspaces' sequences at `now` (s), at most once per `apart` seconds."""

    def thin(self, before: float) -> None:
        """Keeps one mark a day of those before `before` (s)."""

    def suspect(self, stop: UncleanStop) -> None:
        """Makes what was recorded shortly before an unclean stop suspect, in all workspaces."""

    def suspects(self, workspace: int) -> Suspects | None:
        """What must be checked after an unclean stop; `after` is a version."""

    def checked(self, workspace: int) -> None:
        """All suspects were checked."""

    def lately(
        self, workspace: int, suspects: Suspects, upto: int, limit: int
    ) -> list[tuple[str, Catalogued, int]]:
        """Up to `limit` suspect files with numbers up to `upto`, and these: the lowest first.

        A file that was only moved may be among them.
        """

    def forget_gone(self, before: float, most: int) -> bool:
        """Forgets up to `most` tombstones older than `before`; True if there may be more."""

    def entry(self, workspace: int, path: str) -> Catalogued | None:
        """The entry at `path`."""

    def was(self, workspace: int, path: str) -> bool:
        """Whether there is an entry at `path`, or was one whose tombstone is not forgotten."""

    def entries(self, workspace: int, paths: Sequence[str]) -> list[Catalogued | None]:
        """The entries at these paths, in the same order; cheaper than many calls of `entry`."""

    def files(self, workspace: int, paths: Sequence[str]) -> list[CataloguedFile | None]:
        """The files at these paths, in the same order; None for what is no file.

        It is the cheapest if nearly all of them are there, and are neighbours.
        """

    def listing(
        self, workspace: int, folder: str, after: str = "", upto: str = "", limit: int = -1
    ) -> list[Catalogued]:
        """The entries directly in `folder`, by name; none if there is no such folder.

        Args:
            workspace: its id.
            folder: a path.
            after: only names after this one.
            upto: only names up to this one; "" for all.
            limit: how many at most; -1 for all.
        """

    def stats(
        self, workspace: int, folder: str, after: str = "", upto: str = "", limit: int = -1
    ) -> list[EntryStat]:
        """As `listing`, but only what a rescan compares."""

    def record(
        self, workspace: int, changes: Sequence[Change | PutColumns], cause: ChangeCause = OTHERS
    ) -> Recorded:
        """Records changes, and tells the history of them with their cause.

        Raises:
            ProblemError: `vanished` (what is moved does not exist), `occupied` (a move's target
                does), `bad_path`, `bad_value` (a number that does not fit 64 bits); nothing was
                recorded.
        """

    def finish(self, workspace: int, most: int) -> Finished | None:
        """Writes up to `most` rows of large subtrees that are gone or moved.

        Returns:
            What it has written; then there may be more. None if there was nothing.
        """

    def changes(
        self,
        workspace: int,
        since: int,
        under: str,
        limit: int,
        without: Sequence[VersionRange] = (),
    ) -> ChangesPage:
        """Up to `limit` rows below `under` that changed after `since`; paths relative to `under`.

        Each path comes once, as it is now; one that changes between two pages comes again. Rows
        whose numbers are in one of the ranges `without` (in order) are left out.
        """

    def set_hash(self, workspace: int, path: str, version: int, hash: str) -> bool:
        """Stores a file's hash, if it still has `version`, which stays; False if it has not."""
