"""What a run needs to know about its job: its rules, without addresses or secrets."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cargo_sync.model.abilities import CARGO, Abilities
from cargo_sync.model.conflicts import ConflictPolicy
from cargo_sync.model.events import NO_DETAILS, Event, EventDetails, Happened, Moment, moment

DAY: Final = 86_400.0
"""Seconds."""


class Mode(StrEnum):
    """The mode of a job; the first two are also directions, also those of a two-way job."""

    UPLOAD = "upload"
    """From the local folder to the server."""
    DOWNLOAD = "download"
    """From the server to the local folder."""
    BIDIRECTIONAL = "bidirectional"
    """Both sides follow each other."""

    @property
    def directions(self) -> tuple["Mode", ...]:
        """The directions in which a job of this mode moves files."""
        return DIRECTIONS if self is Mode.BIDIRECTIONAL else (self,)

    @property
    def sends(self) -> bool:
        """Files of the local folder go to the server."""
        return self is not Mode.DOWNLOAD

    @property
    def receives(self) -> bool:
        """Files of the server come into the local folder."""
        return self is not Mode.UPLOAD


DIRECTIONS: Final = (Mode.UPLOAD, Mode.DOWNLOAD)


class After(StrEnum):
    """What happens to a source file after it was delivered."""

    KEEP = "keep"
    DELETE = "delete"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class LastRun:
    """What a job remembers of its last run that did something or failed.

    started, ended  unix seconds
    problem         in a sentence, or ""
    downloaded      how many of the files came from the server; None of a job in one direction
    """

    run: str = ""
    started: float = 0.0
    ended: float = 0.0
    files: int = 0
    bytes: int = 0
    errors: int = 0
    problem: str = ""
    downloaded: int | None = None


@dataclass(frozen=True, slots=True)
class GuardRules:
    """When the guard holds deletions and overwrites (`plan/guard`).

    share, at_least  more than this share of the tree, and more files than this
    window           seconds over which they are counted
    """

    share: float = 0.5
    at_least: int = 10
    window: float = DAY


@dataclass(frozen=True, slots=True)
class Rules:
    """How a job's runs behave.

    propagate         deletions at the source are repeated at the destination
    move_to           for After.MOVE: the folder, relative to the source root
    settle            seconds for which a source file must be unchanged
    include, exclude  gitignore patterns
    trash_days        how long displaced content is kept
    trash_max         bytes of it that are kept at most; None for no limit
    speed             bits per second to use on the wire; None means as fast as possible
    tell              the moments that the job wants callbacks for
    conflicts         what a two-way job does about conflicts
    guard             None: nothing is ever held
    xattrs            extended attributes travel with their files
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
    trash_max: int | None = None
    speed: int | None = None
    tell: frozenset[Moment] = frozenset()
    conflicts: ConflictPolicy = ConflictPolicy.KEEP_BOTH
    guard: GuardRules | None = GuardRules()
    xattrs: bool = False

    @property
    def promises(self) -> bool:
        """The job has callbacks that need an end of each transfer that begins."""
        return bool(self.tell & {Moment.START, Moment.FINISH})

    def event(
        self,
        happened: Happened,
        time: float,
        path: str = "",
        size: int = 0,
        details: EventDetails = NO_DETAILS,
        direction: Mode | None = None,
    ) -> Event:
        """An event of this job; its `tell` says whether it becomes a callback.

        Args:
            happened: what.
            time: unix seconds.
            path: of the file; "" if it concerns the job as a whole.
            size: of the file.
            details: more about it.
            direction: in which the file goes. The event of a two-way job tells it.
        """
        if direction is not None and self.mode is Mode.BIDIRECTIONAL:
            details = details._replace(direction=direction.value)
        return Event(self.name, happened, time, path, size, details, self.told(happened, path))

    def told(self, happened: Happened, path: str) -> str:
        """The `tell` of such an event of this job."""
        return self.mode.value if moment(happened, path) in self.tell else ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a base is bound to, on one side: if it differs, the base is discarded.

    root      which root it is: device and inode or the marker's id; server, workspace and folder
    epoch     identity of one life of a catalogue; "" for a local folder
    floor     the catalogue may have forgotten deletions up to this change: a reader that has seen
              less must scan everything
    fresh     a local folder was opened just now: what was known of it may not hold any more
    lost      a catalogue does not have the newest change that we know of: an old backup was
              restored
    folds     its file system does not tell some names apart (plan.collisions)
    xattrs    its file system keeps extended attributes
    adds      files may only be added there: a drop box
    abilities  of a far side: what its server keeps, and what it can do
    """

    root: str
    epoch: str = ""
    floor: int = 0
    fresh: bool = False
    lost: bool = False
    folds: bool = False
    xattrs: bool = False
    adds: bool = False
    abilities: Abilities = CARGO
