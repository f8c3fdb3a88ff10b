"""A meter: how fast a count grows, over the last few seconds. Time is an argument."""

from collections import deque
from typing import Final

_WINDOW: Final = 5.0
_APART: Final = 0.25


class RateMeter:
    """Measures a rate; it may be asked often or seldom, and keeps only a few samples."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def rate(self, now: float, count: int) -> float:
        """The recent growth per second, where `count` is the sum at `now`; 0 on the first call."""
        samples = self._samples
        if samples and count < samples[-1][1]:
            samples.clear()
        if not samples or now - samples[-1][0] >= _APART:
            samples.append((now, count))
        while len(samples) > 2 and now - samples[1][0] >= _WINDOW:
            samples.popleft()
        since, before = samples[0]
        return (count - before) / (now - since) if now > since else 0.0
