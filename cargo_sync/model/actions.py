"""Actions: the planned steps of a run, and what became of them."""

from dataclasses import dataclass
from enum import StrEnum

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Problem


class Op(StrEnum):
    """What is done to the destination (or, FORGET, to the base alone)."""

    MKDIR = "mkdir"
    PUT = "put"
    """Bring a file's content or a link over."""
    ADOPT = "adopt"
    """Both sides look alike: compare by hash; equal is agreed without sending, else it becomes a
    PUT."""
    DELETE = "delete"
    """Displace the destination's entry to its trash."""
    FORGET = "forget"
    """Drop the agreement; nothing is touched on either side."""
    LEAVE = "leave"
    """Agree on the source's state without touching the destination."""
    RETIRE = "retire"
    """Take a delivered source file out of the way, as the job's `after_transfer` says."""


@dataclass(frozen=True, slots=True)
class Action:
    """One step.

    path      relative to the job's root on either side
    source    the entry to bring over, or to retire; None for DELETE and FORGET
    expected  what the plan saw at the destination, None for an unoccupied path. It is looked at
              again at the moment of replacement
    why       a few words for `job plan`: new, changed, gone at the source, …
    drifted   the destination differs from what was last delivered there: say so when it is
              displaced
    hash      for RETIRE: BLAKE3 of what was delivered
    """

    op: Op
    path: str
    source: Entry | None = None
    expected: Entry | None = None
    why: str = ""
    drifted: bool = False
    hash: str = ""

    @property
    def bytes(self) -> int:
        """Content bytes that would travel."""
        return self.source.size if self.op is Op.PUT and self.source else 0

    @property
    def overwrites(self) -> bool:
        """Counted by the guard: replaces or removes something that stands at the destination."""
        return self.expected is not None and self.op in (Op.PUT, Op.DELETE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action.

    source, result  the entries of the source and the destination as they now are, to be agreed on;
                    None after DELETE, FORGET and failures
    hash            BLAKE3 of the content, hex
    displaced       where in the trash what stood there lies now, or ""
    problem         why it failed; None when it did not
    transfer        id of the transfer that moved it, "" when no content moved
    seconds   that it took
    lost, rtt_ms             the flow's lost frames and mean round trip meanwhile; None where not
                             measured
    """

    action: Action
    source: Entry | None = None
    result: Entry | None = None
    hash: str = ""
    displaced: str = ""
    problem: Problem | None = None
    transfer: str = ""
    seconds: float = 0.0
    lost: int | None = None
    rtt_ms: float | None = None
