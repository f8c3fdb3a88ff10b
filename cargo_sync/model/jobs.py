"""What a run needs to know of its job: intent without addresses or secrets."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cargo_sync.model.events import Event, Happened, Moment, moment


class Mode(StrEnum):
    UPLOAD = "upload"
    """From the local folder to the server."""
    DOWNLOAD = "download"
    """From the server to the local folder."""


class After(StrEnum):
    """What becomes of a source file once it is delivered."""

    KEEP = "keep"
    DELETE = "delete"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Rules:
    """How a job's runs behave.

    propagate  deletions at the source are repeated at the destination
    move_to    for After.MOVE: the folder, relative to the source root
    settle     seconds that a source file must have been still
    include, exclude   gitignore patterns
    trash_days how long displaced content is kept
    speed      bits a second asked for on the wire; None is as fast as it goes
    tell       the moments that callbacks are asked for
    """

    name: str
    mode: Mode
    propagate: bool = False
    after: After = After.KEEP
    move_to: str = ""
    settle: float = 2.0
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    trash_days: float = 14.0
    speed: int | None = None
    tell: frozenset[Moment] = frozenset()

    @property
    def promises(self) -> bool:
        """Callbacks wait for an end of each transfer that begins."""
        return bool(self.tell & {Moment.START, Moment.FINISH})

    def event(
        self,
        happened: Happened,
        time: float,
        path: str = "",
        size: int = 0,
        details: dict[str, Any] | None = None,
    ) -> Event:
        """An event of this job; it says of itself whether a callback is to be made of it."""
        told = moment(happened, path) in self.tell
        return Event(
            self.name, happened, time, path, size, details or {}, self.mode.value if told else ""
        )


@dataclass(frozen=True, slots=True)
class Identity:
    """What a base is bound to, on one side: if it differs, the base is set aside.

    root      what stands at the end: device and inode or the marker's id; server, workspace and
              folder
    epoch     identity of one life of a catalogue; "" for a local folder
    sequence  the catalogue's newest change; lower than ours means an old backup came back
    lineage   of the change that we had come to; another than ours means the same, when the numbers
              have caught up meanwhile
    floor     deletions up to this change may not be told any more: whoever is not as far must look
              at everything anew
    """

    root: str
    epoch: str = ""
    sequence: int = 0
    lineage: str = ""
    floor: int = 0
