"""The Catalogue contract: what a server knows of the files in its workspaces.

Kept by every catalogue, and proved by one suite (tests/conformance/test_catalogue.py):

- **One counter a workspace**, its sequence, grows with every change of a row and never goes back. A
  row's `version` is the sequence at which it last changed, so no two rows of a workspace share one;
  it says at once which content a client saw and where the change stands in the feed.
- **An id is for life.** An entry gets one when it appears at a path where nothing stood; rewriting
  and moving keep it. Ids grow and are never used again. Another kind at the same path is another
  entry.
- **Deletions stay** as tombstones: rows with a version of their own, until something stands there
  again, or until they are forgotten. Then the workspace's `floor` says up to which version that was
  done: who knows the workspace as of an earlier one would miss them, and must look at everything
  anew.
- **`record` is atomic and in order**: all of its changes are true, durably, when it returns, or
  none; each sees what those before it did. Nobody ever reads a part of it.
- **`record` is idempotent.** What is so already gets no new version: the same put again, gone of
  what is gone. After a lost answer the whole call may be repeated, but for moves, whose source is
  away by then.
- **Order**: listings by name, `changes` by version. Names and paths compare by components
  (model.paths.key).
- **The caller keeps the tree whole**: it records a folder before what is below it. The catalogue
  does the rest: what stood below a folder that is gone, moved or no folder any more goes with it.
- The root has no row. Paths pass `model.paths.check`, or the call fails with `bad_path` and writes
  nothing.
- Calls may come from several threads.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from cargo_sync.model.entries import Entry


class WorkspaceRecord(NamedTuple):
    """A workspace.

    root      the text that it was asked for by: its folder, or whatever names the store
    marker    what the server wrote into the store to know it again, or ""
    epoch     identity of this life of the catalogue
    sequence  version of the newest change, 0 when there was none
    floor     deletions up to this version may be forgotten
    """

    id: int
    root: str
    marker: str
    epoch: str
    sequence: int
    floor: int = 0


class Catalogued(NamedTuple):
    """An entry, with the catalogue's version and id, and what a rescan compares of its file's
    `stat`."""

    entry: Entry
    ctime_ns: int
    inode: int


class Put(NamedTuple):
    """`entry` stands at `path`, new or changed; its own version and ident say nothing. `hash` may
    be "".

    It is the same content, and gets no new version, when kind, size, mtime, mode and target are as
    recorded and, for files, the hash is, or ctime and inode are and one of the hashes is not known.
    A new hash, ctime and inode are then taken over in silence.
    """

    path: str
    entry: Entry
    ctime_ns: int
    inode: int


class Gone(NamedTuple):
    """Nothing stands at `path` any more, nor below it; of "", the whole workspace is empty."""

    path: str


class CatalogueMove(NamedTuple):
    """What stood at `source`, with all below it, now stands at `path`, where nothing may stand.

    ctime_ns  of the moved file after the rename, which changes it
    """

    source: str
    path: str
    ctime_ns: int


Change = Put | Gone | CatalogueMove


class ChangesPage(NamedTuple):
    """A part of the changes.

    rows      (path, the entry that is there now or None), in the order of their versions
    next      where to go on: the version of the last row, or `sequence` when there are no more
    more      whether there are
    sequence  of the workspace
    lineage   of `next`
    floor     of the workspace
    """

    rows: list[tuple[str, Entry | None]]
    next: int
    more: bool
    sequence: int
    lineage: str
    floor: int = 0


class Catalogue(Protocol):
    """Path -> entry, version, sequence, of workspaces.

    A method that is given a workspace's id raises ProblemError `unknown_workspace` when there is
    none.
    """

    def workspace(self, root: str, make_epoch: Callable[[], str]) -> WorkspaceRecord:
        """The workspace of `root`, made with a new epoch when there is none."""

    def set_marker(self, workspace: int, marker: str) -> None: ...

    def begin(self, workspace: int, token: str) -> None:
        """A server starts: what changes from now on is of a lineage of this token.

        Changes that are lost with a restored backup are numbered again; by its lineage a client
        knows that the number it had come to is not the one that it knew.
        """

    def lineage(self, workspace: int, version: int) -> str:
        """The token that was given when the change of this number was still to come; "" before the
        first."""

    def mark(self, now: float, apart: float) -> None:
        """Take down where all workspaces stand at `now` (unix seconds), if `apart` seconds have
        passed."""

    def forget_gone(self, before: float, most: int) -> bool:
        """Forget up to `most` tombstones that are surely older than `before`; whether there may be
        more."""

    def entry(self, workspace: int, path: str) -> Catalogued | None:
        """What stands at `path`."""

    def entries(self, workspace: int, paths: Sequence[str]) -> list[Catalogued | None]:
        """What stands at each of these paths, in their order: `entry` of many for the price of a
        few."""

    def listing(self, workspace: int, folder: str) -> list[Catalogued]:
        """What stands directly in `folder`, by name; nothing when there is no such folder."""

    def record(self, workspace: int, changes: Sequence[Change]) -> list[int]:
        """Take changes in; the version, for each, of the row at its `path`.

        For Gone of what never was there it is 0.

        Raises:
            ProblemError: `vanished` (a move's source is not there), `occupied` (its target is),
                `bad_path`, `bad_value` (a number that does not fit 64 bits); nothing was recorded.
        """

    def changes(self, workspace: int, since: int, under: str, limit: int) -> ChangesPage:
        """Up to `limit` rows of paths below `under`, and relative to it, that changed after
        `since`.

        A path is told once, as it is now; one that changes while pages are read comes again.
        """

    def set_hash(self, workspace: int, path: str, version: int, hash: str) -> bool:
        """Note the hash of a file, if it still has `version`, which stays; whether it was noted."""
