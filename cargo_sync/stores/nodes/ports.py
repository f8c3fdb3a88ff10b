"""What the work on nodes needs: rows of contents, links to nodes, and what all of it shares.

All of it runs in the event loop of a server. Each `await` is a place where the server may die: what
was done before it is durable, and what comes after it must be found to be undone.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from cargo_sync.machines.nodes.repair import RATE, UNKNOWN_SECONDS, Stock
from cargo_sync.machines.nodes.returning import Life
from cargo_sync.machines.nodes.states import Members
from cargo_sync.model.problems import Problem
from cargo_sync.model.world import World
from cargo_sync.state.blobs import BlobRow
from cargo_sync.state.placements import Holding
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.stores.reading.pieces import PieceRun, Take


class CopyRows(Protocol):
    """The rows of contents: see `state.blobs.Blobs`. Each call is one transaction."""

    def place(self, lives: Mapping[int, int]) -> tuple[int, frozenset[int]]: ...
    def lose(self, node: int, hashes: Sequence[str]) -> None: ...
    def give_up(self, node: int, hashes: Sequence[str], now: float) -> None: ...
    def found(
        self, node: int, life: int, hashes: Sequence[str], sizes: Sequence[int], now: float
    ) -> None: ...
    def leave(self, node: int, deleted: Sequence[str], kept: Sequence[str] = ()) -> None: ...
    def condemn(self, workspace: int, hashes: Sequence[str], now: float) -> None: ...
    def revive(self, workspace: int, hashes: Sequence[str]) -> None: ...
    def doom(self, workspace: int, hashes: Sequence[str], now: float) -> None: ...
    def purge(self, hashes: Sequence[str] = (), most: int = 1_000) -> bool: ...
    def find(self, hashes: Sequence[str]) -> list[BlobRow]: ...
    def nodes(self, workspace: int, hashes: Sequence[str]) -> list[frozenset[int] | None]: ...
    def pieces(self, workspace: int, hash: str) -> bytes: ...
    def page(self, placement: int, after: str, limit: int) -> list[str]: ...
    def recorded(self, node: int, after: str, upto: str, limit: int) -> list[str]: ...
    def leaving(self, node: int, after: str, limit: int) -> list[str]: ...
    def overdue(self, before: float, limit: int) -> list[BlobRow]: ...
    def placements(self) -> dict[int, frozenset[int]]: ...
    def holdings(self) -> list[Holding]: ...


class FolderRows(Protocol):
    """What is known of the nodes' folders: see `state.nodes.NodeRows`."""

    def heard(self, node: int, epoch: str, sequence: int) -> None: ...
    def forget_copies(self, node: int) -> int: ...


class NodeSession(NamedTuple):
    """A time for which a node was there without a break, as one and the same process.

    number  grows with each
    life    of its folder (state.nodes)
    """

    number: int
    life: int


class Results(NamedTuple):
    """What became of some contents.

    problems  None for each that is there, or why it is not
    life      what the folder of the node has shown of itself since; None: nothing
    """

    problems: Sequence[Problem | None]
    life: Life | None = None

    def done(self, contents: Sequence[Content]) -> list[Content]:
        """Those that are there."""
        if not any(self.problems):
            return list(contents)
        return [one for one, why in zip(contents, self.problems, strict=True) if why is None]


def latest(lives: Sequence[Life | None]) -> Life | None:
    """What a folder has shown last; None if it has not always, or is another one now."""
    shown = [life for life in lives if life is not None]
    if len(shown) < len(lives) or len({life.epoch for life in shown}) != 1:
        return None
    return max(shown)


class NodeLinks(Protocol):
    """The nodes, as far as they can be reached. Every call may raise ProblemError."""

    def members(self) -> Members:
        """All nodes, as they are now."""

    def session(self, node: int) -> NodeSession | None:
        """The session of a node; None if it has none now."""

    async def place(self, node: int, contents: Sequence[Content]) -> Results:
        """Makes copies of contents of the spool. They are durable there, but not confirmed."""

    async def forward(self, node: int, arriving: ArrivingContent) -> None:
        """Sends a content as it arrives, until it is `over`; `place` then has less to do.

        Raises:
            ProblemError: it is not sent, or not all of it.
        """

    async def confirm(self, node: int, session: NodeSession, shown: Life | None = None) -> None:
        """All that was placed or deleted in this session is covered by what is known of the folder.

        `shown` is what the folder has shown since; without it the node is asked.

        Raises:
            ProblemError: that session has ended: nothing is known of what was not confirmed.
        """

    async def fetch(self, node: int, contents: Sequence[Content]) -> Results:
        """Brings contents into the spool, which then holds each of them once more.

        A problem is `damaged` or `vanished` if the node's copy is none.
        """

    async def stream(self, node: int, runs: Sequence[PieceRun], take: Take) -> Results:
        """Gives pieces to `take` as they come, with the number of their run.

        A problem is `damaged` or `vanished` if the node's copy is none, and `corrupt` if `take`
        refused a piece.
        """

    async def delete(self, node: int, hashes: Sequence[str]) -> None:
        """Deletes copies.

        Raises:
            ProblemError: it is not known whether they are deleted. Then the session ends.
        """

    def aside(self, node: int) -> Sequence[str]:
        """Contents that a node has moved aside because they were rotten, and has not got again."""

    async def fence(self, node: int) -> None:
        """No deletion that was asked for in an earlier session happens any more."""

    async def inventory(self, node: int, after: str, limit: int) -> Mapping[str, int]:
        """The sizes of the contents of a node, by hash, in order; fewer than `limit` at the end."""

    def release(self, hashes: Sequence[str]) -> None:
        """Gives one hold of each back: the spool may drop what nobody holds."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the work on nodes shares.

    wanted    copies that a workspace wants
    pause     waits so many seconds
    together  waits for all of these, at once
    rate      bits per second of repairs
    deletes   whether copies may be deleted now
    keep_unknown  seconds for which copies stay that nobody knows: the state may have been restored
    """

    blobs: CopyRows
    links: NodeLinks
    claims: Claims
    world: World
    wanted: Callable[[int], int]
    pause: Callable[[float], Awaitable[None]]
    together: Callable[[Sequence[Coroutine[Any, Any, bool]]], Awaitable[Sequence[bool]]]
    rate: Callable[[], int] = lambda: RATE
    deletes: Callable[[], bool] = lambda: True
    keep_unknown: float = UNKNOWN_SECONDS

    async def found(self, node: int, life: int, some: Sequence[Content]) -> None:
        """A node has copies of these."""
        if some:
            hashes, sizes = [one.hash for one in some], [one.size for one in some]
            now = self.world.lived()
            await self.world.offload(self.blobs.found, node, life, hashes, sizes, now)

    async def stocks(self) -> list[Stock]:
        """What there is, by workspace and placement."""
        held = await self.world.offload(self.blobs.holdings)
        sets = await self.world.offload(self.blobs.placements)  # after it: all of them are there
        return [
            Stock(
                one.placement,
                one.workspace,
                sets[one.placement],
                self.wanted(one.workspace),
                one.blobs,
                one.bytes,
            )
            for one in held
            if one.workspace
        ]
