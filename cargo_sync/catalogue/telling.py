"""What one call of `record` tells the history, in the transaction that makes it true."""

from collections.abc import Sequence
from typing import Final

from cargo_sync.catalogue.rows import Row
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.history import ChangeCause, HistoryFiles, HistoryKind, ToldBatch
from cargo_sync.state.database import Statements
from cargo_sync.state.history import HistoryRows

_LIVE: Final = """
SELECT path, size, hash, version FROM entry
WHERE workspace = ? AND path >= ? AND path < ? AND changed <= ? AND deleted = 0 AND kind <> 'd'
ORDER BY path
"""


class Telling:
    """Collects what happens, kind by kind. Without `history` it tells nothing."""

    def __init__(
        self,
        connection: Statements,
        history: HistoryRows | None,
        workspace: int,
        cause: ChangeCause,
    ) -> None:
        self._connection = connection
        self._history = history
        self._workspace = workspace
        self._cause = cause
        self._displaces = cause.puts is not HistoryKind.CHANGED
        """What another program overwrites is lost; what a user replaces goes to the trash."""
        self._files: dict[HistoryKind, list[HistoryFiles]] = {}
        self._following: list[tuple[int, HistoryKind]] = []
        self._told: list[ToldBatch] = []

    def is_news(self, old: Row | None, content: str) -> bool:
        """Whether a put is told: not if only a time or a mode was set.

        Args:
            old: the row at the path; None for none.
            content: the hash of what is put, or "".
        """
        if self._cause.puts is not HistoryKind.CHANGED:
            return self._cause.puts is not None
        return old is None or not content or old[11] != content

    def came(self, files: HistoryFiles) -> None:
        """New contents."""
        if self._history is not None and self._cause.puts is not None:
            self._add(self._cause.puts, files)

    def replaced(self, row: Row, *, by_folder: bool) -> None:
        """Another content, or a folder, takes the place of what is no folder.

        Another program that writes a file anew deletes nothing that could be told.
        """
        if self._history is not None and (self._displaces or by_folder):
            self._add(self._replaced, _of(paths.from_key(row[1]), row))

    def gone(self, top: Row | None, within: tuple[bytes, bytes, int], *, replaced: bool) -> None:
        """What is below a path is gone.

        Args:
            top: the row of the path itself; None if nothing is there.
            within: (low, high, newest version) of the rows that become tombstones now.
            replaced: something else takes its place.
        """
        if self._history is None:
            return
        kind = self._replaced if replaced else HistoryKind.DELETED
        if top is not None and top[5] == FOLDER:
            self._add(kind, _of(f"{paths.from_key(top[1])}/", top))
        self._add(kind, live(self._connection, self._workspace, within))

    def follows(self, unfinished: int, *, replaced: bool) -> None:
        """The rest of a large folder is gone too; its rows are told as they are written."""
        self._following.append((unfinished, self._replaced if replaced else HistoryKind.DELETED))

    def moved(self, source: str, path: str, row: Row) -> None:
        """What `row` says was at `source`, and is at `path`."""
        if self._history is not None:
            ends = "/" if row[5] == FOLDER else ""
            moved = _of(path + ends, row)
            self._add(HistoryKind.MOVED, moved._replace(before=[source + ends]))

    def also(self, told: Sequence[ToldBatch]) -> None:
        """These are written already: the rest of folders that were gone before."""
        self._told += told

    def close(self) -> Sequence[ToldBatch]:
        """Writes all of it."""
        told = self._told
        if self._history is None:
            return told
        newest: dict[HistoryKind, int] = {}
        for kind, parts in self._files.items():
            files = HistoryFiles.joined(parts)
            told += self._history.write(self._connection, self._workspace, self._cause, kind, files)
            newest[kind] = told[-1].batch.cursor
        for unfinished, kind in self._following:
            self._connection.execute(
                "UPDATE unfinished SET told = ? WHERE id = ?", (newest.get(kind, 0), unfinished)
            )
        return told

    @property
    def _replaced(self) -> HistoryKind:
        return HistoryKind.DISPLACED if self._displaces else HistoryKind.DELETED

    def _add(self, kind: HistoryKind, files: HistoryFiles) -> None:
        if files.paths:
            self._files.setdefault(kind, []).append(files)


def live(connection: Statements, workspace: int, within: tuple[bytes, bytes, int]) -> HistoryFiles:
    """The files and links in a range of keys, up to a number of the feed: (low, high, number)."""
    found = connection.execute(_LIVE, (workspace, *within)).fetchall()
    if not found:
        return HistoryFiles([], [], [], [])
    keys, *columns = map(list, zip(*found, strict=True))
    return HistoryFiles([paths.from_key(key) for key in keys], *columns)


def _of(path: str, row: Row) -> HistoryFiles:
    return HistoryFiles([path], [row[6]], [row[11]], [row[3]])
