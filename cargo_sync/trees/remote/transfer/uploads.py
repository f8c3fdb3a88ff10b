"""Where it is kept what larger uploads need to go on after a restart or a cut."""

from collections.abc import Callable, Sequence
from typing import Protocol

from cargo_sync.model.transfers import stem
from cargo_sync.state.remote_uploads import KeptUpload


class UploadStore(Protocol):
    """As `RemoteUploads` of the state. All calls raise ProblemError."""

    def get(self, root: str, transfer: str) -> KeptUpload | None: ...

    def earlier(self, root: str, transfer: str, path: str) -> Sequence[KeptUpload]:
        """Uploads to this path that `transfer` succeeds: nobody goes on with them."""

    def put(self, upload: KeptUpload) -> None:
        """Keeps an upload durably, in place of what is kept of it."""

    def drop(self, root: str, transfer: str) -> None: ...

    def left(self, root: str, seconds: float) -> Sequence[KeptUpload]:
        """Those with which nobody has gone on for so long, by the retention clock."""


class MemoryUploads:
    """Uploads in memory: lost when the process ends."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.kept: dict[tuple[str, str], tuple[KeptUpload, float]] = {}

    def get(self, root: str, transfer: str) -> KeptUpload | None:
        found = self.kept.get((root, transfer))
        return found and found[0]

    def earlier(self, root: str, transfer: str, path: str) -> Sequence[KeptUpload]:
        return [
            one
            for one, _ in self.kept.values()
            if (one.root, one.path) == (root, path) and stem(transfer) <= one.transfer < transfer
        ]

    def put(self, upload: KeptUpload) -> None:
        self.kept[upload.root, upload.transfer] = (upload, self._now())

    def drop(self, root: str, transfer: str) -> None:
        self.kept.pop((root, transfer), None)

    def left(self, root: str, seconds: float) -> Sequence[KeptUpload]:
        line = self._now() - seconds
        return [one for one, at in self.kept.values() if one.root == root and at < line]
