"""Which workspaces refer to which contents: what a sweep asks of the rows of `state.blobs`."""

from collections.abc import Sequence
from typing import Final

from cargo_sync.state.blobs import CONDEMNED, LIVE, NOBODY
from cargo_sync.state.bulk import Select
from cargo_sync.state.database import Database

_OWNED: Final = Select("SELECT DISTINCT hash FROM blob WHERE workspace <> ? AND hash IN")
_LIVE: Final = f"""
SELECT hash FROM blob WHERE workspace = ? AND state = {LIVE} AND hash > ? ORDER BY hash LIMIT ?
"""  # noqa: S608
_CONDEMNED: Final = f"""
SELECT hash FROM blob
WHERE workspace = ? AND state = {CONDEMNED} AND since <= ? AND hash > ? ORDER BY hash LIMIT ?
"""  # noqa: S608


class BlobOwners:
    """Asks only. Any thread may call it; hashes are 64 hex digits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owned(self, hashes: Sequence[str]) -> set[str]:
        """Those of these contents that some workspace has."""
        keys = [bytes.fromhex(hash) for hash in hashes]
        with self._database.read() as connection:
            return {key.hex() for (key,) in _OWNED(connection, [NOBODY], keys)}

    def live(self, workspace: int, after: str, limit: int) -> list[str]:
        """Up to `limit` hashes, greater than `after`, of contents that are not condemned."""
        with self._database.read(long=True) as connection:
            rows = connection.execute(_LIVE, (workspace, bytes.fromhex(after), limit))
            return [key.hex() for (key,) in rows]

    def condemned(self, workspace: int, before: float, after: str, limit: int) -> list[str]:
        """The same of contents that were condemned by then, and nothing refers to since."""
        with self._database.read(long=True) as connection:
            rows = connection.execute(_CONDEMNED, (workspace, before, bytes.fromhex(after), limit))
            return [key.hex() for (key,) in rows]

    def count(self, workspace: int) -> int:
        """How many contents a workspace has."""
        with self._database.read(long=True) as connection:
            [count] = connection.execute(
                "SELECT coalesce(sum(blobs), 0) FROM holding WHERE workspace = ?", (workspace,)
            ).fetchone()
            return int(count)
