"""Changes to one listing column of many folders: each part of one is decoded and encoded once.

Changes are applied in the given order: a folder that went and came back is empty in between. A
listing stays in its columns: building one value per entry anew for every batch would cost three
times as much.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import lt
from typing import Any, Final, NamedTuple

import orjson

from cargo_sync.model import paths
from cargo_sync.model.agreed import Agreed, AgreedColumns
from cargo_sync.model.entries import FOLDER, Entry, PlacedEntries
from cargo_sync.model.large_folders import LONGEST
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.plan.moves import is_worth_it
from cargo_sync.state import parts
from cargo_sync.state.database import Statements
from cargo_sync.state.idents import BaseIdents
from cargo_sync.state.ranges import at_or_below

OPEN: Final = 2**21
"""Bytes of listings that are open at once: they need ten times as much while they are."""
_NAME: Final = 0
_KIND: Final = 1
_SIZE: Final = 2
"""Positions of these fields in both Entry and Agreed."""


class Column(NamedTuple):
    """The statements of one listing column.

    select      job, path -> blob
    upsert      job, path, blob; and files, bytes when they are counted
    clear       job, low, high
    make        job, path: a folder of which nothing was known is known to be empty (`[]`); "" if
                the column does not tell this from NULL
    counted     whether the number of files and their bytes are kept beside it
    """

    select: str
    upsert: str
    clear: str
    make: str
    counted: bool


NEAR: Final = Column(
    "SELECT near FROM folder WHERE job = ? AND path = ?",
    "INSERT INTO folder (job, path, near) VALUES (?1, ?2, ?3) ON CONFLICT (job, path) DO UPDATE "
    "SET near = excluded.near, settled = 0, revision = revision + 1",
    "UPDATE folder SET near = NULL, settled = 0, revision = revision + 1 "
    "WHERE job = ? AND path >= ? AND path < ? AND near IS NOT NULL",
    "INSERT INTO folder (job, path, near) VALUES (?, ?, CAST('[]' AS BLOB)) "
    "ON CONFLICT (job, path) DO UPDATE SET near = excluded.near, settled = 0, "
    "revision = revision + 1 WHERE near IS NULL",
    counted=False,
)

FAR: Final = Column(
    "SELECT far FROM folder WHERE job = ? AND path = ?",
    "INSERT INTO folder (job, path, far) VALUES (?1, ?2, ?3) ON CONFLICT (job, path) DO UPDATE "
    "SET far = excluded.far, settled = 0, revision = revision + 1",
    "UPDATE folder SET far = NULL, settled = 0, revision = revision + 1 "
    "WHERE job = ? AND path >= ? AND path < ? AND far IS NOT NULL",
    "INSERT INTO folder (job, path, far) VALUES (?, ?, CAST('[]' AS BLOB)) "
    "ON CONFLICT (job, path) DO UPDATE SET far = excluded.far, settled = 0, "
    "revision = revision + 1 WHERE far IS NULL",
    counted=False,
)

BASE: Final = Column(
    "SELECT base FROM folder WHERE job = ? AND path = ?",
    "INSERT INTO folder (job, path, base, files, bytes) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (job, path) DO UPDATE SET base = excluded.base, files = excluded.files, "
    "bytes = excluded.bytes, settled = 0, revision = revision + 1",
    "UPDATE folder SET base = NULL, files = 0, bytes = 0, settled = 0, revision = revision + 1 "
    "WHERE job = ? AND path >= ? AND path < ? AND base IS NOT NULL",
    "",
    counted=True,
)


class _Listing:
    """The listing of a part of a folder as it was read, and its changes.

    It is JSON, one array per column, sorted by name (model.entries, model.agreed); `[]` when it is
    empty.
    """

    def __init__(self, found: bytes | None) -> None:
        self.found = found
        self._columns: list[list[Any]]
        self._names: list[str]
        self._set(orjson.loads(found) if found else [])
        self._changes: dict[str, Entry | Agreed | None] = {}

    def change(self, name: str, item: Entry | Agreed | None) -> tuple[str, int]:
        """Puts `item` at `name`, None to delete; returns what kind and size was there."""
        before = "", 0
        if name in self._changes:
            if known := self._changes[name]:
                before = known.kind, known.size
        elif (at := self._at(name)) is not None:
            before = self._columns[_KIND][at], self._columns[_SIZE][at]
        self._changes[name] = item
        return before

    def assign(self, name: str, column: int, value: Any) -> None:
        """Gives `name`, if it was there before all changes, this value in one column."""
        if (at := self._at(name)) is not None:
            self._columns[column][at] = value

    def add(self, columns: Sequence[Sequence[Any]]) -> bool:
        """Adds names, in their order, that are not there yet.

        Returns:
            False if some are there, or changes were made before; then nothing is added.
        """
        names, known = columns[_NAME], self._names
        after = not known or known[-1] < names[0]
        if self._changes or not (after or set(names).isdisjoint(known)):
            return False
        if not known:
            self._set([list(column) for column in columns])
            return True
        for column, values in zip(self._columns, columns, strict=True):
            column.extend(values)
        if not after:
            order = sorted(range(len(known)), key=known.__getitem__)
            self._set([[column[at] for at in order] for column in self._columns])
        return True

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

    def _set(self, columns: list[list[Any]]) -> None:
        self._columns, self._names = columns, columns[_NAME] if columns else []

    def _at(self, name: str) -> int | None:
        at = bisect_left(self._names, name)
        return at if at < len(self._names) and self._names[at] == name else None


class ColumnDeltas:
    """One column of one job's folders, inside an open transaction, until `write`.

    Only so many listings are open at once: if changes are in many folders, they are written in
    between.
    """

    def __init__(self, connection: Statements, job: int, column: Column) -> None:
        self._connection = connection
        self._job = job
        self._column = column
        self._open: dict[bytes, _Listing] = {}
        self._size = 0
        """Of what is open."""
        self._long: set[bytes] = set()
        """The keys of parts with very many names that were written in between."""
        self._order: list[bytes] = []
        """The keys of both what is open and what is made."""
        self._firsts: dict[str, list[str]] = {}
        """Of folders, the first names of all parts but the first."""
        self._made: set[bytes] = set()
        """Folders that are there now. What is known of them is not read: they may be many."""
        self._idents = BaseIdents(connection, job) if column is BASE else None
        self._recent: tuple[str | None, _Listing] = (None, _Listing(None))
        """The folder of the last change, if it has one part: the next is often in the same one."""

    def put(self, path: str, item: Entry | Agreed) -> None:
        """`item` is now at `path`.

        Raises:
            ProblemError: `bad_path`, when the item has another name than the path.
        """
        folder, _, name = path.rpartition("/")
        if item.name != name or not path:
            reason = f"the path {path!r} came with the name {item.name!r}"
            raise ProblemError(Problem(Code.BAD_PATH, reason, path=path, retry=False))
        was_folder = self._part(folder, name).change(name, item)[0] == FOLDER
        if was_folder and item.kind != FOLDER:
            self._clear(path)
        elif item.kind == FOLDER and not was_folder and self._column.make:
            key = parts.key_of(path)
            self._note(key)
            self._made.add(key)
        if self._idents is not None and isinstance(item, Agreed):
            self._idents.put(path, item)

    def assign(self, path: str, field: str, value: int) -> None:
        """Gives the agreement about `path`, if there is one, this value in one of its fields."""
        listing = self._part(paths.parent(path), paths.name(path))
        listing.assign(paths.name(path), Agreed._fields.index(field), value)

    def put_files(self, files: Sequence[str], agreed: AgreedColumns) -> None:
        """Like `put`, for the agreements about many files with these paths."""
        if self._idents is not None:
            self._idents.put_files(files, agreed)
        self._put_all(files, agreed.columns(), Agreed._make)

    def put_entries(self, found: PlacedEntries) -> None:
        """Like `put`, for many entries with usable paths."""
        self._put_all(found.paths, found.entries.columns(), Entry._make)

    def _put_all(
        self,
        places: Sequence[str],
        columns: Sequence[Sequence[Any]],
        make: Callable[[Iterable[Any]], Entry | Agreed],
    ) -> None:
        """Puts what has these columns, one folder after the other."""
        start = 0
        for folder, run in groupby(places, paths.parent):
            end = start + len(list(run))
            for listing, low, high in self._cut(folder, columns[_NAME][start:end]):
                within = slice(start + low, start + high)
                some = [column[within] for column in columns]
                if listing is None or FOLDER in some[_KIND] or not listing.add(some):
                    for path, item in zip(
                        places[within], map(make, zip(*some, strict=True)), strict=True
                    ):
                        self.put(path, item)
            start = end

    def drop(self, path: str) -> None:
        """Nothing is at `path` any more, nor below it."""
        name = paths.name(path)
        kind, size = self._part(paths.parent(path), name).change(name, None)
        if kind == FOLDER:
            self._clear(path)
        elif self._idents is not None and is_worth_it(kind, size):
            self._idents.drop(path)

    def write(self, *, cut: bool = False) -> None:
        """Writes what has changed. Call it once.

        Args:
            cut: parts with very many names are cut. While a run plans, they are not: it would plan
                the new part again.
        """
        if self._idents is not None:
            self._idents.write()
        self._write_open()
        for key in sorted(self._long) if cut else ():
            parts.split(self._connection, self._job, key)

    def _write_open(self) -> None:
        """Writes what is open or made, and closes it."""
        for key in self._order:
            listing = self._open.get(key)
            if listing is None:
                self._connection.execute(self._column.make, (self._job, key))
                continue
            found, columns = listing.found, listing.columns()
            blob: bytes | None = None
            if columns or (self._column.make and (found is not None or key in self._made)):
                blob = orjson.dumps(columns)
            if blob != found:
                written: tuple[object, ...] = (self._job, key, blob)
                if self._column.counted:
                    written += parts.counted(columns)
                self._connection.execute(self._column.upsert, written)
                self._long.discard(key)
                if columns and len(columns[_NAME]) > LONGEST:
                    self._long.add(key)
        self._open.clear()
        self._order.clear()
        self._made.clear()
        self._recent = None, _Listing(None)
        self._size = 0

    def _cut(self, folder: str, names: Sequence[str]) -> Iterator[tuple[_Listing | None, int, int]]:
        """The parts of a folder in which names are, and which of them are in it: [start, end).

        None for a part if the names are not in order: then they must be put one by one.
        """
        if not all(map(lt, names, names[1:])):
            yield None, 0, len(names)
            return
        firsts = self._first_names(folder)
        cuts = [0, *(bisect_left(names, first) for first in firsts), len(names)]
        for first, start, end in zip(["", *firsts], cuts, cuts[1:], strict=False):
            if start < end:
                yield self._listing(parts.key_of(folder, first)), start, end

    def _first_names(self, folder: str) -> list[str]:
        """Those of all parts but the first."""
        firsts = self._firsts.get(folder)
        if firsts is None:
            firsts = self._firsts[folder] = parts.firsts(self._connection, self._job, folder)
        return firsts

    def _part(self, folder: str, name: str) -> _Listing:
        """The part of a folder in which `name` is, or would be."""
        if folder == self._recent[0]:
            return self._recent[1]
        firsts = self._first_names(folder)
        at = bisect_right(firsts, name)
        listing = self._listing(parts.key_of(folder, firsts[at - 1] if at else ""))
        if not firsts:
            self._recent = folder, listing
        return listing

    def _listing(self, key: bytes) -> _Listing:
        listing = self._open.get(key)
        if listing is None:
            if self._size > OPEN:
                self._write_open()
            row = self._connection.execute(self._column.select, (self._job, key)).fetchone()
            self._note(key)
            listing = self._open[key] = _Listing(row[0] if row else None)
            self._size += len(listing.found or b"")
        return listing

    def _note(self, key: bytes) -> None:
        if key not in self._open and key not in self._made:
            insort(self._order, key)

    def _clear(self, path: str) -> None:
        if self._idents is not None:
            self._idents.drop(path)
        self._recent = None, _Listing(None)
        low, high = at_or_below(path)
        self._long = {key for key in self._long if not low <= key < high}
        start, end = bisect_left(self._order, low), bisect_left(self._order, high)
        for key in self._order[start:end]:
            self._open.pop(key, None)
        self._made.difference_update(self._order[start:end])
        del self._order[start:end]
        self._connection.execute(self._column.clear, (self._job, low, high))
