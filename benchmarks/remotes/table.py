"""What was measured, as a table in Markdown."""

from dataclasses import dataclass
from typing import Final

from benchmarks.remotes.movers import LATE, PATIENCE
from benchmarks.remotes.trees import MIB

_HEAD: Final = (
    "server", "case", "Cargo", "rclone", "rclone / ours", "sent by Cargo", "sent by rclone",
    "twice by Cargo", "twice by rclone",
)  # fmt: skip
_NONE: Final = ""


@dataclass(frozen=True)
class Sent:
    """What went over the line in a run that was killed, and in the one after it.

    bytes  of both together
    twice  bytes of contents that went there a second time, at most
    files  how many small files did; None for a large one
    """

    bytes: int
    twice: int
    files: int | None = None

    @property
    def again(self) -> str:
        if self.files is not None:
            return "no file" if not self.files else f"{self.files:,} files"
        return f"{self.twice / MIB:,.1f} MiB"


@dataclass(frozen=True)
class Row:
    """One case at one server.

    ours, theirs  seconds, or None: not measured; theirs may be LATE
    """

    server: str
    case: str
    ours: float | None = None
    theirs: float | None = None
    our_line: Sent | None = None
    their_line: Sent | None = None

    def __str__(self) -> str:
        ratio = "" if self.ours is None or self.theirs is None else f"{self.theirs / self.ours:.2f}"
        if self.theirs == LATE and self.ours is not None:
            ratio = f"> {PATIENCE / self.ours:.2f}"
        lines = (self.our_line, self.their_line)
        cells = (
            self.server,
            self.case,
            *map(_seconds, (self.ours, self.theirs)),
            ratio,
            *(f"{one.bytes / MIB:,.1f} MiB" if one is not None else _NONE for one in lines),
            *(one.again if one is not None else _NONE for one in lines),
        )
        return f"| {' | '.join(cells)} |"


def _seconds(one: float | None) -> str:
    if one is None:
        return _NONE
    return f"> {PATIENCE:.0f} s" if one == LATE else f"{one:.1f} s"


HEAD: Final = f"| {' | '.join(_HEAD)} |\n| --- | --- |{' ---: |' * (len(_HEAD) - 2)}"
