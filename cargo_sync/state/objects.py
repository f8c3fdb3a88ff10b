"""The objects in buckets that keep contents of workspaces. What lies in them: `object_contents`.

An object is being written, live, doomed, then gone; it never comes back. Its row is there before
its first byte, and for a day after it was deleted: a write that comes late may bring it again. So
what is in a bucket without a row was not made by this state, but by a newer one or a copy of it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from cargo_sync.state.bulk import Alter, InsertColumns, Select
from cargo_sync.state.database import Database

WRITING: Final = 0
LIVE: Final = 1
DOOMED: Final = 2
GONE: Final = 3
SMALL: Final = 1 << 20
"""An object of fewer bytes is a small pack; the index of these says so, too."""
_COLUMNS: Final = "id, key, bucket, workspace, size, contents, used"
_BEGIN: Final = InsertColumns(
    "bucket_object (bucket, workspace, since, server, key, size)",
    "?, ?, ?, ?, column1, column2",
    2,
    "RETURNING key, id",
)
_GIVE_UP: Final = Alter("UPDATE bucket_object SET state = 2, since = ? WHERE state = 0 AND id IN")
_RENEW: Final = "UPDATE bucket_object SET since = ? WHERE state = 0 AND server = ?"
_STALE: Final = """
SELECT id FROM bucket_object WHERE state = 0 AND since <= ? AND server <> ?
AND id NOT IN (SELECT object FROM object_upload) AND id NOT IN (SELECT tail FROM object_upload)
ORDER BY since, id LIMIT ?
"""
"""What another server may go on with goes with its transfer (`object_uploads`)."""
_DOOMED: Final = f"""
SELECT {_COLUMNS} FROM bucket_object
WHERE state = 2 AND since <= ? AND bucket = ? AND id > ? ORDER BY id LIMIT ?
"""  # noqa: S608
_SPARSE: Final = f"""
SELECT {_COLUMNS} FROM bucket_object
WHERE bucket = ? AND state = 1 AND used * 2 < size AND id > ? ORDER BY id LIMIT ?
"""  # noqa: S608
_SMALL: Final = f"""
SELECT {_COLUMNS} FROM bucket_object
WHERE workspace = ? AND bucket = ? AND state = 1 AND size < 1048576 ORDER BY id LIMIT ?
"""  # noqa: S608
_WITH_SMALL: Final = """
SELECT DISTINCT workspace FROM bucket_object WHERE bucket = ? AND state = 1 AND size < 1048576
"""
_GONE: Final = Alter("UPDATE bucket_object SET state = 3, since = ? WHERE state = 2 AND id IN")
_FORGET: Final = "DELETE FROM bucket_object WHERE state = 3 AND since <= ? AND bucket = ?"
_KNOWN: Final = Select("SELECT key, state FROM bucket_object WHERE bucket = ? AND key IN")
_BETWEEN: Final = f"""
SELECT {_COLUMNS} FROM bucket_object
WHERE bucket = ? AND state = 1 AND key > ? AND key <= ? ORDER BY key LIMIT ?
"""  # noqa: S608
_TOTALS: Final = """
SELECT count(*), coalesce(sum(size), 0), coalesce(sum(used), 0), coalesce(sum(contents), 0)
FROM bucket_object WHERE bucket = ? AND state < 3
"""
_BUCKET: Final = "SELECT id, marker, address FROM bucket WHERE marker = ?"
_AT: Final = "SELECT id, marker, address FROM bucket WHERE address = ? ORDER BY id LIMIT 1"
_USED: Final = """
SELECT id, marker, address FROM bucket
WHERE id IN (SELECT bucket FROM bucket_object WHERE state = 1) ORDER BY id
"""


class ObjectRow(NamedTuple):
    """One object.

    key       32 hex digits
    contents  how many contents lie in it, with so many bytes `used` of its `size`
    """

    id: int
    key: str
    bucket: int
    workspace: int
    size: int
    contents: int = 0
    used: int = 0


class BucketRow(NamedTuple):
    """A bucket, or a folder in one: what its marker says, and its address as it was named last."""

    id: int
    marker: str
    address: str


class BucketTotals(NamedTuple):
    """How much a bucket has: objects with their bytes, and contents in use with theirs."""

    objects: int = 0
    size: int = 0
    used: int = 0
    contents: int = 0


class Objects:
    """The objects of all workspaces. `now` is of the retention clock. Any thread may call it.

    What changes an object is one statement, which says in which state it must be. So servers that
    do this at the same time need not wait for each other.

    server  names this start of a server
    """

    def __init__(self, database: Database, server: str) -> None:
        self._database = database
        self.server = server

    # -- buckets -----------------------------------------------------------------------------------

    def bucket(self, marker: str) -> BucketRow | None:
        """The bucket with this marker; None: none of ours."""
        with self._database.read() as connection:
            found = connection.execute(_BUCKET, (marker,)).fetchone()
            return None if found is None else BucketRow(*found)

    def add_bucket(self, marker: str, address: str) -> BucketRow:
        """A bucket gets its row, or another address."""
        with self._database.apart() as connection:
            connection.execute(
                "INSERT INTO bucket (marker, address) VALUES (?, ?) "
                "ON CONFLICT (marker) DO UPDATE SET address = excluded.address",
                (marker, address),
            )
            return BucketRow(*connection.execute(_BUCKET, (marker,)).fetchone())

    def claim_bucket(self, marker: str, address: str) -> BucketRow:
        """The row of a bucket that has no marker yet: with this one, if there is no row.

        Servers that come to a new bucket at the same moment get the same row.
        """
        with self._database.transaction() as connection:
            found = connection.execute(_AT, (address,)).fetchone()
            return self.add_bucket(marker, address) if found is None else BucketRow(*found)

    def used_buckets(self) -> list[BucketRow]:
        """The buckets that have something."""
        with self._database.read() as connection:
            return [BucketRow(*row) for row in connection.execute(_USED)]

    # -- the way of an object ----------------------------------------------------------------------

    def begin(
        self, bucket: int, workspace: int, keys: Sequence[str], sizes: Sequence[int], now: float
    ) -> list[int]:
        """Objects are about to be written; returns their numbers."""
        some = _keys(keys)
        with self._database.apart() as connection:
            begun = _BEGIN(connection, [bucket, workspace, now, self.server], [some, sizes])
        ids = {bytes(key): id for key, id in begun}
        return [ids[key] for key in some]

    def give_up(self, ids: Sequence[int], since: float = 0.0) -> None:
        """In those of these of which nothing was recorded nothing ever will be.

        They go at once; with `since`, the time now, as late as those in which something was: if
        this state was restored, a newer one may have recorded something.
        """
        with self._database.apart() as connection:
            _GIVE_UP(connection, (since,), ids)

    def renew(self, now: float) -> None:
        """What this start of a server has begun is not stale: it is still being written."""
        with self._database.apart() as connection:
            connection.execute(_RENEW, (now, self.server))

    def stale(self, before: float, limit: int) -> list[int]:
        """Objects that another start of a server has begun to write by then, and not ended."""
        with self._database.read() as connection:
            return [id for (id,) in connection.execute(_STALE, (before, self.server, limit))]

    def doomed(self, bucket: int, before: float, after: int, limit: int) -> list[ObjectRow]:
        """Objects that were doomed by then, with numbers above `after`."""
        with self._database.read() as connection:
            return _rows(connection.execute(_DOOMED, (before, bucket, after, limit)))

    def gone(self, ids: Sequence[int], now: float) -> None:
        """Doomed objects are not in the bucket any more."""
        with self._database.apart() as connection:
            _GONE(connection, (now,), ids)

    def forget_gone(self, bucket: int, before: float) -> None:
        """Objects that were gone by then have not come again."""
        with self._database.apart() as connection:
            connection.execute(_FORGET, (before, bucket))

    # -- what there is -----------------------------------------------------------------------------

    def sparse(self, bucket: int, after: int, limit: int) -> list[ObjectRow]:
        """Live objects of which less than a half is in use, with numbers above `after`."""
        with self._database.read(long=True) as connection:
            return _rows(connection.execute(_SPARSE, (bucket, after, limit)))

    def with_small(self, bucket: int) -> list[int]:
        """Workspaces with small packs."""
        with self._database.read(long=True) as connection:
            return [id for (id,) in connection.execute(_WITH_SMALL, (bucket,))]

    def small(self, bucket: int, workspace: int, limit: int) -> list[ObjectRow]:
        """The oldest small packs of a workspace."""
        with self._database.read(long=True) as connection:
            return _rows(connection.execute(_SMALL, (workspace, bucket, limit)))

    def known(self, bucket: int, keys: Sequence[str]) -> dict[str, int]:
        """Those of these keys that have a row, and the state of each."""
        with self._database.read() as connection:
            found = _KNOWN(connection, [bucket], _keys(keys))
            return {key.hex(): state for key, state in found}

    def between(self, bucket: int, after: str, upto: str, limit: int) -> list[ObjectRow]:
        """Live objects with keys above `after` up to `upto`, in their order."""
        asked = (bucket, bytes.fromhex(after), bytes.fromhex(upto), limit)
        with self._database.read(long=True) as connection:
            return _rows(connection.execute(_BETWEEN, asked))

    def totals(self, bucket: int) -> BucketTotals:
        """How much there is; it looks at all rows."""
        with self._database.read(long=True) as connection:
            return BucketTotals(*map(int, connection.execute(_TOTALS, (bucket,)).fetchone()))


def _keys(keys: Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(key) for key in keys]


def _rows(found: Iterable[Sequence[Any]]) -> list[ObjectRow]:
    return [ObjectRow(id, key.hex(), *rest) for id, key, *rest in found]
