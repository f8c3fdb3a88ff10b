"""How fast files moved in the last ten minutes and in the last day: bounded, and cheap to add to.

What moved between two moments is spread evenly over the steps between them. Times are seconds of
one steady clock.
"""

from array import array
from dataclasses import dataclass
from typing import Final, NamedTuple


class RateSpan(NamedTuple):
    """A span of time: so many steps of so many seconds."""

    step: int
    steps: int


TEN_MINUTES: Final = RateSpan(5, 120)
DAY: Final = RateSpan(300, 288)
_SHORTEST: Final = 1.0
"""Seconds: over less than that no rate is computed."""


@dataclass(frozen=True, slots=True)
class RateSamples:
    """Rates per step, oldest first; the last step is the one that is under way.

    step   seconds of a step
    first  when the first step began
    bits   bits per second; None for a step before anybody counted
    files  files per second
    """

    step: int
    first: float
    bits: tuple[float | None, ...]
    files: tuple[float | None, ...]


class RateHistory:
    """What moved, by steps. One that nothing was added to takes next to no memory."""

    def __init__(self) -> None:
        self._rings: dict[RateSpan, _Ring] = {}

    def add(self, since: float, now: float, bytes: float, files: float) -> None:
        """So much moved between `since` and `now`."""
        if not self._rings:
            self._rings = {span: _Ring(span) for span in (TEN_MINUTES, DAY)}
        for ring in self._rings.values():
            ring.add(since, now, bytes, files)

    def samples(self, span: RateSpan, now: float, begun: float) -> RateSamples:
        """The rates of a span that ends now; nobody counted before `begun`."""
        ring, current = self._rings.get(span), int(now // span.step)
        slots = range(current - span.steps + 1, current + 1)
        bits: list[float | None] = []
        files: list[float | None] = []
        for slot in slots:
            if (slot + 1) * span.step <= begun:
                bits.append(None)
                files.append(None)
                continue
            began = max(slot * span.step, begun)
            seconds = max(_SHORTEST, min(now, (slot + 1) * span.step) - began)
            moved, count = ring.at(slot) if ring is not None else (0.0, 0.0)
            bits.append(8 * moved / seconds)
            files.append(count / seconds)
        return RateSamples(span.step, slots[0] * span.step, tuple(bits), tuple(files))


class _Ring:
    """What moved in each of the last steps of a span."""

    def __init__(self, span: RateSpan) -> None:
        self._step, self._count = span
        self._bytes = array("d", bytes(8 * self._count))
        self._files = array("d", bytes(8 * self._count))
        self._newest: int | None = None

    def add(self, since: float, now: float, moved: float, files: float) -> None:
        newest, seconds = int(now // self._step), now - since
        self._go_to(newest)
        since = max(since, (newest - self._count + 1) * self._step)
        first = int(since // self._step)
        for slot in range(first, newest + 1):
            end = min(now, (slot + 1) * self._step)
            part = (end - max(since, slot * self._step)) / seconds if seconds > 0 else 1.0
            self._bytes[slot % self._count] += part * moved
            self._files[slot % self._count] += part * files

    def at(self, slot: int) -> tuple[float, float]:
        """Bytes and files of a step; zero if it is not kept any more, or nothing came since."""
        if self._newest is None or not self._newest - self._count < slot <= self._newest:
            return 0.0, 0.0
        return self._bytes[slot % self._count], self._files[slot % self._count]

    def _go_to(self, slot: int) -> None:
        """Makes a step the newest one; those between the last one and this are empty."""
        last = self._newest if self._newest is not None else slot - self._count
        for passed in range(max(last, slot - self._count) + 1, slot + 1):
            self._bytes[passed % self._count] = self._files[passed % self._count] = 0.0
        self._newest = max(last, slot)
