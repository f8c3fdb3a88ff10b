"""One call of `record`: changes become rows, inside its transaction."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import Final

from cargo_sync.catalogue.contract import (
    CatalogueExchange,
    CatalogueMove,
    Gone,
    Put,
    PutColumns,
    Recorded,
)
from cargo_sync.catalogue.looking import LookedUp
from cargo_sync.catalogue.rows import (
    CHANGED,
    SELECT,
    WRITE,
    Row,
    add,
    is_known,
    row_of,
    rows_near,
    use_of,
    use_of_all,
)
from cargo_sync.catalogue.telling import Telling
from cargo_sync.catalogue.unfinished import (
    Unfinished,
    begin,
    is_gone,
    is_large,
    unfinished,
    use_within,
    write_early,
    write_gone,
    write_moved,
    write_part,
)
from cargo_sync.machines.own_changes import VersionRange
from cargo_sync.machines.quota import NOTHING_USED, Use
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.history import HistoryFiles
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.database import Statements
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.ranges import at_or_below

_CLOSE: Final = """
UPDATE workspace SET sequence = ?, bytes = bytes + ?, files = files + ? WHERE id = ?
RETURNING bytes, files
"""

_ONE: Final = f"{SELECT} WHERE workspace = ? AND path = ?"
_ALL: Final = 2**62
_ASIDE: Final = paths.key(f"{paths.RESERVED}/exchanged")
"""Where one of two subtrees is while they change places, inside the transaction; no entry can have
this path."""
_DROP: Final = "DELETE FROM entry WHERE workspace = ? AND path >= ? AND path < ?"


class Recording:
    """One call of `record`, inside its transaction."""

    def __init__(
        self,
        connection: Statements,
        workspace: int,
        known: LookedUp,
        parts: Sequence[Unfinished],
        telling: Telling,
        history: HistoryRows | None,
    ) -> None:
        """`known` is what was looked up of the workspace, and is as it was."""
        self._connection = connection
        self._telling = telling
        self._history = history
        self._parts = parts
        self._workspace = workspace
        self._sequence = known.sequence
        self._looked_up = known.rows
        """As long as they are as they were: those that are written are taken out."""
        self._versions: list[int] = []
        self._moved: list[VersionRange] = []
        self._grown = NOTHING_USED

    def put(self, puts: Sequence[Put]) -> None:
        """Records consecutive puts.

        Folders at the beginning come alone: they may be known, and the files after them new.
        """
        folders = 0
        while folders < len(puts) and puts[folders].entry.kind == FOLDER:
            folders += 1
        for some in (puts[:folders], puts[folders:]):
            if some:
                keys = _keys([put.path for put in some])
                known = self._known(keys)
                if known is None:
                    self._add(keys, PutColumns.of(some))
                else:
                    self._put(keys, some, known)

    def put_columns(self, puts: PutColumns) -> None:
        """Records them as `put` does."""
        keys = _keys(puts.paths)
        known = self._known(keys)
        if known is None:
            self._add(keys, puts)
        else:
            self._put(keys, puts.rows(), known)

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, Row] | None:
        """The rows with these keys, perhaps with others; None if all are new and differ."""
        self._sequence = write_early(self._connection, self._parts, self._sequence, keys)
        if not self._parts and self._looked_up.keys() >= set(keys):
            looked_up = [self._looked_up[key] for key in keys]
            known = {row[1]: row for row in looked_up if row is not None}
        else:
            known = {row[1]: row for row in rows_near(self._connection, self._workspace, keys)}
        wanted = set(keys)
        new = len(wanted) == len(keys) and wanted.isdisjoint(known)
        return None if new else known

    def _put(self, keys: Sequence[bytes], puts: Sequence[Put], known: dict[bytes, Row]) -> None:
        """One write for all; `known` are the old rows, by key."""
        writes: dict[bytes, Row] = {}
        replaced: list[Row] = []
        came: list[tuple[str, int, str, int]] = []
        for at, (key, put) in enumerate(zip(keys, puts, strict=True)):
            old = known.get(key)
            if old is not None and is_gone(old, self._parts):
                old = None
            if old is not None and old[5] == FOLDER != put.entry.kind:
                # Everything below the folder is deleted too, so the old rows must be read again.
                self._write(writes, replaced)
                self._tell(came)
                self._delete(put.path, replaced=True)
                self.put(puts[at:])
                return
            if put.fresh:
                old = None
            if old is not None and not put.anew and is_known(old, put):
                numbers, content = (old[3], old[4], old[CHANGED]), put.entry.hash or old[11]
            else:
                version = self._sequence = self._sequence + 1
                ident = old[4] if old is not None and old[5] == put.entry.kind else version
                numbers, content = (version, ident, version), put.entry.hash
                by_folder = put.entry.kind == FOLDER
                news = self._telling.is_news(old, content)
                if news and not by_folder:
                    came.append((put.path, put.entry.size, content, version))
                if old is not None and old[5] != FOLDER and (news or by_folder):
                    self._telling.replaced(old, by_folder=by_folder)
            row = row_of(self._workspace, key, put, numbers, content)
            if row != old:
                if key in known and key not in writes:
                    replaced.append(known[key])
                writes[key] = known[key] = row
            self._versions.append(numbers[0])
        self._write(writes, replaced)
        self._tell(came)

    def _write(self, writes: Mapping[bytes, Row], replaced: Sequence[Row]) -> None:
        """Writes rows by key; `replaced` are those that these paths have now."""
        rows = list(writes.values())
        self._write_over(writes)
        WRITE(self._connection, rows)
        self._grown += use_of(rows) - use_of(replaced)

    def _write_over(self, keys: Iterable[bytes]) -> None:
        """The rows with these keys are not what they were."""
        for key in keys if self._looked_up else ():
            self._looked_up.pop(key, None)

    def _tell(self, came: Sequence[tuple[str, int, str, int]]) -> None:
        if came:
            self._telling.came(HistoryFiles(*map(list, zip(*came, strict=True))))

    def _add(self, keys: Sequence[bytes], puts: PutColumns) -> None:
        """Records puts at paths without rows, which are all different."""
        versions = range(self._sequence + 1, self._sequence + 1 + len(keys))
        self._sequence += len(keys)
        self._versions += versions
        self._write_over(keys)
        add(self._connection, self._workspace, keys, puts, versions)
        entries = puts.entries
        self._grown += use_of_all(entries)
        files = HistoryFiles(puts.paths, entries.sizes, entries.hashes, versions)
        if FOLDER in entries.kinds:
            some = [kind != FOLDER for kind in entries.kinds]
            files = HistoryFiles(
                list(compress(files.paths, some)),
                list(compress(files.sizes, some)),
                list(compress(files.hashes, some)),
                list(compress(files.versions, some)),
            )
        self._telling.came(files)

    def gone(self, change: Gone) -> None:
        key = paths.key(paths.check(change.path, reserved=True))
        self._delete(change.path)
        row = self._row(key)
        self._versions.append(row[3] if row else 0 if change.path else self._sequence)

    def move(self, change: CatalogueMove) -> None:
        target = self._ready_to_move(change.source, change.path)
        row = self._there(change.source)
        if paths.is_below(change.path, change.source):
            raise _into_itself(change.source, change.path)
        if (other := self._row(target)) is not None and not other[-1]:
            raise ProblemError(
                Problem(Code.OCCUPIED, f"{change.path!r} already exists", path=change.path)
            )
        first = self._sequence + 1
        self._rewrite(at_or_below(change.source), target, change.ctime_ns)
        self._telling.moved(change.source, change.path, row)
        self._versions.append(row[3])
        self._moved.append((first, self._sequence))

    def exchange(self, change: CatalogueExchange) -> None:
        source, path = change.source, change.path
        target, row = self._ready_to_move(source, path), self._there(source)
        other = self._there(path)
        for one, top in ((source, path), (path, source)):
            if paths.is_below(one, top):
                raise _into_itself(top, one)
        first = self._sequence + 1
        aside = _ASIDE, _ASIDE + b"\x01"
        for subtree, place, ctime_ns in (
            (at_or_below(path), _ASIDE, 0),
            (at_or_below(source), target, change.ctime_ns),
            (aside, paths.key(source), change.source_ctime_ns),
        ):
            self._rewrite(subtree, place, ctime_ns, together=True)
        self._connection.execute(_DROP, (self._workspace, *aside))
        self._telling.moved(source, path, row)
        self._telling.moved(path, source, other)
        self._versions.append(row[3])
        self._moved.append((first, self._sequence))

    def close(self) -> Recorded:
        use = close(self._connection, self._workspace, self._sequence, self._grown)
        told, follows = self._telling.close(), bool(self._parts)
        return Recorded(self._versions, self._moved, use, self._grown, told, follows)

    def _ready_to_move(self, source: str, path: str) -> bytes:
        """Both subtrees have all their rows; returns the key of `path`. Raises ProblemError."""
        _checked(source)
        target = paths.key(_checked(path))
        for one in (source, path):
            self._finish(*at_or_below(one))
        return target

    def _there(self, path: str) -> Row:
        """The row of what is to be moved. Raises ProblemError if nothing is there."""
        row = self._row(paths.key(path))
        if row is None or row[-1]:
            message = f"{path!r} does not exist any more"
            raise ProblemError(Problem(Code.VANISHED, message, path=path))
        return row

    def _row(self, key: bytes) -> Row | None:
        row: Row | None = self._connection.execute(_ONE, (self._workspace, key)).fetchone()
        return row

    def _delete(self, path: str, *, replaced: bool = False) -> None:
        """Nothing is at or below a path any more; `replaced`: something else comes there."""
        low, high = at_or_below(path)
        self._finish(low, high, only_moved=True)
        self._rewrite((low, high), None, 0, replaced=replaced)

    def _rewrite(
        self,
        subtree: tuple[bytes, bytes],
        target: bytes | None,
        ctime_ns: int,
        *,
        together: bool = False,
        replaced: bool = False,
    ) -> None:
        """A subtree is at `target` now, or gone; of a large one, the rows below its top follow.

        `together`: all rows are written now. `replaced`: something else comes where it was.
        """
        self._looked_up.clear()
        connection, workspace, (low, high) = self._connection, self._workspace, subtree
        upto = self._sequence
        large = not together and is_large(connection, workspace, low, high)
        if target is None:
            top = self._row(low) if low else None
            if top is not None and is_gone(top, self._parts):
                top = None
            here = low, low + b"\0" if large else high, upto
            self._telling.gone(top, here, replaced=replaced)
        if large:
            number = begin(connection, workspace, upto, low, target)
            if target is None:
                self._telling.follows(number, replaced=replaced)
            self._parts = unfinished(connection, workspace)
            high = low + b"\0" if low else b""
        if target is not None:
            within, move = (low, high, upto), (low, target)
            self._sequence = write_moved(
                connection, workspace, self._sequence, within, move, ctime_ns
            )
        else:
            self._grown -= use_within(connection, workspace, low, high, upto)
        self._sequence = write_gone(connection, workspace, self._sequence, low, high, upto)

    def _finish(self, low: bytes, high: bytes, *, only_moved: bool = False) -> None:
        """Writes all rows of the unfinished subtrees that meet a range of keys."""
        meeting = [
            part
            for part in self._parts
            if part.meets(low, high) and (part.target is not None or not only_moved)
        ]
        self._looked_up.clear()
        for part in meeting:
            written = write_part(self._connection, part, self._sequence, _ALL, self._history)
            self._sequence = written.sequence
            self._grown -= written.gone
            self._telling.also(written.told)
        if meeting:
            self._parts = unfinished(self._connection, self._workspace)


def close(connection: Statements, workspace: int, sequence: int, grown: Use) -> Use:
    """Writes the sequence that changes have reached, and what they added; returns all there is."""
    row = (sequence, grown.bytes, grown.files, workspace)
    [now] = connection.execute(_CLOSE, row).fetchall()
    return Use(*now)


def _into_itself(source: str, path: str) -> ProblemError:
    reason = f"{source!r} cannot be moved to {path!r}, into itself"
    return ProblemError(Problem(Code.BAD_PATH, reason, path=path, retry=False))


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
