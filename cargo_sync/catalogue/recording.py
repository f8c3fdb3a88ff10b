"""One call of `record`: changes become rows, inside its transaction."""

from collections.abc import Sequence
from typing import Final

from cargo_sync.catalogue.contract import CatalogueMove, Gone, Put, WorkspaceRecord
from cargo_sync.catalogue.rows import SELECT, WRITE, Row, add, is_known, row_of, rows_near
from cargo_sync.catalogue.unfinished import (
    Unfinished,
    begin,
    is_gone,
    is_large,
    unfinished,
    write_early,
    write_gone,
    write_moved,
    write_part,
)
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.migrations import Statements
from cargo_sync.state.ranges import at_or_below

SEQUENCE: Final = "UPDATE workspace SET sequence = ? WHERE id = ?"

_ONE: Final = f"{SELECT} WHERE workspace = ? AND path = ?"
_ALL: Final = 2**62


class Recording:
    """One call of `record`, inside its transaction. `versions` has the results so far."""

    def __init__(
        self, connection: Statements, workspace: WorkspaceRecord, parts: Sequence[Unfinished]
    ) -> None:
        self._connection = connection
        self._parts = parts
        self._workspace = workspace.id
        self._sequence = workspace.sequence
        self.versions: list[int] = []

    def put(self, puts: Sequence[Put]) -> None:
        """Records consecutive puts.

        Folders at the beginning come alone: they may be known, and the files after them new.
        """
        folders = 0
        while folders < len(puts) and puts[folders].entry.kind == FOLDER:
            folders += 1
        for some in (puts[:folders], puts[folders:]):
            if some:
                self._put(some)

    def _put(self, puts: Sequence[Put]) -> None:
        """One read of the old rows, one write of the new ones."""
        keys = _keys([put.path for put in puts])
        self._sequence = write_early(self._connection, self._parts, self._sequence, keys)
        known = {row[1]: row for row in rows_near(self._connection, self._workspace, keys)}
        wanted = set(keys)
        if len(wanted) == len(keys) and wanted.isdisjoint(known):
            self._put_new(keys, puts)
            return
        writes: dict[bytes, Row] = {}
        for at, (key, put) in enumerate(zip(keys, puts, strict=True)):
            old = known.get(key)
            if old is not None and is_gone(old, self._parts):
                old = None
            if old is not None and old[5] == FOLDER != put.entry.kind:
                # Everything below the folder is deleted too, so the old rows must be read again.
                WRITE(self._connection, list(writes.values()))
                self._delete(put.path)
                self.put(puts[at:])
                return
            if put.fresh:
                old = None
            if old is not None and is_known(old, put):
                version, ident, content = old[3], old[4], put.entry.hash or old[11]
            else:
                version = self._sequence = self._sequence + 1
                ident = old[4] if old is not None and old[5] == put.entry.kind else version
                content = put.entry.hash
            row = row_of(self._workspace, key, put, version, ident, content)
            if row != old:
                writes[key] = known[key] = row
            self.versions.append(version)
        WRITE(self._connection, list(writes.values()))

    def _put_new(self, keys: Sequence[bytes], puts: Sequence[Put]) -> None:
        """Records puts at paths without rows, which are all different."""
        versions = range(self._sequence + 1, self._sequence + 1 + len(puts))
        self._sequence += len(puts)
        self.versions += versions
        add(self._connection, self._workspace, keys, puts, versions)

    def gone(self, change: Gone) -> None:
        key = paths.key(paths.check(change.path, reserved=True))
        self._delete(change.path)
        row = self._row(key)
        self.versions.append(row[3] if row else 0 if change.path else self._sequence)

    def move(self, change: CatalogueMove) -> None:
        source, target = paths.key(_checked(change.source)), paths.key(_checked(change.path))
        for path in (change.source, change.path):
            self._finish(*at_or_below(path))
        if (row := self._row(source)) is None or row[-1]:
            raise ProblemError(
                Problem(
                    Code.VANISHED, f"{change.source!r} does not exist any more", path=change.source
                )
            )
        if paths.is_below(change.path, change.source):
            reason = f"{change.source!r} cannot be moved to {change.path!r}, into itself"
            raise ProblemError(Problem(Code.BAD_PATH, reason, path=change.path, retry=False))
        if (row := self._row(target)) is not None and not row[-1]:
            raise ProblemError(
                Problem(Code.OCCUPIED, f"{change.path!r} already exists", path=change.path)
            )
        self.versions.append(self._sequence + 1)
        self._rewrite(at_or_below(change.source), target, change.ctime_ns)

    def close(self) -> None:
        self._connection.execute(SEQUENCE, (self._sequence, self._workspace))

    def _row(self, key: bytes) -> Row | None:
        row: Row | None = self._connection.execute(_ONE, (self._workspace, key)).fetchone()
        return row

    def _delete(self, path: str) -> None:
        low, high = at_or_below(path)
        self._finish(low, high, only_moved=True)
        self._rewrite((low, high), None, 0)

    def _rewrite(self, subtree: tuple[bytes, bytes], target: bytes | None, ctime_ns: int) -> None:
        """A subtree is at `target` now, or gone; of a large one, the rows below its top follow."""
        connection, workspace, (low, high) = self._connection, self._workspace, subtree
        upto, large = self._sequence, is_large(connection, workspace, low, high)
        if large:
            begin(connection, workspace, upto, low, target)
            self._parts = unfinished(connection, workspace)
            high = low + b"\0" if low else b""
        if target is not None:
            within, move = (low, high, upto), (low, target)
            self._sequence = write_moved(
                connection, workspace, self._sequence, within, move, ctime_ns
            )
        self._sequence = write_gone(connection, workspace, self._sequence, low, high, upto)

    def _finish(self, low: bytes, high: bytes, *, only_moved: bool = False) -> None:
        """Writes all rows of the unfinished subtrees that meet a range of keys."""
        meeting = [
            part
            for part in self._parts
            if part.meets(low, high) and (part.target is not None or not only_moved)
        ]
        for part in meeting:
            self._sequence = write_part(self._connection, part, self._sequence, _ALL)
        if meeting:
            self._parts = unfinished(self._connection, self._workspace)


def _keys(some: Sequence[str]) -> list[bytes]:
    """The keys of paths that may have rows. Raises ProblemError."""
    if "" in some:
        _checked("")
    return paths.keys(some)


def _checked(path: str) -> str:
    """Returns `path`, if it may have a row. Raises ProblemError."""
    if not path:
        raise ProblemError(
            Problem(Code.BAD_PATH, "the root of a workspace has no entry", retry=False)
        )
    return paths.check(path)
