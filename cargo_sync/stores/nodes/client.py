"""What one node can be asked for: the port behind which it is another machine, or a fake."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from cargo_sync.machines.nodes.orders import DeletionOrder
from cargo_sync.machines.nodes.returning import Life
from cargo_sync.machines.nodes.snapshots import MadeSnapshot
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.stores.nodes.ports import Results
from cargo_sync.stores.reading.pieces import PieceRun, Take


class ScrubStatus(NamedTuple):
    """The scrub that is under way on a node, or the last one.

    begun, ended    unix seconds by the node's clock; None: not yet
    blobs, bytes    that it has read
    damaged         of these it found so many to be rotten
    """

    under_way: bool
    begun: float | None
    ended: float | None
    blobs: int
    bytes: int
    damaged: int


class NodeStatus(NamedTuple):
    """What a node says of itself.

    life      the epoch and the sequence of its folder
    free      bytes that it still takes
    used      bytes of its copies
    capacity  the most that it may use; None: as much as its disk has
    blobs     its copies
    damaged   copies that it has found to be rotten since it started, and moved aside
    scrub     how far it has checked its copies
    order     the last deletion that it has taken
    aside     contents that it has moved aside and not got again, if they are not too many
    """

    life: Life
    free: int
    used: int = 0
    capacity: int | None = None
    blobs: int = 0
    damaged: int = 0
    scrub: ScrubStatus | None = None
    order: DeletionOrder = DeletionOrder()
    aside: Sequence[str] = ()


class NodeClient(Protocol):
    """One node. Every call may raise ProblemError: then it is not known what was done."""

    async def status(self) -> NodeStatus: ...

    async def place(self, contents: Sequence[Content]) -> Results:
        """Makes copies of contents of the spool. One that is there is none the more."""

    async def forward(self, arriving: ArrivingContent) -> None:
        """Sends a content as it arrives: see `NodeLinks.forward`."""

    async def fetch(self, contents: Sequence[Content]) -> Results:
        """Brings contents into the spool, which then holds each of them once more."""

    async def stream(self, runs: Sequence[PieceRun], take: Take) -> Results:
        """Gives pieces to `take` as they come: see `NodeLinks.stream`."""

    async def delete(
        self, hashes: Sequence[str], order: DeletionOrder, after: DeletionOrder | None = None
    ) -> None:
        """Deletes copies, if the order is still due (machines/nodes/orders.py).

        With `after`, the last order that the node has shown, a new lineage takes it over.
        """

    async def inventory(self, after: str, limit: int) -> Mapping[str, int]:
        """The sizes of its contents, by hash, in order."""

    async def scrub(self, rate: int | None) -> None:
        """Begins to read and check all copies, at so many bits per second; None: as usual."""

    async def keep_snapshot(
        self, content: Content, snapshot: MadeSnapshot, verifier: bytes
    ) -> None:
        """Makes a content that it has a snapshot: from then on it is no content any more.

        Args:
            content: what was placed.
            snapshot: its number, and when it was made.
            verifier: the public key of who may ask for it.
        """

    async def hang_up(self) -> None:
        """Ends its connections: nothing that was asked for over them is answered any more."""
