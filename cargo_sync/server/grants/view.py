"""A workspace, or one folder of it, as a user sees it: what a door may do for this user.

A user's own folder is "" for them. Every path of theirs is taken below it here, and every path that
they are told is without what is above it; so a door cannot reach beside it. While the folder is not
there (others have deleted or renamed it), the workspace counts as away: nobody takes what is in it
for deleted, and nobody makes it anew by writing.

Which rights a user has is not asked here, but by the doors (`rights`). Everything blocks and is
called from threads.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TypeVar

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.catalogue.feed import Position
from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges
from cargo_sync.model import paths
from cargo_sync.model.displaced import (
    FreedVersions,
    Restored,
    TrashFilter,
    TrashPage,
    TrashRow,
    TrashTotals,
)
from cargo_sync.model.entries import Entry
from cargo_sync.model.history import OTHERS, ChangeCause
from cargo_sync.model.problems import Code, LaterError, Problem, ProblemError
from cargo_sync.model.xattrs import Xattrs
from cargo_sync.server.grants.wording import SubfolderWording
from cargo_sync.server.workspace.contract import News, OpenFile, Permitted, Workspace, always
from cargo_sync.server.workspace.incoming import Admit, Upload
from cargo_sync.server.workspace.operations import Operation, OperationResult, Renaming

T = TypeVar("T")
Telling = Callable[[], AbstractContextManager[None]]


class ViewUpload:
    """One file that comes over plain HTTP, as its user sees it; see `Upload`."""

    def __init__(self, upload: Upload, telling: Telling) -> None:
        """`telling` makes contexts that raise problems as the user reads them."""
        self._upload = upload
        self._telling = telling

    @property
    def published(self) -> bool:
        """Whether it is at its place."""
        return self._upload.published

    @property
    def offset(self) -> int:
        """Bytes that are staged."""
        return self._upload.offset

    @property
    def is_current(self) -> bool:
        """Whether it is staged in the folder that is served there now."""
        return self._upload.is_current

    def check(self) -> None:
        """See `Upload.check`."""
        with self._telling():
            self._upload.check()

    def append(self, offset: int, content: memoryview) -> int:
        """See `Upload.append`."""
        with self._telling():
            return self._upload.append(offset, content)

    def digest(self, start: int, end: int) -> str:
        """See `Upload.digest`."""
        with self._telling():
            return self._upload.digest(start, end)

    def write(self, content: bytes | bytearray) -> None:
        """See `Upload.write`."""
        with self._telling():
            self._upload.write(content)

    def publish(self) -> tuple[Catalogued, bool]:
        """See `Upload.publish`."""
        with self._telling():
            return self._upload.publish()

    def sent_by(self, cause: ChangeCause) -> None:
        """See `Upload.sent_by`."""
        self._upload.sent_by(cause)

    def drop(self) -> None:
        """See `Upload.drop`."""
        self._upload.drop()


class WorkspaceView:
    """The folder `path` of a workspace; "" is all of it.

    id       by which its changes are announced
    words    of the folder; None if it is the whole workspace
    epoch    another one than that of the workspace, if it is only a folder of it: who knows one of
             them does not know the other
    """

    def __init__(self, workspace: Workspace, path: str = "", *, makes: bool = False) -> None:
        """With `makes` the folder is made when it is used first; see `Workspace.lacks`."""
        self.path = path
        self.id = workspace.id
        self.epoch = _epoch(workspace.epoch, path) if path else workspace.epoch
        self._workspace = workspace
        self._makes = makes
        self.words = SubfolderWording(path) if path else None

    def __repr__(self) -> str:
        return f"WorkspaceView({self._workspace.path!r}, {self.path!r})"

    @property
    def lineage(self) -> Lineage:
        """Of the changes from now on."""
        return self._workspace.lineage

    # -- the folder, and words ---------------------------------------------------------------------

    def inside(self, path: str) -> str:
        """The path in the workspace of a user's path. Raises ProblemError."""
        paths.check(path)
        if not (path and self.path):
            return path or self.path
        with self.telling():  # together they may be too long
            return paths.check(f"{self.path}/{path}")

    def waits_at(self, path: str) -> str:
        """Where, among the changes of `id`, a user's path is. Raises ProblemError."""
        return self.inside(path)

    def away(self) -> Problem | None:
        """Why it cannot be used now, for clients, or None. Looks at the folder itself."""
        if why := self._workspace.away():
            return why
        return self.told(self._workspace.lacks(self.path, makes=self._makes)) if self.path else None

    def told(self, found: T) -> T:
        """What was found; if it is a problem, as the user reads it."""
        if isinstance(found, Problem) and self.words:
            return self.words.problem(found)  # type: ignore[return-value]
        return found

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Raises the problems of its block as the user reads them."""
        try:
            yield
        except ProblemError as error:
            if self.words is None:
                raise
            told = self.told(error.problem)
            if isinstance(error, LaterError):
                raise LaterError(told, error.seconds) from error
            raise ProblemError(told) from error

    def _there(self) -> None:
        """Checks that the folder is there. Raises ProblemError."""
        if self.path and (why := self.away()):
            raise ProblemError(why)

    def _still(self, permitted: Permitted) -> Permitted:
        """As `permitted`, and the folder is there: a write must not make it anew."""
        if not self.path:
            return permitted

        def check() -> None:
            permitted()
            if why := self._workspace.lacks(self.path):
                raise ProblemError(why)

        return check

    # -- names and changes -------------------------------------------------------------------------

    def position(self, since: int) -> Position:
        """See `Workspace.position`."""
        return self._workspace.position(since)._replace(epoch=self.epoch)

    def news(
        self,
        since: int,
        under: str,
        limit: int,
        own: OwnChanges = NO_CHANGES,
        newest: int | None = None,
    ) -> News:
        """See `Workspace.news`; while the folder is not there, nothing is new in it."""
        news = self._workspace.news(since, self.inside(under), limit, own, newest)
        if not self.path or (why := news.away or self.away()) is None:
            return news
        at = self._workspace.position(since)
        nothing = news.page._replace(rows=[], next=since, more=False, lineage=at.lineage)
        return news._replace(page=nothing, away=why)

    def listing(self, folder: str, after: str = "", limit: int = -1) -> list[Entry] | None:
        """See `Workspace.listing`."""
        if not folder:
            self._there()
        return self._workspace.listing(self.inside(folder), after, limit)

    def entries(self, some: Sequence[str]) -> list[Catalogued | None]:
        """See `Workspace.entries`. The folder itself has no entry, as a workspace has none."""
        held = iter(self._workspace.entries([self.inside(path) for path in some if path]))
        return [next(held) if path else None for path in some]

    def entry(self, path: str) -> Entry | None:
        """See `Workspace.entry`."""
        with self.telling():
            return self._workspace.entry(self._entry(path))

    # -- content -----------------------------------------------------------------------------------

    def open(self, path: str) -> tuple[Catalogued | None, OpenFile | None]:
        """See `Workspace.open`."""
        with self.telling():
            return self._workspace.open(self.inside(path))

    def holes(self, path: str) -> int:
        """See `Workspace.holes`."""
        with self.telling():
            return self._workspace.holes(self.inside(path))

    def hash(self, path: str, version: int, reread: bool = False) -> str:
        """See `Workspace.hash`."""
        with self.telling():
            return self._workspace.hash(self.inside(path), version, reread)

    def xattrs(self, files: Sequence[tuple[str, int]]) -> list[Xattrs | Problem]:
        """See `Workspace.xattrs`."""
        found = self._workspace.xattrs([(self.inside(path), version) for path, version in files])
        return list(map(self.told, found))

    def source(self) -> Source:
        """See `Workspace.source`; its paths are those of the workspace (`inside`)."""
        return self._workspace.source()

    # -- changes -----------------------------------------------------------------------------------

    def change(
        self,
        operations: Sequence[Operation],
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
    ) -> list[OperationResult]:
        """See `Workspace.change`."""
        if (words := self.words) is None:
            return self._workspace.change(operations, run, permitted, cause)
        self._there()
        placed = [self._placed(one) for one in operations]
        results = self._workspace.change(placed, run, self._still(permitted), cause)
        return [
            words.problem(one)
            if isinstance(one, Problem)
            else one._replace(displaced=words.place(one.displaced))
            for one in results
        ]

    def stage(
        self,
        path: str,
        size: int,
        mtime_ns: int,
        admit: Admit,
        run: str,
        cause: ChangeCause = OTHERS,
        transfer: str = "",
    ) -> ViewUpload:
        """See `Workspace.stage`."""
        still = self._still(always)

        def admitted(held: Catalogued | None) -> None:
            still()
            admit(held)

        self._there()
        place = self.inside(path)
        with self.telling():
            upload = self._workspace.stage(place, size, mtime_ns, admitted, run, cause, transfer)
        return ViewUpload(upload, self.telling)

    def forget_staged(self, transfer: str) -> None:
        """See `Workspace.forget_staged`."""
        self._workspace.forget_staged(transfer)

    def sink(self, run: str, permitted: Permitted = always, cause: ChangeCause = OTHERS) -> Sink:
        """See `Workspace.sink`; its paths are those of the workspace (`inside`)."""
        self._there()
        return self._workspace.sink(run, self._still(permitted), cause)

    def _placed(self, operation: Operation) -> Operation:
        if isinstance(operation, Renaming):
            return operation._replace(
                path=self._entry(operation.path), to=self._entry(operation.to)
            )
        return operation._replace(path=self._entry(operation.path))

    def _entry(self, path: str) -> str:
        """The place of something in the folder: the folder itself is not the user's to change."""
        if not path:
            message = "the path is empty: the workspace itself cannot be changed"
            raise ProblemError(Problem(Code.BAD_PATH, message, retry=False))
        return self.inside(path)

    # -- the trash ---------------------------------------------------------------------------------

    def trash(self, wanted: TrashFilter, before: int | None, limit: int) -> TrashPage:
        """See `Workspace.trash`."""
        page = self._workspace.trash(self._of_the_user(wanted), before, limit)
        if (words := self.words) is None:
            return page
        return page._replace(rows=[_told_row(row, words) for row in page.rows])

    def trash_totals(self) -> TrashTotals:
        """See `Workspace.trash_totals`."""
        return self._workspace.trash_totals(self.path)

    def restore(
        self,
        ids: Sequence[int],
        to: str,
        run: str,
        permitted: Permitted = always,
        cause: ChangeCause = OTHERS,
        under: str = "",
        inside: str = "",
    ) -> list[Restored | Problem]:
        """See `Workspace.restore`."""
        self._there()
        results = self._workspace.restore(
            ids,
            self.inside(to) if to else "",
            run,
            self._still(permitted),
            cause,
            self.inside(under),
            paths.check(inside),
            self.path,
        )
        if (words := self.words) is None:
            return results
        return [
            words.problem(one)
            if isinstance(one, Problem)
            else one._replace(path=words.path(one.path))
            for one in results
        ]

    def free(self, ids: Sequence[int], permitted: Permitted = always) -> FreedVersions:
        """See `Workspace.free`."""
        return self._workspace.free(ids, permitted, self.path)

    def free_all(self, wanted: TrashFilter, permitted: Permitted = always) -> FreedVersions:
        """See `Workspace.free_all`."""
        return self._workspace.free_all(self._of_the_user(wanted), permitted)

    def _of_the_user(self, wanted: TrashFilter) -> TrashFilter:
        return replace(wanted, under=self.inside(wanted.under), within=self.path)


def _told_row(row: TrashRow, words: SubfolderWording) -> TrashRow:
    version = row.version
    version = version._replace(path=words.path(version.path), place=words.place(version.place))
    return row._replace(version=version, moved_to=words.path(row.moved_to))


def _epoch(epoch: str, path: str) -> str:
    return hashlib.blake2b(f"{epoch} {path}".encode(), digest_size=16).hexdigest()
