"""Uploads to somebody else's server that are not published: what their protocols need to go on."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.model.transfers import stem
from cargo_sync.state.database import Database

_READ: Final = "SELECT root, transfer, path, size, source, kept FROM remote_upload WHERE root = ?"


class KeptUpload(NamedTuple):
    """An upload that is not published.

    root      the remote's name: what is kept means something only there
    transfer  id of the transfer
    path      relative to the remote
    size      bytes of the whole file
    source    version and ident of the file that is sent
    kept      what the remote needs to go on
    """

    root: str
    transfer: str
    path: str
    size: int
    source: str
    kept: str


class RemoteUploads:
    """The uploads of a daemon; `now` reads the retention clock. All calls raise ProblemError."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def get(self, root: str, transfer: str) -> KeptUpload | None:
        """What is kept of the upload of a transfer."""
        with self._database.read() as connection:
            row = connection.execute(f"{_READ} AND transfer = ?", (root, transfer)).fetchone()
        return KeptUpload._make(row) if row else None

    def earlier(self, root: str, transfer: str, path: str) -> Sequence[KeptUpload]:
        """Uploads to this path that `transfer` succeeds: nobody goes on with them."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"{_READ} AND transfer >= ? AND transfer < ? AND path = ?",
                (root, stem(transfer), transfer, path),
            )
            return list(map(KeptUpload._make, rows))

    def put(self, upload: KeptUpload) -> None:
        """Keeps an upload durably, in place of what is kept of it."""
        row = (*upload, self._now())
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO remote_upload VALUES (?, ?, ?, ?, ?, ?, ?)", row
            )

    def drop(self, root: str, transfer: str) -> None:
        """Nothing of it is kept any more."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM remote_upload WHERE root = ? AND transfer = ?", (root, transfer)
            )

    def left(self, root: str, seconds: float) -> Sequence[KeptUpload]:
        """Those with which nobody has gone on for so long."""
        with self._database.read() as connection:
            rows = connection.execute(f"{_READ} AND touched < ?", (root, self._now() - seconds))
            return list(map(KeptUpload._make, rows))

    def purge(self, before: float, most: int = 2**62) -> int:
        """Deletes up to `most` of those last put before `before` (retention clock).

        Their job is gone: it would have given them up before. Returns how many were deleted.
        """
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM remote_upload WHERE (root, transfer) IN "
                "(SELECT root, transfer FROM remote_upload WHERE touched < ? LIMIT ?)",
                (before, most),
            ).rowcount
