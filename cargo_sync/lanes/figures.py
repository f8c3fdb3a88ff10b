"""What a lane says of itself while it runs: a plain report, never a live object."""

from dataclasses import dataclass
from typing import NamedTuple


class Moving(NamedTuple):
    """One file under way: its batch is not committed yet.

    done, size  bytes; `done` counts what the destination holds, also from earlier tries
    id          of the transfer
    """

    path: str
    done: int
    size: int
    id: str


@dataclass(frozen=True, slots=True)
class Figures:
    """One lane at one moment.

    content  bytes of files that went over it, either way
    wire     bytes of its frames, both ways
    files    what is under way now
    lost, rtt_ms, min_rtt_ms   of the sending side; None where its platform does not tell
    """

    content: int = 0
    wire: int = 0
    files: tuple[Moving, ...] = ()
    lost: int | None = None
    rtt_ms: float | None = None
    min_rtt_ms: float | None = None
