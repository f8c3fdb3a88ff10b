"""Changes to one listing column of many folders: each folder is decoded and encoded once.

Changes are applied in the given order: a folder that went and came back is empty in between. A
listing stays in its columns: for a folder of 100,000 files, building one value per entry anew for
every batch would cost three times as much.
"""

from bisect import bisect_left, insort
from typing import Any, Final, NamedTuple

import orjson

from cargo_sync.model import paths
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.migrations import Statements
from cargo_sync.state.ranges import at_or_below

_NAME: Final = 0
_KIND: Final = 1
_SIZE: Final = 2
"""Positions of these fields in both Entry and Agreed."""

FOLDER_MAX: Final = 500_000
"""Entries directly in one folder of a server: it is read as a whole, which takes 1 KB for each."""


class Column(NamedTuple):
    """The statements of one listing column.

    select      job, path -> blob
    upsert      job, path, blob; and files, bytes when they are counted
    clear       job, low, high
    kept_empty  whether a folder without rows is known to be empty (`[]`) rather than unknown (NULL)
    counted     whether the number of files and their bytes are kept beside it
    most        how many rows one folder may have; None for no limit
    """

    select: str
    upsert: str
    clear: str
    kept_empty: bool
    counted: bool
    most: int | None = None


FAR: Final = Column(
    "SELECT far FROM folder WHERE job = ? AND path = ?",
    "INSERT INTO folder (job, path, far) VALUES (?1, ?2, ?3) ON CONFLICT (job, path) DO UPDATE "
    "SET far = excluded.far, settled = 0, revision = revision + 1",
    "UPDATE folder SET far = NULL, settled = 0, revision = revision + 1 "
    "WHERE job = ? AND path >= ? AND path < ? AND far IS NOT NULL",
    kept_empty=True,
    counted=False,
    most=FOLDER_MAX,
)

BASE: Final = Column(
    "SELECT base FROM folder WHERE job = ? AND path = ?",
    "INSERT INTO folder (job, path, base, files, bytes) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (job, path) DO UPDATE SET base = excluded.base, files = excluded.files, "
    "bytes = excluded.bytes, settled = 0, revision = revision + 1",
    "UPDATE folder SET base = NULL, files = 0, bytes = 0, settled = 0, revision = revision + 1 "
    "WHERE job = ? AND path >= ? AND path < ? AND base IS NOT NULL",
    kept_empty=False,
    counted=True,
)


class _Listing:
    """A folder's listing as it was read, and its changes.

    It is JSON, one array per column, sorted by name (model.entries, model.agreed); `[]` when it is
    empty.
    """

    def __init__(self, found: bytes | None) -> None:
        self.found = found
        self._columns: list[list[Any]] = orjson.loads(found) if found else []
        self._names: list[str] = self._columns[_NAME] if self._columns else []
        self._changes: dict[str, Entry | Agreed | None] = {}

    def change(self, name: str, item: Entry | Agreed | None) -> bool:
        """Puts `item` at `name`, None to delete; returns whether a folder was there."""
        if name in self._changes:
            before = self._changes[name]
            was_folder = before is not None and before.kind == FOLDER
        else:
            at = self._at(name)
            was_folder = at is not None and self._columns[_KIND][at] == FOLDER
        self._changes[name] = item
        return was_folder

    def columns(self) -> list[list[Any]]:
        """The columns with the changes; call it only once."""
        gone: set[int] = set()
        new: list[Entry | Agreed] = []
        for name, item in self._changes.items():
            at = self._at(name)
            if at is None:
                new += [item] if item else []
            elif item is None:
                gone.add(at)
            else:
                for column, value in zip(self._columns, item, strict=True):
                    column[at] = value
        new.sort()
        return self._merged(gone, new) if gone or new else self._columns

    def _merged(self, gone: set[int], new: list[Entry | Agreed]) -> list[list[Any]]:
        last = self._names[-1] if self._names else ""
        columns = self._columns or [[] for _ in new[0]]
        for column, values in zip(columns, zip(*new, strict=True), strict=False):
            column.extend(values)
        if gone or new[0].name < last:
            names = columns[_NAME]
            order = sorted(
                (at for at in range(len(names)) if at not in gone), key=names.__getitem__
            )
            columns = [[column[at] for at in order] for column in columns]
        return columns if columns[_NAME] else []

    def _at(self, name: str) -> int | None:
        at = bisect_left(self._names, name)
        return at if at < len(self._names) and self._names[at] == name else None


class ColumnDeltas:
    """One column of one job's folders, inside an open transaction, until `write`."""

    def __init__(self, connection: Statements, job: int, column: Column) -> None:
        self._connection = connection
        self._job = job
        self._column = column
        self._open: dict[bytes, _Listing] = {}
        self._order: list[bytes] = []
        self._made: set[bytes] = set()

    def put(self, path: str, item: Entry | Agreed) -> None:
        """`item` is now at `path`.

        Raises:
            ProblemError: `bad_path`, when the item has another name than the path.
        """
        if item.name != paths.name(path) or not path:
            reason = f"the path {path!r} came with the name {item.name!r}"
            raise ProblemError(Problem(Code.BAD_PATH, reason, path=path, retry=False))
        was_folder = self._folder(paths.parent(path)).change(item.name, item)
        if was_folder and item.kind != FOLDER:
            self._clear(path)
        elif item.kind == FOLDER and not was_folder and self._column.kept_empty:
            self._made.add(paths.key(path))
            self._folder(path)

    def drop(self, path: str) -> None:
        """Nothing is at `path` any more, nor below it."""
        if self._folder(paths.parent(path)).change(paths.name(path), None):
            self._clear(path)

    def write(self) -> None:
        """Writes the folders that have changed.

        Raises:
            ProblemError: `too_large`, for a folder with too many entries.
        """
        for key in self._order:
            found, columns = self._open[key].found, self._open[key].columns()
            if columns and self._column.most is not None:
                _check_size(key, len(columns[_NAME]), self._column.most)
            blob: bytes | None = None
            if columns or (self._column.kept_empty and (found is not None or key in self._made)):
                blob = orjson.dumps(columns)
            if blob != found:
                written: tuple[object, ...] = (self._job, key, blob)
                if self._column.counted:
                    files, size = (
                        (columns[_KIND].count(FILE), sum(columns[_SIZE])) if columns else (0, 0)
                    )
                    written += (files, size)
                self._connection.execute(self._column.upsert, written)

    def _folder(self, path: str) -> _Listing:
        key = paths.key(path)
        folder = self._open.get(key)
        if folder is None:
            row = self._connection.execute(self._column.select, (self._job, key)).fetchone()
            folder = self._open[key] = _Listing(row[0] if row else None)
            insort(self._order, key)
        return folder

    def _clear(self, path: str) -> None:
        low, high = at_or_below(path)
        start, end = bisect_left(self._order, low), bisect_left(self._order, high)
        for key in self._order[start:end]:
            del self._open[key]
        self._made.difference_update(self._order[start:end])
        del self._order[start:end]
        self._connection.execute(self._column.clear, (self._job, low, high))


def _check_size(key: bytes, count: int, most: int) -> None:
    if count > most:
        path = paths.from_key(key)
        raise ProblemError(
            Problem(
                Code.TOO_LARGE,
                f"the server lists more than {most:,} entries in the folder {path!r}",
                path,
                hint="spread them over several folders, or set the job's remote_dir to another one",
            )
        )
