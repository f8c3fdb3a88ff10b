"""What a lane reports about itself while it runs: plain values, never live objects."""

from dataclasses import dataclass
from typing import NamedTuple


class Moving(NamedTuple):
    """One file that is being transferred: its batch is not committed yet.

    done, size  bytes; `done` counts what the receiver has got, also in earlier tries
    id          id of the transfer
    """

    path: str
    done: int
    size: int
    id: str


@dataclass(frozen=True, slots=True)
class Figures:
    """One lane at one moment.

    content  bytes of files' content that it carried, as its receiver counted them
    had      bytes of the files that were offered that did not come over it: those that the receiver
             had already, and holes
    wire     bytes of its frames, both ways
    files    the files that are being transferred now
    lost, rtt_ms, min_rtt_ms   measured by the sending side; None if its platform cannot
    """

    content: int = 0
    had: int = 0
    wire: int = 0
    files: tuple[Moving, ...] = ()
    lost: int | None = None
    rtt_ms: float | None = None
    min_rtt_ms: float | None = None
