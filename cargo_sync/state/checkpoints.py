"""Checkpoints: durable parts of staged files, by the id of their transfer."""

import struct
from collections.abc import Callable
from typing import Any, Final

import orjson

from cargo_sync.model.checkpoints import Checkpoint, Span
from cargo_sync.model.transfers import stem
from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database

_SPAN: Final = struct.Struct("<QQ16s")
_READ = "SELECT transfer, path, version, source, spans FROM checkpoint"
_PUT: Final = put("checkpoint", "transfer", "path, version, source, spans, touched")


class Checkpoints:
    """The checkpoints of a daemon or a server; `now` reads the retention clock."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def get(self, transfer: str) -> Checkpoint | None:
        with self._database.read() as connection:
            row = connection.execute(f"{_READ} WHERE transfer = ?", (transfer,)).fetchone()
        return _checkpoint(row) if row else None

    def earlier(self, transfer: str, path: str) -> list[str]:
        """Like `CheckpointStore.earlier`."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT transfer FROM checkpoint WHERE transfer >= ? AND transfer < ? AND path = ?",
                (stem(transfer), transfer, path),
            )
            return [id for (id,) in rows]

    def put(self, checkpoint: Checkpoint) -> None:
        """Records a checkpoint in place of the transfer's earlier one, durably."""
        source = orjson.dumps((checkpoint.ident, checkpoint.size, checkpoint.mtime_ns)).decode()
        spans = b"".join(_SPAN.pack(*span) for span in checkpoint.spans)
        row = (checkpoint.transfer, checkpoint.path, checkpoint.version, source, spans, self._now())
        with self._database.transaction(own=_own(checkpoint.transfer)) as connection:
            connection.execute(_PUT, row)

    def drop(self, transfer: str) -> None:
        with self._database.transaction(own=_own(transfer)) as connection:
            connection.execute("DELETE FROM checkpoint WHERE transfer = ?", (transfer,))

    def purge(self, before: float, most: int = 2**62) -> int:
        """Deletes up to `most` of those last put before `before` (retention clock).

        Returns:
            How many were deleted.
        """
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM checkpoint WHERE transfer IN "
                "(SELECT transfer FROM checkpoint WHERE touched < ? LIMIT ?)",
                (before, most),
            ).rowcount


def _own(transfer: str) -> str:
    return f"transfer {transfer}"


def _checkpoint(row: tuple[Any, ...]) -> Checkpoint:
    transfer, path, version, source, spans = row
    ident, size, mtime_ns = orjson.loads(source)
    parts = tuple(map(Span._make, _SPAN.iter_unpack(spans)))
    return Checkpoint(transfer, path, version, ident, size, mtime_ns, parts)
