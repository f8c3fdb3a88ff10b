"""Uploads in pieces: files that come over many requests, and go on after a cut or a restart.

An upload is a row of the state and, once a piece has come, a staged file with a checkpoint. While
pieces come it is also open here, so that what was staged is not read again for each of them.
Everything here blocks and is called from threads.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.local.parts import CheckpointStore
from cargo_sync.model.checkpoints import Checkpoint
from cargo_sync.model.problems import Code, LaterError, Problem, ProblemError
from cargo_sync.server.accounts.permits import Permit
from cargo_sync.server.grants.view import ViewUpload, WorkspaceView
from cargo_sync.server.refusals import unknown
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.server.workspace.incoming import Admit
from cargo_sync.server.workspace.refusals import changed
from cargo_sync.state.uploads import UploadRow, UploadRows

PIECE: Final = 8 * 2**20
"""The most bytes of a piece. A smaller file needs no second one, and is not resumed either."""
PER_USER: Final = 100
"""Unfinished uploads of one user."""
IDLE: Final = 600.0
"""Seconds after which an upload without a piece is closed. Its row and its checkpoint stay."""
PATIENCE: Final = 3.0
"""Seconds that a piece may still need when its folder is closed."""
RUN: Final = "http"

_STAYS_OPEN: Final = frozenset({Code.STALE, Code.TOO_LARGE})
"""Refusals that say nothing about the staged file."""


class WantedUpload(NamedTuple):
    """What a user begins to send. `expected` is the version that it shall replace, 0 for none."""

    path: str
    size: int
    mtime_ns: int
    expected: int


class StagedPiece(NamedTuple):
    """Bytes [start, end) of what is staged, and their SHA-256 in hex."""

    start: int
    end: int
    digest: str


class PublishedUpload(NamedTuple):
    """A file that is at its place, and whether nothing was there before."""

    held: Catalogued
    created: bool


class Uploads:
    """The unfinished uploads of all users.

    Args:
        rows: in the state.
        checkpoints: what has arrived of them.
        token: makes 32 hex digits that nobody can guess.
        steady: seconds.
    """

    def __init__(
        self,
        rows: UploadRows,
        checkpoints: CheckpointStore,
        token: Callable[[], str],
        steady: Callable[[], float],
    ) -> None:
        self._rows = rows
        self._checkpoints = checkpoints
        self._token = token
        self._open = _OpenUploads(steady)

    def begin(self, permit: Permit, wanted: WantedUpload) -> UploadRow:
        """Notes an upload, after a look at its place and at the room for it.

        Raises:
            ProblemError: `changed` or `occupied`: what is there is not `expected`; `is_a_folder`,
                `disk_full`; `permit` is revoked.
            LaterError: `busy`: the user has too many of them.
        """
        self.close_idle()
        user, access = permit.user, permit.access
        row = UploadRow(self._token(), user, access.view.id, access.name, *wanted)
        if not self._rows.add(row, PER_USER):
            message = f"{user} has {PER_USER} unfinished uploads"
            raise LaterError(Problem(Code.BUSY, message, hint="finish or delete some"), 60)
        try:
            with self._opened(row, permit, partial(_admit, row.path, wanted.expected, permit)):
                return row
        except BaseException:
            self._rows.drop(row.id)
            raise

    def row(self, user: str, id: str) -> UploadRow:
        """A user's upload.

        Raises:
            ProblemError: `unknown`; the same for that of others.
        """
        row = self._rows.get(id)
        if row is None or row.user != user:
            raise unknown("such upload")
        return row

    def of(self, user: str) -> list[tuple[UploadRow, int]]:
        """A user's uploads, the one used last first, and how many bytes of each have arrived."""
        return [(row, self.arrived(row)) for row in self._rows.of(user)]

    def arrived(self, row: UploadRow) -> int:
        """How many bytes of an upload have arrived, as far as is known without reading them."""
        upload = self._open.upload(row.id)
        return upload.offset if upload is not None else _in_order(self._checkpoints.get(row.id))

    def look(self, row: UploadRow, permit: Permit) -> tuple[int, list[StagedPiece]]:
        """Where the next piece begins, and the first and the last piece that is staged.

        After a restart what is staged is read and checked first.

        Raises:
            ProblemError: `disk_full`; `permit` is revoked.
            LaterError: `busy`: another request uses it.
        """
        with self._opened(row, permit, lambda _: permit.check()) as upload:
            done = upload.offset
            starts = sorted({0, max(0, done - PIECE)}) if done else []
            ends = [(start, min(done, start + PIECE)) for start in starts]
            return done, [StagedPiece(start, end, upload.digest(start, end)) for start, end in ends]

    def append(
        self,
        row: UploadRow,
        permit: Permit,
        offset: int,
        content: memoryview,
    ) -> int | PublishedUpload:
        """Stages the next piece, durably; after the last one the file is published.

        Returns:
            Where the next piece begins, or what was published.

        Raises:
            ProblemError: `stale`: it begins somewhere else; `too_large`; also as for `begin`.
            LaterError: `busy`: another request uses it.
        """
        self._rows.use(row.id)
        admit = partial(_admit, row.path, row.expected, permit)
        with self._opened(row, permit, admit) as upload:
            done = upload.append(offset, content)
            return done if done < row.size else self._published(row, upload)

    def expect(self, row: UploadRow, permit: Permit, expected: int) -> int | PublishedUpload:
        """Makes an upload replace another version than the one it was begun for.

        Returns:
            As `append`: one that is complete is published.

        Raises:
            ProblemError: as for `begin`.
            LaterError: `busy`: another request uses it.
        """
        row = replace(row, expected=expected)
        admit = partial(_admit, row.path, expected, permit)
        with self._opened(row, permit, admit) as upload:
            upload.check()
            self._rows.expect(row.id, expected)
            done = upload.offset
            return done if done < row.size else self._published(row, upload)

    def abandon(self, row: UploadRow, view: WorkspaceView | None) -> None:
        """Gives an upload up, with what has arrived of it.

        Without its workspace the staged file stays until the folder is tidied.

        Raises:
            ProblemError: the state cannot be written.
            LaterError: `busy`: another request uses it.
        """
        with self._open.of(row.id) as one:
            self._rows.drop(row.id)
            one.close()
            self._checkpoints.drop(row.id)
            if view is not None and view.id == row.space:
                with suppress(ProblemError):  # it is away: what is staged goes when it is back
                    view.forget_staged(row.id)

    def purge(self, before: float, most: int) -> int:
        """Forgets up to `most` uploads that nobody went on with since then; returns how many.

        Their checkpoints and staged files are of the same age, and go in the same way as those of
        lanes.
        """
        self.close_idle()
        return self._rows.purge(before, most)

    def close_idle(self) -> None:
        """Closes uploads without a piece for long: others need the room that they reserve."""
        self._open.close_idle()

    @property
    def open_now(self) -> int:
        """How many are open."""
        return len(self._open)

    def let_go(self, workspaces: Collection[Workspace]) -> None:
        """Closes the uploads into folders that are about to be closed."""
        self._open.let_go(workspaces)

    # -- within ------------------------------------------------------------------------------------

    def _published(self, row: UploadRow, upload: ViewUpload) -> PublishedUpload:
        published = PublishedUpload(*upload.publish())
        self._rows.drop(row.id)
        return published

    @contextmanager
    def _opened(self, row: UploadRow, permit: Permit, admit: Admit) -> Iterator[ViewUpload]:
        """The upload, open. It is closed after anything that may be about its staged file.

        Raises:
            ProblemError: it is of another workspace than the user has by that name now.
        """
        access, cause = permit.access, permit.cause(RUN)
        if access.view.id != row.space:
            raise unknown("such upload")
        with self._open.of(row.id) as one:
            if one.upload is not None and not one.upload.is_current:
                one.close()
            one.admit = admit
            if one.upload is None:
                one.workspace = access.whole
                what = (row.path, row.size, row.mtime_ns)
                one.upload = access.view.stage(*what, one.admits, RUN, cause, row.id)
            one.upload.sent_by(cause)
            try:
                yield one.upload
            except BaseException as error:
                code = error.problem.code if isinstance(error, ProblemError) else None
                if code not in _STAYS_OPEN:
                    one.close()
                raise
            if one.upload.published:
                one.close()


@dataclass(slots=True, eq=False)
class _OpenUpload:
    """An upload that is open, or about to be.

    used   steady seconds
    admit  of the request that uses it now
    lock   of the thread that uses it
    """

    used: float
    admit: Admit = lambda _: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    workspace: Workspace | None = None
    upload: ViewUpload | None = None

    def admits(self, held: Catalogued | None) -> None:
        """Raises ProblemError if the request may not replace this."""
        self.admit(held)

    def close(self) -> None:
        """What is recorded of it stays."""
        upload, self.upload = self.upload, None
        if upload is not None:
            upload.drop()


class _OpenUploads:
    """The uploads that are open, each for one thread at a time."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._lock = threading.Lock()
        """Of the dictionary alone."""
        self._open: dict[str, _OpenUpload] = {}

    def upload(self, id: str) -> ViewUpload | None:
        """An upload that is open, only to look at its offset."""
        one = self._open.get(id)
        return one.upload if one is not None else None

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def of(self, id: str) -> Iterator[_OpenUpload]:
        """The place of an upload; it stays if the upload is open at the end.

        Raises:
            LaterError: `busy`.
        """
        with self._lock:
            one = self._open.setdefault(id, _OpenUpload(self._steady()))
            if not one.lock.acquire(blocking=False):
                raise LaterError(Problem(Code.BUSY, "this upload is in use by another request"), 1)
        try:
            yield one
        finally:
            self._end(id, one)

    def close_idle(self) -> None:
        """Closes those without a piece for `IDLE` seconds."""
        before = self._steady() - IDLE
        self._close(lambda one: one.used < before, 0)

    def let_go(self, workspaces: Collection[Workspace]) -> None:
        """Closes those into these workspaces."""
        self._close(lambda one: one.workspace in workspaces, PATIENCE)

    def _close(self, which: Callable[[_OpenUpload], bool], patience: float) -> None:
        for id, one in list(self._open.items()):
            if which(one) and one.lock.acquire(timeout=patience):
                one.close()
                self._end(id, one)

    def _end(self, id: str, one: _OpenUpload) -> None:
        one.used = self._steady()
        with self._lock:
            if one.upload is None and self._open.get(id) is one:
                del self._open[id]
            one.lock.release()


def _admit(path: str, expected: int, permit: Permit, held: Catalogued | None) -> None:
    """Checks that an upload may still be published. Raises ProblemError if it may not."""
    permit.check()
    version = 0 if held is None else held.entry.version
    if version == expected:
        return
    if not expected:
        message = f"something is at {path!r} already"
        hint = "give its version as the expected one to replace it"
        raise ProblemError(Problem(Code.OCCUPIED, message, path, hint, retry=False))
    raise changed(path)


def _in_order(checkpoint: Checkpoint | None) -> int:
    """How many bytes of a file have arrived without a gap."""
    at = 0
    for span in checkpoint.spans if checkpoint is not None else ():
        if span.start != at:
            break
        at = span.end
    return at
