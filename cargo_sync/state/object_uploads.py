"""Large files on their way into buckets (`objects`): another server goes on with what has come.

One server has a transfer. All that it writes of it says under which epoch it does so; whoever takes
the transfer over counts the epoch up, and what the earlier one writes after that changes nothing.
So there are never two, however late the earlier one wakes up.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from cargo_sync.state.bulk import Alter, Insert, Select
from cargo_sync.state.database import Database, Statements
from cargo_sync.state.holders import ServerLife

_FIND: Final = "SELECT source, server, life, epoch FROM object_transfer WHERE transfer = ?"
_ADD: Final = """
INSERT INTO object_transfer (transfer, workspace, source, server, life, epoch, touched)
VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT (transfer) DO NOTHING
"""
_TAKE: Final = """
UPDATE object_transfer SET server = ?1, life = ?2, epoch = epoch + 1, touched = ?3
WHERE transfer = ?4 AND epoch = ?5 AND (server = ?1 OR life = '' OR NOT EXISTS (
    SELECT 1 FROM server AS s WHERE s.id = object_transfer.server
    AND s.life = object_transfer.life AND s.beat <> coalesce(?6, s.beat)))
"""
_HELD: Final = "transfer = ? AND server = ? AND life = ? AND epoch = ?"
_TOUCH: Final = f"UPDATE object_transfer SET touched = ? WHERE {_HELD}"  # noqa: S608
_RELEASE: Final = f"UPDATE object_transfer SET life = '' WHERE {_HELD}"  # noqa: S608
_DELETE_HELD: Final = f"DELETE FROM object_transfer WHERE {_HELD}"  # noqa: S608
_FORGET: Final = "DELETE FROM object_transfer WHERE transfer = ?"
_FORGET_OLD: Final = f"{_FORGET} AND touched < ?"
_ADD_UPLOAD: Final = """
INSERT INTO object_upload (object, transfer, upload) VALUES (?, ?, ?)
ON CONFLICT (object) DO NOTHING
"""
_ADD_PARTS: Final = Insert(
    "INSERT INTO object_part (object, number, length, etag, pieces) VALUES",
    "(?, ?, ?, ?, ?)",
    "ON CONFLICT (object, number) DO UPDATE SET length = excluded.length, etag = excluded.etag, "
    "pieces = excluded.pieces",
)
_UPLOADS: Final = """
SELECT u.object, o.key, o.bucket, o.size, o.state, u.upload,
    u.tail, t.key, u.tail_start, t.size, u.tail_digest
FROM object_upload AS u JOIN bucket_object AS o ON o.id = u.object
LEFT JOIN bucket_object AS t ON t.id = u.tail AND t.state = 0
WHERE u.transfer = ? ORDER BY u.object
"""
_PARTS: Final = (
    "SELECT number, length, etag, pieces FROM object_part WHERE object = ? ORDER BY number"
)
_TAIL_OF: Final = "SELECT tail FROM object_upload WHERE object = ?"
_SET_TAIL: Final = """
UPDATE object_upload SET tail = ?, tail_start = ?, tail_digest = ? WHERE object = ?
"""
_ADOPT: Final = "UPDATE bucket_object SET server = ?, since = ? WHERE id = ? AND state = 0"
_OF_OBJECTS: Final = Select("SELECT DISTINCT transfer FROM object_upload WHERE object IN")
_OLD: Final = "SELECT transfer FROM object_transfer WHERE touched < ? ORDER BY touched LIMIT ?"
_OBJECTS_OF: Final = "SELECT object, tail FROM object_upload WHERE transfer = ?"
_GIVE_UP: Final = Alter("UPDATE bucket_object SET state = 2, since = ? WHERE state = 0 AND id IN")
_DELETE_PARTS: Final = Alter("DELETE FROM object_part WHERE object IN")


class SharedTransfer(NamedTuple):
    """A file that is on its way.

    source  a digest of which version of which file it is
    holder  the server that has it; with the life "" it had it last, and nobody has it
    epoch   counts who had it
    """

    transfer: str
    source: bytes
    holder: ServerLife
    epoch: int


class TransferHold(NamedTuple):
    """What one server has of a transfer: by this it writes of it."""

    transfer: str
    holder: ServerLife
    epoch: int


class ComingPart(NamedTuple):
    """A part that the bucket has acknowledged.

    number  from 1 on
    pieces  the list of its pieces (`local.piece_lists`)
    """

    number: int
    length: int
    etag: str
    pieces: bytes


class ComingTail(NamedTuple):
    """What comes behind the parts, in an object of its own: where it begins, and its BLAKE3."""

    key: str
    start: int
    length: int
    digest: bytes


class ComingObject(NamedTuple):
    """An object in which a transfer comes.

    size    bytes that it will have
    state   of the object (`objects`)
    upload  the bucket's id of it; "" once the object was made of these parts
    parts   the first ones, without a gap
    """

    object: int
    key: str
    bucket: int
    size: int
    state: int
    upload: str
    tail: ComingTail | None
    parts: Sequence[ComingPart]

    @property
    def in_parts(self) -> int:
        """So many bytes from the start on are in its parts."""
        return sum(part.length for part in self.parts)

    @property
    def reach(self) -> int:
        """So many bytes from the start on can be had."""
        whole, tail = self.in_parts, self.tail
        if tail is None or tail.start > whole:
            return whole
        return max(whole, tail.start + tail.length)


class ObjectUploads:
    """Those of all workspaces. `now` is of the retention clock. Any thread may call it.

    Each call raises ProblemError if the state cannot be used. What is written under a hold returns
    False, and changes nothing, if another server has the transfer by now.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- who has it --------------------------------------------------------------------------------

    def find(self, transfer: str) -> SharedTransfer | None:
        """What is known of a transfer."""
        with self._database.read() as connection:
            found = connection.execute(_FIND, (transfer,)).fetchone()
        if found is None:
            return None
        source, server, life, epoch = found
        return SharedTransfer(transfer, bytes(source), ServerLife(server, life), epoch)

    def add(
        self, transfer: str, workspace: int, source: bytes, me: ServerLife, now: float
    ) -> TransferHold | None:
        """A server begins with a transfer; None: it is known already."""
        with self._database.apart() as connection:
            row = (transfer, workspace, source, *me, now)
            done = connection.execute(_ADD, row).rowcount
        return TransferHold(transfer, me, 1) if done == 1 else None

    def take(
        self, found: SharedTransfer, me: ServerLife, beat: int | None, now: float
    ) -> TransferHold | None:
        """A server takes a transfer that it has, that nobody has, or whose server is gone.

        Args:
            found: as it was found.
            me: who takes it.
            beat: what its server had counted when it was heard last: if it counts on, it is there,
                and keeps the transfer. None: it does not matter.
            now: of the retention clock.

        Returns:
            None: its server is there, or somebody else was faster.
        """
        with self._database.apart() as connection:
            asked = (*me, now, found.transfer, found.epoch, beat)
            done = connection.execute(_TAKE, asked).rowcount
        return TransferHold(found.transfer, me, found.epoch + 1) if done == 1 else None

    def release(self, hold: TransferHold) -> bool:
        """Others may have it, or the same server again."""
        with self._database.apart() as connection:
            return _is_held(connection.execute(_RELEASE, _asked(hold)).rowcount)

    # -- what has come -----------------------------------------------------------------------------

    def uploads(self, transfer: str) -> list[ComingObject]:
        """The objects in which it comes, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(_UPLOADS, (transfer,)).fetchall()
            found = []
            for id, key, bucket, size, state, upload, tail, tail_key, start, length, digest in rows:
                parts = _first_of(
                    map(ComingPart._make, connection.execute(_PARTS, (id,)).fetchall())
                )
                last = None
                if tail and tail_key is not None:
                    last = ComingTail(bytes(tail_key).hex(), start, length, bytes(digest))
                found.append(
                    ComingObject(id, bytes(key).hex(), bucket, size, state, upload, last, parts)
                )
        return found

    def begin(self, hold: TransferHold, object: int, upload: str, now: float) -> bool:
        """It comes in this object, which is being written.

        It may be said again: perhaps only the answer was lost.
        """
        with self._held(hold) as connection:
            if not _touched(connection, hold, now):
                return False
            connection.execute(_ADD_UPLOAD, (object, hold.transfer, upload))
            return True

    def adopt(self, hold: TransferHold, object: int, server: str, now: float) -> bool:
        """Another start of a server goes on with an object. False, too, if it was given up."""
        with self._held(hold) as connection:
            if not _touched(connection, hold, now):
                return False
            return _is_held(connection.execute(_ADOPT, (server, now, object)).rowcount)

    def came(
        self, hold: TransferHold, object: int, parts: Sequence[ComingPart], now: float
    ) -> bool:
        """The bucket has these parts."""
        with self._held(hold) as connection:
            if not _touched(connection, hold, now):
                return False
            _ADD_PARTS(connection, [(object, *part) for part in parts])
            return True

    def put_tail(
        self, hold: TransferHold, object: int, tail: int, start: int, digest: bytes, now: float
    ) -> bool:
        """What comes behind the parts is in the object `tail`; the one before is given up."""
        with self._held(hold) as connection:
            if not _touched(connection, hold, now):
                return False
            before = [id for (id,) in connection.execute(_TAIL_OF, (object,))]
            connection.execute(_SET_TAIL, (tail, start, digest, object))
            _GIVE_UP(connection, (0.0,), before)
            return True

    def put_together(self, hold: TransferHold, object: int, now: float) -> bool:
        """The bucket has made the object of the parts that had come."""
        with self._held(hold) as connection:
            if not _touched(connection, hold, now):
                return False
            connection.execute("UPDATE object_upload SET upload = '' WHERE object = ?", (object,))
            return True

    # -- the end -----------------------------------------------------------------------------------

    def of(self, objects: Sequence[int]) -> list[str]:
        """The transfers that come in these objects."""
        with self._database.read() as connection:
            return [transfer for (transfer,) in _OF_OBJECTS(connection, (), objects)]

    def old(self, before: float, limit: int) -> list[str]:
        """Transfers of which nothing has come since."""
        with self._database.read() as connection:
            return [transfer for (transfer,) in connection.execute(_OLD, (before, limit))]

    def forget(
        self,
        transfer: str,
        hold: TransferHold | None = None,
        before: float | None = None,
        since: float = 0.0,
    ) -> bool:
        """It is recorded, or nobody goes on with it: what was not recorded of it is given up.

        With a `hold` only if that server still has it; with `before` only if nothing has come of it
        since. For `since` see `Objects.give_up`. Returns whether it is forgotten.
        """
        with self._database.transaction(own=_own(transfer)) as connection:
            # First, so that nobody adds anything meanwhile.
            if hold is not None:
                if not _is_held(connection.execute(_DELETE_HELD, _asked(hold)).rowcount):
                    return False
            elif before is not None:
                if not _is_held(connection.execute(_FORGET_OLD, (transfer, before)).rowcount):
                    return False
            else:
                connection.execute(_FORGET, (transfer,))
            rows = connection.execute(_OBJECTS_OF, (transfer,)).fetchall()
            objects = [object for object, _ in rows]
            connection.execute("DELETE FROM object_upload WHERE transfer = ?", (transfer,))
            _DELETE_PARTS(connection, (), objects)
            _GIVE_UP(connection, (since,), [*objects, *(tail for _, tail in rows if tail)])
            return True

    def _held(self, hold: TransferHold) -> AbstractContextManager[Statements]:
        return self._database.transaction(own=_own(hold.transfer))


def _own(transfer: str) -> str:
    return f"coming {transfer}"


def _asked(hold: TransferHold) -> tuple[object, ...]:
    return hold.transfer, *hold.holder, hold.epoch


def _touched(connection: Statements, hold: TransferHold, now: float) -> bool:
    """Whether a server still has what it is about to write of; its row is locked until then."""
    return _is_held(connection.execute(_TOUCH, (now, *_asked(hold))).rowcount)


def _is_held(rows: int) -> bool:
    return rows == 1


def _first_of(parts: Iterable[ComingPart]) -> list[ComingPart]:
    """Those without a gap."""
    found = list[ComingPart]()
    for part in parts:
        if part.number != len(found) + 1:
            break
        found.append(part._replace(pieces=bytes(part.pieces)))
    return found
