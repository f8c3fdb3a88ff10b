"""What a client keeps of larger uploads, so that they go on after a restart or a cut."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cargo_sync.model.transfers import stem
from cargo_sync.trees.remote.contract import Kept


@dataclass(frozen=True, slots=True)
class KeptUpload:
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
    kept: Kept


class UploadStore(Protocol):
    """Where they are kept: in the state. All calls raise ProblemError."""

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
