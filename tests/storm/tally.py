"""What is counted in a storm, and the table."""

import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

MIB = 2**20
LONG = 5.0
"""Seconds above which something has waited."""


@dataclass
class Way:
    """Uploads or downloads of one kind of client.

    done    files
    bytes   of them
    waited  how many took long
    longest seconds of the slowest, and when it ended
    """

    done: int = 0
    bytes: int = 0
    waited: int = 0
    longest: tuple[float, str] = (0.0, "")


@dataclass
class Sent:
    """Bytes that clients sent, against those of the contents that they wanted to upload.

    content   bytes of uploads that were acknowledged, each counted once
    sent      bytes of bodies (HTTP), or of all that went to the data port (jobs)
    refused   bytes that were sent, and for which the answer was no: nothing of it was kept
    cut       bytes of uploads that were under way when the server was killed, or its answer was
              lost
    overhead  what the frames of lanes may have taken
    """

    content: int = 0
    sent: int = 0
    refused: int = 0
    cut: int = 0
    overhead: int = 0

    @property
    def again(self) -> int:
        """Bytes that were sent although they had been acknowledged; at most 0 if there are none."""
        return self.sent - self.content - self.refused - self.cut - self.overhead


@dataclass
class Tally:
    """All that is counted. Its methods may be called from any thread.

    events   what was done to the programs
    errors   what clients were answered
    wrong    what should never be
    missing  copies at the end
    """

    events: Counter[str] = field(default_factory=Counter)
    ways: dict[str, Way] = field(default_factory=lambda: defaultdict(Way))
    errors: Counter[str] = field(default_factory=Counter)
    sent: dict[str, Sent] = field(default_factory=lambda: defaultdict(Sent))
    wrong: list[str] = field(default_factory=list)
    missing: int = -1
    contents: int = 0
    repair_seconds: float = 0.0
    seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def done(self, way: str, files: int, size: int, seconds: float) -> None:
        with self._lock:
            found = self.ways[way]
            found.done += files
            found.bytes += size
            found.waited += files if seconds > LONG else 0
            found.longest = max(found.longest, (seconds, time.strftime("%H:%M:%S", time.gmtime())))

    def failed(self, error: str) -> None:
        with self._lock:
            self.errors[error] += 1

    def happened(self, event: str) -> None:
        with self._lock:
            self.events[event] += 1

    def count(self, way: str, **more: int) -> None:
        """Adds to what was sent."""
        with self._lock:
            sent = self.sent[way]
            for name, value in more.items():
                setattr(sent, name, getattr(sent, name) + value)

    def must_not(self, what: str) -> None:
        with self._lock:
            self.wrong.append(what)

    @property
    def operations(self) -> int:
        return sum(way.done for way in self.ways.values())

    def __str__(self) -> str:
        lines = [f"{'what was done':34} {'times':>8}"]
        lines += [f"{event:34} {times:8}" for event, times in sorted(self.events.items())]
        lines += ["", f"{'transfers':34} {'files':>8} {'MiB':>8} {'waited':>8} {'longest':>8}"]
        for name, way in sorted(self.ways.items()):
            seconds, at = way.longest
            numbers = f"{way.done:8} {way.bytes / MIB:8.1f} {way.waited:8} {seconds:7.1f}s at {at}"
            lines.append(f"{name:34} {numbers}")
        lines += ["", f"{'bytes from clients, in MiB':34} {'content':>8} {'sent':>8} "
                  f"{'refused':>8} {'cut':>8} {'again':>8}"]  # fmt: skip
        for name, sent in sorted(self.sent.items()):
            some = (sent.content, sent.sent, sent.refused, sent.cut, max(0, sent.again))
            lines.append(f"{name:34} " + " ".join(f"{one / MIB:8.1f}" for one in some))
        lines += ["", f"{'what clients were told':34} {'times':>8}"]
        lines += [f"{error:34} {times:8}" for error, times in sorted(self.errors.items())]
        lines += ["", *(f"WRONG: {what}" for what in self.wrong[:20])]
        lines.append(
            f"storm: {self.operations} transfers in {self.seconds:.0f} s, "
            f"{self.contents} contents, {self.missing} copies missing at the end "
            f"({self.repair_seconds:.1f} s after it), {len(self.wrong)} wrong"
        )
        return "\n".join(lines)
