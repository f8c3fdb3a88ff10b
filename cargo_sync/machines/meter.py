"""A meter: how fast a count grows, over the last few seconds. Time is an argument."""

from collections import deque
from typing import Final

_WINDOW: Final = 5.0
_APART: Final = 0.25


class RateMeter:
    """Asked at any times, often or seldom; keeps a handful of samples."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def rate(self, now: float, count: int) -> float:
        """What was counted a second lately, `count` being the sum at `now`; 0 at the first time."""
        samples = self._samples
        if samples and count < samples[-1][1]:
            samples.clear()
        if not samples or now - samples[-1][0] >= _APART:
            samples.append((now, count))
        while len(samples) > 2 and now - samples[1][0] >= _WINDOW:
            samples.popleft()
        since, before = samples[0]
        return (count - before) / (now - since) if now > since else 0.0
