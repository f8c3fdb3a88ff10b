"""How a repair gets on: what it has made, how fast, and for how long it will go on.

The speed is that of the last minute. While nothing was measured yet it is what the settings allow.
If a minute of tries has made nothing, nobody can say how long it takes: the speed is not known.

Small contents cost the time of a copy, large ones that of their bytes. So what is left takes as
long as its bytes at the speed that was measured, or as its copies, each with what one took beside
its bytes. The shorter one is told: a large content after many small ones is no reason to say days.
A batch that is under way counts as one that ends now: what is left takes at least as long.
"""

from collections import deque
from typing import Final, NamedTuple

WINDOW: Final = 60.0
"""Seconds that are looked back."""
_SHORTEST: Final = 0.001
"""Seconds of a batch, at least: a clock may stand still."""


class RepairReport(NamedTuple):
    """How the repair gets on.

    copies, bytes  that it has made since the server started
    speed          bits per second of the last minute; None: nothing was measured
    limit          bits per second that it may have
    left           seconds until what can be made now is made; None: not known, or nothing is left
    """

    copies: int
    bytes: int
    speed: int | None
    limit: int
    left: float | None


class _Batch(NamedTuple):
    began: float
    ended: float
    copies: int
    bytes: int


class RepairProgress:
    """What the repair has made so far. Times are steady seconds."""

    def __init__(self) -> None:
        self.copies = self.bytes = 0
        self._batches: deque[_Batch] = deque()
        self._fruitless: float | None = None
        """Since when batches have made nothing."""
        self._under_way: _Batch | None = None

    def begin(self, copies: int, size: int, now: float) -> None:
        """A batch begins: it is to make so many copies, of so many bytes together."""
        self._under_way = _Batch(now, now, copies, size)

    def batch(self, copies: int, size: int, began: float, ended: float) -> None:
        """A batch has ended: it made so many copies, of so many bytes together."""
        self._under_way = None
        self.copies += copies
        self.bytes += size
        if copies:
            self._fruitless = None
            self._batches.append(_Batch(began, ended, copies, size))
        elif self._fruitless is None:
            self._fruitless = began

    def rest(self) -> None:
        """Nothing can be repaired now: what was measured says nothing about the next time."""
        self._batches.clear()
        self._fruitless = self._under_way = None

    def speed(self, now: float) -> int | None:
        """Bits per second of the last minute, or of the last batch if it is older."""
        found = self._measured(now)
        return None if found is None else round(found.bytes * 8 / (found.ended - found.began))

    def report(self, copies: int, left: int, limit: int, now: float) -> RepairReport:
        """How it gets on, while so many copies of `left` bytes can be made, at most at `limit`."""
        seconds = None
        if left and not self._is_stuck(now):
            seconds = least = left * 8 / limit
            under_way = self._under_way and self._under_way._replace(ended=now)
            for found in filter(None, (self._measured(now), under_way)):
                took = found.ended - found.began
                each = max(0.0, took - found.bytes * 8 / limit) / found.copies
                by_bytes = left * took / max(1, found.bytes)
                seconds = max(seconds, min(by_bytes, least + copies * each))
        return RepairReport(self.copies, self.bytes, self.speed(now), limit, seconds)

    def _measured(self, now: float) -> _Batch | None:
        """All that counts as one batch; None if nothing does."""
        while len(self._batches) > 1 and now - self._batches[0].ended > WINDOW:
            self._batches.popleft()
        if not self._batches or self._is_stuck(now):
            return None
        began = self._batches[0].began
        ended = max(self._batches[-1].ended, began + _SHORTEST)
        copies = sum(one.copies for one in self._batches)
        return _Batch(began, ended, copies, sum(one.bytes for one in self._batches))

    def _is_stuck(self, now: float) -> bool:
        return self._fruitless is not None and now - self._fruitless >= WINDOW
