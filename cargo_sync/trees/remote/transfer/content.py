"""What an upload reads: files of this machine, or of another remote."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import Offload


class UploadFile(Protocol):
    """A larger file that is read from its beginning to its end."""

    async def next(self, offset: int, count: int) -> memoryview:
        """The next bytes. Raises ProblemError: they are not there any more, or cannot be read."""

    async def hash(self) -> str:
        """BLAKE3 of all that was read. Raises ProblemError: the file has changed meanwhile."""

    async def close(self) -> None:
        """Closes it, if it is open."""


class UploadSource(Protocol):
    """Where an upload reads. All calls raise ProblemError if the source cannot be reached."""

    async def read(self, offers: Sequence[Offer]) -> list[tuple[memoryview, str] | Problem]:
        """Small files with their BLAKE3, in order; why one could not be read."""

    async def told(self, offer: Offer) -> Offer:
        """The file with the time and the mode that come with its content, if they do."""

    async def open(self, offer: Offer) -> UploadFile:
        """Opens a larger file."""

    async def close(self) -> None:
        """Nothing is read any more."""


@runtime_checkable
class Relays(Protocol):
    """The near side of a copy whose files are not on this machine."""

    def relay(self, offload: Offload) -> UploadSource:
        """Reads its files for an upload."""
