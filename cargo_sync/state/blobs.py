"""Which contents there are, and on which nodes their copies lie.

A content has a row for each workspace that has it, and these have the same placement: a copy is a
copy for all of them, and may be deleted when none of them has it any more. Copies without an owner
are rows of the workspace `NOBODY`: found on a node that should not have them, or given up. They are
condemned for a while, then leaving: such a row is the order to delete the content on its nodes, and
goes when all of them have done it. So what is to be deleted survives a crash, and is known while a
node is away.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from cargo_sync.state import placements
from cargo_sync.state.bulk import Alter, InsertColumns, Select
from cargo_sync.state.database import Database, Statements
from cargo_sync.state.placements import Holding, Tally, placement_of

NO_LISTS: Final[Mapping[str, bytes]] = {}
NOBODY: Final = 0
"""The workspace of copies without an owner."""
LIVE: Final = 0
CONDEMNED: Final = 1
LEAVING: Final = 2
_ROW: Final = "SELECT hash, workspace, size, placement, state, since FROM blob"
_PAGE: Final = """
SELECT DISTINCT hash FROM blob WHERE hash > ? AND state < 2 AND placement = ?
ORDER BY hash LIMIT ?
"""
_RECORDED: Final = """
SELECT DISTINCT hash FROM blob WHERE hash > ? AND hash <= ? AND state < 2
    AND placement IN (SELECT id FROM placement WHERE instr(nodes, ?) > 0)
ORDER BY hash LIMIT ?
"""
_LEAVING: Final = """
SELECT hash FROM blob WHERE state = 2 AND hash > ?
    AND placement IN (SELECT id FROM placement WHERE instr(nodes, ?) > 0)
ORDER BY hash LIMIT ?
"""
_OVERDUE: Final = f"{_ROW} WHERE state = 1 AND since <= ? ORDER BY since, hash LIMIT ?"
_NOWHERE: Final = """
SELECT hash FROM blob WHERE state > 0 AND workspace = 0
    AND placement IN (SELECT id FROM placement WHERE nodes = ',') LIMIT ?
"""
_FIND: Final = Select(f"{_ROW} WHERE hash IN")
_WHERE: Final = Select("SELECT hash, placement FROM blob WHERE workspace = ? AND hash IN")
_KNOWN: Final = Select("SELECT hash, state FROM blob WHERE workspace = ? AND hash IN")
_ADD: Final = InsertColumns(
    "blob (workspace, state, since, placement, hash, size)", "?, ?, ?, ?, column1, column2", 2
)
_PLACE: Final = Alter("UPDATE blob SET placement = ? WHERE workspace = ? AND hash IN")
_JUDGE: Final = Alter("UPDATE blob SET state = ?, since = ? WHERE workspace = ? AND hash IN")
_KEEP_LIST: Final = """
UPDATE blob SET pieces = ? WHERE workspace = ? AND hash = ? AND length(pieces) = 0
"""
_LIST: Final = "SELECT pieces FROM blob WHERE workspace = ? AND hash = ?"
_DELETE: Final = Alter("DELETE FROM blob WHERE workspace = ? AND hash IN")
_LAST: Final = b"\xff" * 33
"""After every hash."""


class BlobRow(NamedTuple):
    """One content of a workspace.

    hash       64 hex digits
    placement  of its copies; `placements.SPOOL` if it lies in the spool
    state      LIVE; CONDEMNED: nothing refers to it; LEAVING: its copies are being deleted
    since      when it was condemned, by the retention clock
    """

    hash: str
    workspace: int
    size: int
    placement: int
    state: int = LIVE
    since: float = 0.0


class Blobs:
    """The contents of all workspaces. Hashes are 64 hex digits; `now` is of the retention clock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- workspaces --------------------------------------------------------------------------------

    def record(
        self,
        workspace: int,
        hashes: Sequence[str],
        sizes: Sequence[int],
        where: Sequence[int],
        lists: Mapping[str, bytes] = NO_LISTS,
    ) -> None:
        """Adds contents of a workspace; call it in the transaction that refers to them.

        A content that the workspace has already keeps its placement, which may have changed since
        `where` was said; if it was condemned, it is live again. It keeps its list of pieces, too;
        `lists` has those of large contents, by hash.
        """
        with self._database.transaction(workspace) as connection:
            given = dict(zip(hashes, zip(sizes, where, strict=True), strict=True))
            rows = self._rows(connection, hashes)
            own = {row.hash: row for row in rows if row.workspace == workspace}
            new = sorted(given.keys() - own.keys())  # in order, a row costs a fifth less
            tally = Tally()
            if new:
                for placement in sorted({given[hash][1] for hash in new}):  # there are few
                    some = [hash for hash in new if given[hash][1] == placement]
                    added = [given[hash][0] for hash in some]
                    _ADD(connection, [workspace, LIVE, 0.0, placement], [_keys(some), added])
                    placements.add(tally, placement, workspace, len(some), sum(added))
            for hash, pieces in lists.items():
                connection.execute(_KEEP_LIST, (pieces, workspace, bytes.fromhex(hash)))
            placements.count(connection, tally)
            revived = [row.hash for row in own.values() if row.state == CONDEMNED]
            _JUDGE(connection, (LIVE, 0.0, workspace), _keys(revived))
            if others := [row for row in rows if row.workspace != workspace]:
                self._join(connection, others)

    def condemn(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        """Nothing in the workspace refers to these."""
        with self._database.transaction(workspace) as connection:
            found = _KNOWN(connection, [workspace], _keys(hashes))
            _JUDGE(
                connection,
                (CONDEMNED, now, workspace),
                [key for key, state in found if state == LIVE],
            )

    def revive(self, workspace: int, hashes: Sequence[str]) -> None:
        """Something refers to these again."""
        with self._database.transaction(workspace) as connection:
            found = _KNOWN(connection, [workspace], _keys(hashes))
            _JUDGE(
                connection,
                (LIVE, 0.0, workspace),
                [key for key, state in found if state == CONDEMNED],
            )

    def doom(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        """The workspace has those of these no more that are condemned.

        Copies that nobody else has are leaving.
        """
        with self._database.transaction() as connection:
            tally = Tally()
            rows = [
                row
                for row in self._rows(connection, hashes)
                if row.workspace == workspace and row.state == CONDEMNED
            ]
            sets = placements.all_placements(connection)
            _DELETE(connection, (workspace,), _keys(row.hash for row in rows))
            for row in rows:
                placements.add(tally, row.placement, workspace, -1, -row.size)
            placements.count(connection, tally)
            self._give_up(
                connection,
                [row for row in rows if sets[row.placement]],
                lambda row: sets[row.placement],
                LEAVING,
                now,
            )

    # -- nodes -------------------------------------------------------------------------------------

    def place(self, lives: Mapping[int, int]) -> tuple[int, frozenset[int]]:
        """The number of a set of nodes.

        Args:
            lives: the nodes that have copies, each with the life of its folder then.

        Returns:
            It, and the set: without nodes whose folder has another life now.
        """
        with self._database.transaction() as connection:
            nodes = placements.living(connection, lives)
            return placement_of(connection, nodes), nodes

    def lose(self, node: int, hashes: Sequence[str]) -> None:
        """A node has no copies of these."""
        with self._database.transaction() as connection:
            self._move(connection, self._rows(connection, hashes), lambda nodes: nodes - {node})

    def give_up(self, node: int, hashes: Sequence[str], now: float) -> None:
        """A node's copies of these count no more, and are leaving."""
        with self._database.transaction() as connection:
            rows = [row for row in self._rows(connection, hashes) if row.state < LEAVING]
            self._move(connection, rows, lambda nodes: nodes - {node})
            own = frozenset({node})
            self._give_up(connection, rows, lambda _: own, LEAVING, now)

    def found(
        self, node: int, life: int, hashes: Sequence[str], sizes: Sequence[int], now: float
    ) -> None:
        """A node has copies of these, if its folder has still this life.

        What no workspace has is condemned.
        """
        with self._database.transaction() as connection:
            own = placements.living(connection, {node: life})
            if not own:
                return
            there = dict(zip(hashes, sizes, strict=True))
            rows = [
                row
                for row in self._rows(connection, hashes)
                if row.workspace != NOBODY and row.size == there[row.hash]
            ]
            self._move(connection, rows, own.union)
            for row in rows:
                there.pop(row.hash, None)
            lone = [BlobRow(hash, NOBODY, size, placements.SPOOL) for hash, size in there.items()]
            self._give_up(connection, lone, lambda _: own, CONDEMNED, now)

    def leave(self, node: int, deleted: Sequence[str], kept: Sequence[str] = ()) -> None:
        """A node has no copies of these to delete any more.

        Args:
            node: which.
            deleted: it has deleted them. Who has found them there meanwhile is wrong by now.
            kept: it has not, because other rows have them there. Those that no row has there any
                more by now are still to be deleted.
        """
        with self._database.transaction() as connection:
            sets, rows = placements.all_placements(connection), self._rows(connection, kept)
            needed = {
                row.hash for row in rows if row.state < LEAVING and node in sets[row.placement]
            }
            gone = [row for row in rows if row.state == LEAVING and row.hash in needed]
            gone += self._rows(connection, deleted)
            self._move(connection, gone, lambda nodes: nodes - {node})
            if gone:
                self.purge(sorted({row.hash for row in gone}))

    def purge(self, hashes: Sequence[str] = (), most: int = 1_000) -> bool:
        """Deletes rows of copies without an owner that no node has any more.

        Args:
            hashes: of which; none: up to `most` of all.
            most: rows.

        Returns:
            Whether there may be more.
        """
        with self._database.transaction() as connection:
            chosen = hashes or [key.hex() for (key,) in connection.execute(_NOWHERE, (most,))]
            sets, tally = placements.all_placements(connection), Tally()
            rows = [
                row
                for row in self._rows(connection, chosen)
                if row.workspace == NOBODY and not sets[row.placement]
            ]
            _DELETE(connection, (NOBODY,), _keys(row.hash for row in rows))
            for row in rows:
                placements.add(tally, row.placement, NOBODY, -1, -row.size)
            placements.count(connection, tally)
            return not hashes and len(chosen) == most

    # -- what there is -----------------------------------------------------------------------------

    def find(self, hashes: Sequence[str]) -> list[BlobRow]:
        """The rows of these contents, of all workspaces."""
        with self._database.read() as connection:
            return self._rows(connection, hashes)

    def nodes(self, workspace: int, hashes: Sequence[str]) -> list[frozenset[int] | None]:
        """The nodes that have each of these contents; None: the workspace has no row of it."""
        keys = _keys(hashes)
        with self._database.read() as connection:
            where = dict(_WHERE(connection, (workspace,), keys))
            sets = placements.all_placements(connection)
        return [sets[where[key]] if key in where else None for key in keys]

    def pieces(self, workspace: int, hash: str) -> bytes:
        """The list of a content's pieces (`local.piece_lists`); b"" if the row has none."""
        with self._database.read() as connection:
            found = connection.execute(_LIST, (workspace, bytes.fromhex(hash))).fetchone()
            return bytes(found[0]) if found is not None else b""

    def page(self, placement: int, after: str, limit: int) -> list[str]:
        """Hashes of live and condemned contents with this placement, in order.

        Args:
            placement: its number.
            after: the hash before the first; "" for the beginning.
            limit: the most hashes.
        """
        with self._database.read(long=True) as connection:
            rows = connection.execute(_PAGE, (bytes.fromhex(after), placement, limit))
            return [key.hex() for (key,) in rows]

    def recorded(self, node: int, after: str, upto: str, limit: int) -> list[str]:
        """Hashes of live and condemned contents that a node has, in order.

        `upto` is the last one; "" for the end. What moves to another placement meanwhile is not
        missed: all of it is one statement.
        """
        last = bytes.fromhex(upto) if upto else _LAST
        with self._database.read(long=True) as connection:
            rows = connection.execute(_RECORDED, (bytes.fromhex(after), last, f",{node},", limit))
            return [key.hex() for (key,) in rows]

    def leaving(self, node: int, after: str, limit: int) -> list[str]:
        """Hashes of what a node still has to delete."""
        with self._database.read() as connection:
            rows = connection.execute(_LEAVING, (bytes.fromhex(after), f",{node},", limit))
            return [key.hex() for (key,) in rows]

    def overdue(self, before: float, limit: int) -> list[BlobRow]:
        """What was condemned up to this time, the oldest first."""
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(_OVERDUE, (before, limit))]

    def placements(self) -> dict[int, frozenset[int]]:
        """The sets of nodes, by number."""
        with self._database.read() as connection:
            return placements.all_placements(connection)

    def holdings(self) -> list[Holding]:
        """How much each placement has of each workspace."""
        with self._database.read() as connection:
            return placements.holdings(connection)

    # -- in a transaction --------------------------------------------------------------------------

    def _rows(self, connection: Statements, hashes: Sequence[str]) -> list[BlobRow]:
        return [_row(row) for row in _FIND(connection, (), _keys(hashes))]

    def _join(self, connection: Statements, others: Sequence[BlobRow]) -> None:
        """What one workspace has got is also in these rows: all of them get all copies.

        Copies without an owner that were condemned have one now; those that are leaving go.
        """
        sets, joined = placements.all_placements(connection), dict[str, frozenset[int]]()
        lone = [row for row in others if row.workspace == NOBODY and row.state == CONDEMNED]
        tally = Tally()
        for row in lone:
            joined[row.hash] = sets[row.placement]
            placements.add(tally, row.placement, NOBODY, -1, -row.size)
        _DELETE(connection, (NOBODY,), _keys(row.hash for row in lone))
        placements.count(connection, tally)
        rows = [
            row
            for row in self._rows(connection, [row.hash for row in others])
            if row.workspace != NOBODY
        ]
        for row in rows:
            joined[row.hash] = joined.get(row.hash, frozenset()) | sets[row.placement]
        groups = defaultdict[frozenset[int], list[BlobRow]](list)
        for row in rows:
            groups[joined[row.hash]].append(row)
        for nodes, some in groups.items():
            self._move(connection, some, nodes.union)

    def _move(
        self,
        connection: Statements,
        rows: Iterable[BlobRow],
        change: Callable[[frozenset[int]], frozenset[int]],
    ) -> None:
        """Gives rows the placement that `change` makes of theirs."""
        sets, tally = placements.all_placements(connection), Tally()
        groups = defaultdict[tuple[int, int], list[BlobRow]](list)
        for row in rows:
            groups[row.placement, row.workspace].append(row)
        for (placement, workspace), some in groups.items():
            after = change(sets[placement])
            if after == sets[placement]:
                continue
            to = placement_of(connection, after)
            _PLACE(connection, (to, workspace), _keys(row.hash for row in some))
            size = sum(row.size for row in some)
            placements.add(tally, placement, workspace, -len(some), -size)
            placements.add(tally, to, workspace, len(some), size)
        placements.count(connection, tally)

    def _give_up(
        self,
        connection: Statements,
        some: Iterable[BlobRow],
        where: Callable[[BlobRow], frozenset[int]],
        state: int,
        now: float,
    ) -> None:
        """Adds copies without an owner; what is there of them already keeps the later state."""
        more: Mapping[str, BlobRow] = {row.hash: row for row in some}
        old = {
            row.hash: row for row in self._rows(connection, list(more)) if row.workspace == NOBODY
        }
        for hash, row in old.items():
            added = where(more[hash])
            self._move(connection, [row], added.union)
            if row.state < state:
                _JUDGE(connection, (state, now, NOBODY), _keys([hash]))
        groups = defaultdict[frozenset[int], list[BlobRow]](list)
        for hash, row in more.items():
            if hash not in old:
                groups[where(row)].append(row)
        tally = Tally()
        for nodes, new in groups.items():
            to, sizes = placement_of(connection, nodes), [row.size for row in new]
            keys = _keys(row.hash for row in new)
            _ADD(connection, [NOBODY, state, now, to], [keys, sizes])
            placements.add(tally, to, NOBODY, len(new), sum(sizes))
        placements.count(connection, tally)


def _keys(hashes: Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(hash) for hash in hashes]


def _row(row: Sequence[Any]) -> BlobRow:
    return BlobRow(row[0].hex(), *row[1:])
