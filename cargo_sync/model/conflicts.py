"""Conflicts: both sides of a two-way job changed one path, each in its own way."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import Entry


class ConflictPolicy(StrEnum):
    """What a job does about a conflict by itself; the values are those of job files."""

    KEEP_BOTH = "keep_both"
    """The server's keeps the name; the local one becomes a conflict copy on both sides."""
    LOCAL = "local"
    """The local one wins; the server's goes to the trash there."""
    REMOTE = "remote"
    """The server's wins; the local one goes to the trash here."""
    NEWEST = "newest"
    """The one with the later modification time wins, if that can be trusted; else both stay."""
    ASK = "ask"
    """Both sides stay as they are until a person decides."""


class Choice(StrEnum):
    """How a conflict is resolved, by a policy or by a person."""

    KEEP_BOTH = "keep_both"
    LOCAL = "local"
    REMOTE = "remote"


class Evidence(NamedTuple):
    """What was seen of a path in conflict.

    base       what both sides last agreed on; None if they never did
    near, far  what the local folder and the server have there
    """

    base: Agreed | None
    near: Entry
    far: Entry

    def same_sides(self, near: Entry, far: Entry) -> bool:
        """Whether both sides still are what was seen."""
        return self.near.same_state(near) and self.far.same_state(far)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One conflict of a job, as it is kept.

    job     its name
    policy  the job's, when the conflict was seen
    open    neither resolved nor gone
    choice  how it is or will be resolved; None while nobody has decided, and for one that ended
            because a side became what the other one is
    person  a person made this choice
    copy    path of the conflict copy, or ""
    run     that saw it first, or saw other evidence last
    time    when it was first seen, unix seconds
    """

    id: int
    job: str
    path: str
    evidence: Evidence
    policy: ConflictPolicy
    open: bool
    choice: Choice | None
    person: bool
    copy: str
    run: str
    time: float
