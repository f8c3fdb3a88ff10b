"""Actions: the planned steps of a run, and their results."""

from enum import StrEnum
from typing import NamedTuple

from cargo_sync.model.entries import DAMAGED, Entry
from cargo_sync.model.problems import Problem


class Op(StrEnum):
    """What is done to the destination (or, FORGET, to the base alone)."""

    MKDIR = "mkdir"
    PUT = "put"
    """Copy a file's content, or a link, to the destination."""
    ADOPT = "adopt"
    """Both sides look the same: compare the hashes. Equal ones are agreed on, nothing is sent;
    otherwise this becomes a PUT."""
    DELETE = "delete"
    """Move the destination's entry to its trash."""
    FORGET = "forget"
    """Delete the agreement; nothing changes on either side."""
    LEAVE = "leave"
    """Agree on the source's state without a change at the destination."""
    RETIRE = "retire"
    """Delete or move a delivered source file, as the job's `after_transfer` says."""


class Action(NamedTuple):
    """One step.

    path      relative to the job's root on either side
    source    the entry to copy, or to retire; None for DELETE and FORGET
    expected  what the plan saw at the destination, None for an unoccupied path. It is checked
              again at the moment of replacement
    why       a few words for `job plan`: new, changed, gone at the source, …
    drifted   the destination differs from what was last delivered there; this is reported when it
              is displaced
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
        """Counted by the guard: replaces or removes a sound entry of the destination."""
        expected = self.expected
        return expected is not None and expected.hash != DAMAGED and self.op in (Op.PUT, Op.DELETE)


class Outcome(NamedTuple):
    """The result of an action; `trees.contract.Brought` has those of files that were moved.

    source, result  the entries of the source and the destination as they are now, to be agreed on;
                    None after DELETE, FORGET and failures
    hash            BLAKE3 of the content, hex
    displaced       where in the trash the displaced entry is now, or ""
    problem         why it failed; None when it did not
    transfer        id of the transfer that moved it, or failed to; "" when no content moved
    """

    action: Action
    source: Entry | None = None
    result: Entry | None = None
    hash: str = ""
    displaced: str = ""
    problem: Problem | None = None
    transfer: str = ""
