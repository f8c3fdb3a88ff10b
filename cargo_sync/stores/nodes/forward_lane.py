"""Contents go to one node while they still arrive, each over a lane of its own.

It is a lane of its own because a lane moves its contents one after the other: the copies of other
files must not wait for a client that is slow. When all has come, the node is asked over the same
lane for the content of this hash. If it has something else, or that lane has ended meanwhile, the
content is sent from the spool, as any other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from cargo_sync.lanes.ports import Reader, Wake
from cargo_sync.machines.nodes.returning import Life
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.blob_source import SpoolSource
from cargo_sync.stores.blobs import for_blobs
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.stores.nodes.node_lane import NodeLane
from cargo_sync.stores.nodes.ports import Results, latest
from cargo_sync.stores.spool import BlobSpool

MOST: Final = 4
"""Contents that go to one node at the same time while they arrive; others are sent when whole."""
_TOO_MANY: Final = Problem(Code.BUSY, "enough contents go to this node while they arrive")


class ArrivingSource(SpoolSource):
    """Reads a content that arrives; any other one from the spool. See `lanes.ports.Source`."""

    def __init__(
        self, spool: BlobSpool, arriving: ArrivingContent, *, shares: bool = False
    ) -> None:
        """`shares`: the node takes what is sealed for several nodes."""
        super().__init__(spool)
        self._arriving = arriving
        self._shares = shares
        self._wake: Wake = lambda: None

    def wakes(self, wake: Wake) -> None:
        self._wake = wake

    def open(self, offer: Offer) -> Reader:
        if offer.path == self._arriving.id:
            return self._arriving.open(self._wake, shares=self._shares)
        return super().open(offer)

    def holes(self, offer: Offer) -> int:
        if offer.path == self._arriving.id:
            return self._arriving.file.holes
        return super().holes(offer)


Place = Callable[[Sequence[Content]], Awaitable[Results]]


class _ForwardLane:
    """A content on its way, and its lane.

    came  set when the node has all of it, or will not get it so
    """

    def __init__(self, arriving: ArrivingContent, lane: NodeLane) -> None:
        self.arriving = arriving
        self.lane = lane
        self.came = asyncio.Event()
        self.in_use = asyncio.Lock()
        """It is not ended while a content gets its name."""


class ForwardLanes:
    """The contents that go to one node while they arrive. To be used in the event loop."""

    def __init__(self, lane: Callable[[ArrivingContent], NodeLane]) -> None:
        """`lane` makes the lane of a content, whose source is an `ArrivingSource`."""
        self._lane = lane
        self._under_way: list[_ForwardLane] = []

    async def send(self, arriving: ArrivingContent) -> None:
        """See `NodeClient.forward`."""
        if len(self._under_way) >= MOST:
            raise ProblemError(_TOO_MANY)
        one = _ForwardLane(arriving, self._lane(arriving))
        self._under_way.append(one)
        try:
            whole = Content(arriving.id, arriving.file.size)
            [why] = (await one.lane.move([whole], for_blobs([arriving.offer()]))).problems
            one.came.set()
            if why is not None:
                raise ProblemError(why)
            await arriving.over.wait()
        finally:
            self._under_way.remove(one)
            one.came.set()
            async with one.in_use:
                await one.lane.stop()

    async def place(self, contents: Sequence[Content], rest: Place) -> Results:
        """Makes copies of contents; `rest` makes those of which nothing has gone over such a lane.

        Raises:
            ProblemError: it is not known what has moved.
        """
        some = {one.arriving.content: one for one in self._under_way}
        mine = [content for content in contents if content in some]
        if not mine:
            return await rest(contents)
        found: dict[Content, Problem | None] = {}
        lives = list[Life | None]()
        for content in mine:
            one = some[content]
            async with one.in_use:
                await one.came.wait()
                results = await one.lane.move([content])
                [found[content]] = results.problems
                lives.append(results.life)
        if others := [content for content in contents if content not in found]:
            results = await rest(others)
            found |= zip(others, results.problems, strict=True)
            lives.append(results.life)
        return Results([found[content] for content in contents], latest(lives))

    async def stop(self) -> None:
        """Ends all of these lanes."""
        for one in list(self._under_way):
            await one.lane.stop()
