"""The contents of workspaces in buckets, and in which object each lies (`objects`).

What is recorded makes its object live, in the same transaction. When nothing of an object is
recorded any more, it is doomed. So a content that has a row can be read, whatever happens here.

What a bucket has lost nevertheless is noted as lost, and lies elsewhere once it comes again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.bulk import Alter, InsertColumns, Select
from cargo_sync.state.database import Database, Statements

START_BITS: Final = 24
"""A placement is the number of an object, then so many bits of where the content begins in it."""
LIVE: Final = 0
CONDEMNED: Final = 1
LOST: Final = 2
"""Something refers to it, but the bucket did not have it when it was asked."""
_ADD: Final = InsertColumns(
    "object_content (workspace, hash, size, object, start, pieces)",
    "?, column1, column2, column3, column4, column5",
    5,
    "ON CONFLICT (workspace, hash) DO NOTHING RETURNING hash, object, size",
)
_STATES: Final = Select("SELECT hash, state FROM object_content WHERE workspace = ? AND hash IN")
_JUDGE: Final = Alter(
    "UPDATE object_content SET state = ?, since = ? WHERE workspace = ? AND state = ? AND hash IN"
)
_CONDEMN: Final = Alter(
    "UPDATE object_content SET state = 1, since = ? WHERE workspace = ? AND state <> 1 AND hash IN"
)
_MARK_LOST: Final = """
UPDATE object_content SET state = 2 WHERE workspace = ? AND hash = ? AND state = 0
"""
_OF_STATE: Final = Select(
    "SELECT hash, size, object FROM object_content WHERE workspace = ? AND state = ? AND hash IN"
)
_DELETE: Final = Alter("DELETE FROM object_content WHERE workspace = ? AND hash IN")
_WHERE: Final = Select(
    "SELECT c.hash, c.size, c.start, o.id, o.key, o.bucket FROM object_content AS c "
    "JOIN bucket_object AS o ON o.id = c.object WHERE c.workspace = ? AND c.hash IN"
)
_IN_OBJECT: Final = """
SELECT hash, size, start FROM object_content WHERE object = ? AND workspace = ? ORDER BY start
"""
_MOVE: Final = """
UPDATE object_content SET object = ?, start = ? WHERE workspace = ? AND hash = ? AND object = ?
"""
_GAIN: Final = """
UPDATE bucket_object SET state = 1, contents = contents + ?, used = used + ?
WHERE id = ? AND workspace = ? AND state < 2
"""
_LOSE: Final = "UPDATE bucket_object SET contents = contents - ?, used = used - ? WHERE id = ?"
_DOOM: Final = Alter(
    "UPDATE bucket_object SET state = 2, since = ? WHERE state = 1 AND contents = 0 AND id IN"
)
_NOT_CONDEMNED: Final = """
SELECT hash FROM object_content
WHERE workspace = ? AND state <> 1 AND hash > ? ORDER BY hash LIMIT ?
"""
_OVERDUE: Final = """
SELECT hash FROM object_content
WHERE workspace = ? AND state = 1 AND since <= ? AND hash > ? ORDER BY hash LIMIT ?
"""


class ContentPlace(NamedTuple):
    """Where a content lies: in an object of a bucket, from byte `start` on."""

    hash: str
    size: int
    start: int
    object: int
    key: str
    bucket: int


class ContentMove(NamedTuple):
    """A content that lies in another object, too: from the one to the other, where it begins."""

    hash: str
    size: int
    source: int
    target: int
    start: int


def placement_of(object: int, start: int) -> int:
    """The placement of a content in an object (`stores.contract.Secured`)."""
    return object << START_BITS | start


class ObjectContents:
    """The contents of all workspaces. Hashes are 64 hex digits; `now` is of the retention clock.

    `lived` reads that clock.
    """

    def __init__(self, database: Database, lived: Callable[[], float]) -> None:
        self._database = database
        self._lived = lived

    # -- as what a workspace refers to (`server.workspace.content.tree.ContentRows`) ---------------

    def record(
        self,
        workspace: int,
        hashes: Sequence[str],
        sizes: Sequence[int],
        where: Sequence[int],
        lists: Mapping[str, bytes],
    ) -> None:
        """Adds contents of a workspace; call it in the transaction that refers to them.

        A content that the workspace has already keeps its place; if it was condemned, it is live
        again. What came double is in use nowhere. But a content that was lost lies where it came.

        Raises:
            ProblemError: an object was given up meanwhile. It is sent again.
        """
        with self._database.transaction(workspace) as connection:
            rows = {
                bytes.fromhex(hash): (size, *_placed(place), lists.get(hash, b""))
                for hash, size, place in zip(hashes, sizes, where, strict=True)
            }
            added = self._add(connection, workspace, rows)
            if len(added) < len(rows):
                there = rows.keys() - {hash for hash, _, _ in added}
                own = dict(_STATES(connection, [workspace], sorted(there)))
                back = [hash for hash, state in own.items() if state == CONDEMNED]
                _JUDGE(connection, (LIVE, 0.0, workspace, CONDEMNED), back)
                if lost := [hash for hash, state in own.items() if state == LOST]:
                    old = list(_OF_STATE(connection, [workspace, LOST], lost))
                    _DELETE(connection, [workspace], lost)
                    self._lose(connection, [(row[2], row[1]) for row in old], self._lived())
                    added += self._add(connection, workspace, {hash: rows[hash] for hash in lost})
            counts, bytes_in = Counter[int](), Counter[int]()
            for _, object, size in added:
                counts[object] += 1
                bytes_in[object] += size
            for object in sorted(counts):
                self._gain(connection, workspace, object, counts[object], bytes_in[object])

    def safe(self, workspace: int, hashes: Sequence[str]) -> set[str]:
        """Those of these contents that the workspace has, and that are not condemned."""
        with self._database.read() as connection:
            found = _STATES(connection, [workspace], _keys(hashes))
            return {hash.hex() for hash, state in found if state == LIVE}

    def size(self, workspace: int) -> int:
        """Bytes of the contents of a workspace."""
        with self._database.read(long=True) as connection:
            [size] = connection.execute(
                "SELECT coalesce(sum(used), 0) FROM bucket_object WHERE workspace = ?", (workspace,)
            ).fetchone()
            return int(size)

    def revive(self, workspace: int, hashes: Sequence[str]) -> None:
        """Something refers to these again."""
        with self._database.transaction(workspace) as connection:
            _JUDGE(connection, (LIVE, 0.0, workspace, CONDEMNED), _keys(hashes))

    def condemn(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        """Nothing in the workspace refers to these."""
        with self._database.transaction(workspace) as connection:
            _CONDEMN(connection, (now, workspace), _keys(hashes))

    # -- as what a sweep asks (`server.workspace.content.sweep.OwnedContents`) ---------------------

    def live(self, workspace: int, after: str, limit: int) -> list[str]:
        """Up to `limit` hashes, greater than `after`, of contents that are not condemned."""
        with self._database.read(long=True) as connection:
            rows = connection.execute(_NOT_CONDEMNED, (workspace, bytes.fromhex(after), limit))
            return [key.hex() for (key,) in rows]

    def condemned(self, workspace: int, before: float, after: str, limit: int) -> list[str]:
        """The same of contents that were condemned by then, and nothing refers to since."""
        with self._database.read(long=True) as connection:
            rows = connection.execute(_OVERDUE, (workspace, before, bytes.fromhex(after), limit))
            return [key.hex() for (key,) in rows]

    def count(self, workspace: int) -> int:
        """How many contents a workspace has."""
        with self._database.read(long=True) as connection:
            [count] = connection.execute(
                "SELECT coalesce(sum(contents), 0) FROM bucket_object WHERE workspace = ?",
                (workspace,),
            ).fetchone()
            return int(count)

    # -- for the store -----------------------------------------------------------------------------

    def forget(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        """The workspace has those of these no more that are condemned.

        Objects in which nothing is left are doomed.
        """
        with self._database.transaction(workspace) as connection:
            rows = list(_OF_STATE(connection, [workspace, CONDEMNED], _keys(hashes)))
            _DELETE(connection, [workspace], [row[0] for row in rows])
            self._lose(connection, [(object, size) for _, size, object in rows], now)

    def lost(self, workspace: int, hashes: Sequence[str]) -> None:
        """The bucket has not what was stored of these.

        They keep their places, where they may be again; if they come before, they lie there.
        """
        with self._database.apart() as connection:
            for key in _keys(hashes):  # one by one: nobody waits for it in a circle
                connection.execute(_MARK_LOST, (workspace, key))

    def where(self, workspace: int, hashes: Sequence[str]) -> dict[str, ContentPlace]:
        """Where contents of a workspace lie; nothing of what it has not."""
        with self._database.read(single=True) as connection:
            found = _WHERE(connection, [workspace], _keys(hashes))
            return {
                hash.hex(): ContentPlace(hash.hex(), size, start, object, key.hex(), bucket)
                for hash, size, start, object, key, bucket in found
            }

    def pieces(self, workspace: int, hash: str) -> bytes:
        """The list of a content's pieces (`local.piece_lists`); b"" if the row has none."""
        with self._database.read(single=True) as connection:
            found = connection.execute(
                "SELECT pieces FROM object_content WHERE workspace = ? AND hash = ?",
                (workspace, bytes.fromhex(hash)),
            ).fetchone()
            return bytes(found[0]) if found is not None else b""

    def within(self, workspace: int, object: int) -> list[tuple[str, int, int]]:
        """The contents in an object: hash, size and where each begins, in this order."""
        with self._database.read() as connection:
            rows = connection.execute(_IN_OBJECT, (object, workspace))
            return [(hash.hex(), size, start) for hash, size, start in rows]

    def move(self, workspace: int, moves: Sequence[ContentMove], now: float) -> None:
        """Contents lie elsewhere from now on; objects in which nothing is left are doomed.

        What has another place meanwhile, or none, stays as it is.

        Raises:
            ProblemError: an object was given up meanwhile; nothing has moved.
        """
        with self._database.transaction(workspace) as connection:
            lost = list[tuple[int, int]]()
            gained = defaultdict[int, list[int]](list)
            for hash, size, source, target, start in moves:
                key = bytes.fromhex(hash)
                done = connection.execute(_MOVE, (target, start, workspace, key, source))
                if done.rowcount:
                    lost.append((source, size))
                    gained[target].append(size)
            for target, sizes in sorted(gained.items()):
                self._gain(connection, workspace, target, len(sizes), sum(sizes))
            self._lose(connection, lost, now)

    # -- in a transaction --------------------------------------------------------------------------

    def _add(
        self,
        connection: Statements,
        workspace: int,
        rows: Mapping[bytes, tuple[int, int, int, bytes]],
    ) -> list[tuple[bytes, int, int]]:
        """Adds those of these contents that are not there: (hash, object, size) of each.

        Args:
            connection: in a transaction.
            workspace: whose they are.
            rows: by hash: (size, object, start, list of its pieces).
        """
        if not rows:
            return []
        ordered = [(hash, *rows[hash]) for hash in sorted(rows)]
        found = _ADD(connection, [workspace], list(zip(*ordered, strict=True)))
        return [(bytes(hash), object, size) for hash, object, size in found]

    def _gain(
        self, connection: Statements, workspace: int, object: int, count: int, size: int
    ) -> None:
        if not connection.execute(_GAIN, (count, size, object, workspace)).rowcount:
            message = "the object with this file was given up before the file was recorded"
            raise ProblemError(Problem(Code.STORE_FAILED, message, hint="it is sent again"))

    def _lose(self, connection: Statements, some: Iterable[tuple[int, int]], now: float) -> None:
        counts, sizes = Counter[int](), Counter[int]()
        for object, size in some:
            counts[object] += 1
            sizes[object] += size
        for object in sorted(counts):
            connection.execute(_LOSE, (counts[object], sizes[object], object))
        _DOOM(connection, (now,), sorted(counts))


def _placed(placement: int) -> tuple[int, int]:
    """The object, and where a content begins in it; see `placement_of`."""
    return placement >> START_BITS, placement & ((1 << START_BITS) - 1)


def _keys(hashes: Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(hash) for hash in hashes]
