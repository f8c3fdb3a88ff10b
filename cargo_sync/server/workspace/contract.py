"""The Workspace contract: a tree of files that a server keeps for its users.

Two builds keep it, and one suite proves both (tests/conformance/test_workspace.py): `folder`, where
a folder is the truth and its catalogue follows, and `content`, where the catalogue is the truth and
contents lie in a store. The rest of the server knows only what is here.

- **What is there** is what the catalogue says, and for calls that look (`entry`, `open`, `change`,
  uploads, flows) what is really there: a difference is recorded first.
- **A write names the version that it replaces**, 0 for nothing. If another one is there when it is
  published, it fails with `changed`, and nothing is lost: it replaces what its client saw, or
  nothing. The same write may be repeated; a deletion of what is gone already is done.
- **What is answered is durable**: it survives a power cut, in the catalogue too. One transaction
  records a change, what it displaced, and what the history tells of it.
- **Nothing is deleted at once**: what a write displaces is a version in the trash.
- **Each item of many fails alone**, with a problem in its place.
- **A problem's message has no path of the server**: clients read it.
- While it is away, what needs its contents raises `root_gone`; the catalogue still answers. While
  another program holds it, nothing may be asked (`must_not_be_held`).
- Everything blocks and is called from threads. Paths that come from outside are checked here once
  more: `bad_path`, `reserved_name`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from cargo_sync.catalogue.contract import Catalogue, Catalogued, ChangesPage
from cargo_sync.catalogue.feed import Position
from cargo_sync.catalogue.quota_ledger import QuotaLedger
from cargo_sync.lanes.ports import Reader, Sink, Source
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges
from cargo_sync.model.displaced import (
    FreedVersions,
    Restored,
    TrashFilter,
    TrashPage,
    TrashTotals,
)
from cargo_sync.model.entries import Entry
from cargo_sync.model.history import OTHERS, ChangeCause
from cargo_sync.model.problems import Problem
from cargo_sync.model.xattrs import Xattrs
from cargo_sync.server.workspace.incoming import Additions, Admit, Upload
from cargo_sync.server.workspace.operations import Operation, OperationResult

Permitted = Callable[[], None]
"""Raises ProblemError when what was begun may not go on."""


def always() -> None:
    """Permits everything: for callers that nobody can log out."""


class News(NamedTuple):
    """What is new for a client that knows a workspace up to a change.

    known    the lineage of the newest change that it knows
    without  the client's own changes are left out
    away     why the workspace cannot be used now, or None
    folds    it does not tell some names apart
    xattrs   it keeps extended attributes
    """

    page: ChangesPage
    known: str
    without: bool
    away: Problem | None
    folds: bool
    xattrs: bool


class OpenFile(Reader, Protocol):
    """The content of one version of a file. It may block; `close` is called exactly once.

    `unchanged` says whether what was read is still the version that was opened.
    """

    @property
    def holes(self) -> int:
        """How many of its bytes take no room."""

    def read_into(self, view: memoryview, offset: int) -> int: ...


class Workspace(Protocol):
    """One served workspace. The rules are those of the module.

    id, epoch  of the workspace in the catalogue
    lineage    of the changes from now on
    path       by which it is found: the real path of its folder, or another text of its settings
    """

    id: int
    epoch: str
    lineage: Lineage

    @property
    def path(self) -> str: ...

    # -- whether it is there -----------------------------------------------------------------------

    @property
    def attached(self) -> bool:
        """Whether it was there at the last attempt to use it."""

    @property
    def read_only(self) -> bool:
        """Whether it could not be written to at the last attempt to use it."""

    @property
    def problem(self) -> Problem | None:
        """Why it could not be used at the last attempt, or None."""

    @property
    def unoffered(self) -> int:
        """How many names in it no client could use."""

    def away(self) -> Problem | None:
        """Why it cannot be used now, for clients, or None. Looks at the place itself."""

    def must_not_be_held(self) -> None:
        """Raises ProblemError `root_held` while another program holds it."""

    def attach(self) -> bool:
        """Opens it if it is not open, or came back; returns whether it did.

        Raises:
            ProblemError: it is not there, is another one, or belongs to another server; `stopped`.
        """

    def stop(self) -> None:
        """Makes long work end soon; once closed, it is not opened again."""

    def close(self, patience: float = -1) -> bool:
        """Closes it; lanes must not use it any more.

        Returns:
            False if another call did not end within `patience` seconds: then it can be used on.
        """

    # -- names and changes -------------------------------------------------------------------------

    def position(self, since: int) -> Position:
        """The current position, for a client that knows the workspace up to the change `since`."""

    def changes(self, since: int, under: str, limit: int) -> ChangesPage:
        """Changes below `under` after `since`; see the catalogue's contract."""

    def news(
        self,
        since: int,
        under: str,
        limit: int,
        own: OwnChanges = NO_CHANGES,
        newest: int | None = None,
    ) -> News:
        """Changes below `under` after `since`, and what a client asks at the start of a look.

        The arguments are those of `ChangeFeed.look`.
        """

    def listing(self, folder: str, after: str = "", limit: int = -1) -> list[Entry] | None:
        """The entries directly in a folder, by name; None when there is no such folder.

        Up to `limit` of those whose names come after `after`; -1 for all.
        """

    def entries(self, some: Sequence[str]) -> list[Catalogued | None]:
        """The entries at these paths, in their order."""

    def entry(self, path: str) -> Entry | None:
        """The entry that is really at `path` now. Raises ProblemError."""

    def lacks(self, folder: str, *, makes: bool = False) -> Problem | None:
        """Why there is no folder of this path now, or None.

        With `makes` it is made, unless something was there as far as deletions are remembered: one
        that was deleted or moved stays away.
        """

    # -- content -----------------------------------------------------------------------------------

    def open(self, path: str) -> tuple[Catalogued | None, OpenFile | None]:
        """The entry at `path`, and for a file a reader of exactly this version.

        Raises:
            ProblemError: it cannot be read, or is `damaged`.
        """

    def holes(self, path: str) -> int:
        """How many bytes of the file at `path` are holes, as far as is known; 0 for no file.

        Raises:
            ProblemError: as for `open`.
        """

    def hash(self, path: str, version: int, reread: bool = False) -> str:
        """The hash of a version. With `reread` all of its content is read, whatever is recorded.

        Raises:
            ProblemError: `changed` when there is another version by now, or it changes while it is
                read; `vanished`, `not_a_file`, `stopped` with the server, or why it cannot be read.
        """

    def xattrs(self, files: Sequence[tuple[str, int]]) -> list[Xattrs | Problem]:
        """The extended attributes of files in these versions, in order.

        One that has another version by now, or too many attributes, has a problem.
        """

    # -- changes -----------------------------------------------------------------------------------

    def change(
        self,
        operations: Sequence[Operation],
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
    ) -> list[OperationResult]:
        """Makes folders, deletes and moves; one result per operation, in order, each on its own.

        `permitted` raises ProblemError when the next one may not be done any more.
        """

    def stage(
        self,
        path: str,
        size: int,
        mtime_ns: int,
        admit: Admit,
        run: str,
        cause: ChangeCause = OTHERS,
        transfer: str = "",
    ) -> Upload:
        """Begins the upload of a file whose bytes come in order.

        With a `transfer` that was begun before, it goes on with what was recorded of it. A file
        that is already there keeps its mode.

        Raises:
            ProblemError: `admit` refuses what is there; a folder is there; `disk_full`,
                `over_quota`.
        """

    def forget_staged(self, transfer: str) -> None:
        """Deletes what is staged of a file that nobody sends any more. Raises ProblemError."""

    # -- its trash ---------------------------------------------------------------------------------

    def trash(self, wanted: TrashFilter, before: int | None, limit: int) -> TrashPage:
        """Displaced versions, the newest first; see the ledger's contract."""

    def trash_totals(self, within: str = "") -> TrashTotals:
        """How much is in the trash, of what was in the folder `within`."""

    def restore(
        self,
        ids: Sequence[int],
        to: str,
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
        under: str = "",
        inside: str = "",
        within: str = "",
    ) -> list[Restored | Problem]:
        """Restores versions of the trash below the folder `to`; one result per id, in order.

        A version goes to its own place, or with `to` to its path below `under`, there. What stands
        at its place goes to the trash in turn. With `inside` only what has this path in the folders
        that the versions are; with `within` only versions of what was in this folder.

        Raises:
            ProblemError: `root_gone`; the disk fails, or the state cannot be written.
        """

    def free(
        self, ids: Sequence[int], permitted: Permitted = always, within: str = ""
    ) -> FreedVersions:
        """Removes versions from the trash for good, if they were `within`. Raises ProblemError."""

    def free_all(self, wanted: TrashFilter, permitted: Permitted = always) -> FreedVersions:
        """As `free`, for all that the filter wants; in parts, so there may be more."""

    # -- flows -------------------------------------------------------------------------------------

    def sink(
        self,
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
        additions: Additions | None = None,
    ) -> Sink:
        """Where a flow's receiver stages and commits; the trash of `run` takes what is displaced.

        `permitted` raises ProblemError when a batch may not be published any more. With
        `additions` it is a flow into a drop box.

        Raises:
            ProblemError: `root_gone`.
        """

    def source(self) -> Source:
        """Where a flow's sender reads exactly the versions that its offers name.

        Raises:
            ProblemError: `root_gone`.
        """

    # -- where it is recorded ----------------------------------------------------------------------

    @property
    def quotas(self) -> QuotaLedger:
        """How much may be in it."""

    @property
    def catalogue(self) -> Catalogue: ...

    def token(self) -> str:
        """32 hex digits that nobody can guess."""

    def wake(self, id: int, some: Sequence[str]) -> None:
        """Wakes those who wait for changes of these paths in the workspace `id`."""
