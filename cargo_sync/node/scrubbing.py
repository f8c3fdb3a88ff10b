"""When a node reads all that it keeps, and how fast."""

import asyncio
import logging
from collections.abc import Generator
from contextlib import closing
from typing import Final

from cargo_sync.config.node import ScrubSettings
from cargo_sync.machines.pacing import TokenBucket
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.stores.blob_scrub import BlobScrub
from cargo_sync.stores.blobs import BlobFolder
from cargo_sync.stores.snapshots.shelf import SnapshotShelf

LOOK: Final = 60.0
"""Seconds between two looks whether a scrub is due."""
SLICE: Final = 16 * 2**20
"""Bytes that are read at most before others get the thread, and the rate is kept."""

_log = logging.getLogger(__name__)


class Scrubbing:
    """The scrubs of one node, in the event loop; the reading is done in threads.

    scrub  the one that is under way, or was last
    rate   bits per second
    """

    def __init__(self, blobs: BlobFolder, settings: ScrubSettings, world: World) -> None:
        """Raises ProblemError: the place of the last one cannot be read."""
        self.scrub = BlobScrub(blobs, world.lived, [SnapshotShelf(blobs).check])
        self.rate = settings.rate
        self._period = settings.period
        self._world = world
        self._bucket = TokenBucket()
        self._asked = False
        self._wakeup = Wakeup()

    @property
    def is_under_way(self) -> bool:
        """Whether one is under way, or was asked for."""
        return self._asked or self.scrub.is_under_way

    def ask(self, rate: int | None) -> None:
        """One is to begin now, or to go on at another rate (bits per second; None: as before)."""
        self.rate = rate or self.rate
        self._asked = not self.scrub.is_under_way
        self._wakeup.set()

    async def run(self) -> None:
        """Scrubs when it is due, until cancelled."""
        while True:
            if self._asked or self.scrub.is_under_way or self._is_due():
                await self._through()
            await self._wakeup.wait(LOOK)

    def _is_due(self) -> bool:
        ended = self.scrub.place.ended
        return ended is None or self._world.lived() - ended >= self._period

    async def _through(self) -> None:
        self._asked = False
        walk = self.scrub.walk()
        try:
            with closing(walk):
                while (read := await self._next(walk)) is not None:
                    self._bucket.spend(read, self._world.steady())
                    await self._keep_rate()
        except ProblemError as error:
            _log.error("the scrub was stopped: %s", error)
            return
        done = self.scrub.place
        words = "a scrub has read %d blobs, %d bytes; %d were damaged"
        level = logging.WARNING if done.damaged else logging.INFO
        _log.log(level, words, done.blobs, done.bytes, done.damaged)

    async def _next(self, walk: Generator[int, None, None]) -> int | None:
        """As `_slice`, in a thread, which is never left alone with the walk."""
        work = asyncio.ensure_future(self._world.offload(_slice, walk))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await work
            raise

    async def _keep_rate(self) -> None:
        """Waits until more may be read. A new rate holds at once."""
        while True:
            now = self._world.steady()
            self._bucket.limit(max(1, self.rate // 8), now)
            wait = self._bucket.ready_at(now) - now
            if wait <= 0:
                return
            await self._wakeup.wait(wait)


def _slice(walk: Generator[int, None, None]) -> int | None:
    """Reads some of it; returns the bytes. None: it is at its end."""
    read = 0
    for some in walk:
        read += some
        if read >= SLICE:
            return read
    return read or None
