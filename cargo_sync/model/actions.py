"""Actions: the planned steps of a run, and their results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Final, NamedTuple, overload

from cargo_sync.model import paths
from cargo_sync.model.entries import DAMAGED, FOLDER, Entry, EntryColumns
from cargo_sync.model.problems import Problem
from cargo_sync.model.xattrs import Xattrs


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
    MOVE = "move"
    """Give an entry of the destination another path there, which must be free; or exchange it with
    the one that is there."""
    CONFLICT = "conflict"
    """Both sides of a two-way job changed it, each in its own way: the job's policy decides."""
    META = "meta"
    """Give the destination's file or folder the source's time and mode. Of a file, the source's
    content is compared with what was delivered first; if it differs, this becomes a PUT."""


class Action(NamedTuple):
    """One step.

    path      relative to the job's root on either side
    source    the entry to copy, or to retire; None for DELETE and FORGET. For CONFLICT: the local
              entry
    expected  what the plan saw at the destination, None for an unoccupied path. It is checked
              again at the moment of replacement. For CONFLICT: the server's entry
    why       a few words for `job plan`: new, changed, gone at the source, …
    drifted   the destination differs from what was last delivered there; this is reported when it
              is displaced
    hash      for RETIRE, META and DELETE: BLAKE3 of what was delivered; "" for a folder. For
              ADOPT: that of both sides, if they were compared before
    moved_from  for MOVE: where the destination has the entry now; `path` is where it shall be, and
              `expected` is the entry
    occupant  for MOVE: what the destination has at `path`; the two change places
    xattrs  for META: the extended attributes that the file gets; None: it keeps its own
    """

    op: Op
    path: str
    source: Entry | None = None
    expected: Entry | None = None
    why: str = ""
    drifted: bool = False
    hash: str = ""
    moved_from: str = ""
    occupant: Entry | None = None
    xattrs: Xattrs | None = None

    @property
    def bytes(self) -> int:
        """Content bytes that would travel."""
        return self.source.size if self.op is Op.PUT and self.source else 0

    @property
    def overwrites(self) -> bool:
        """Counted by the guard: replaces or removes a sound entry of the destination."""
        expected = self.expected
        return expected is not None and expected.hash != DAMAGED and self.op in (Op.PUT, Op.DELETE)

    @property
    def replaces_folder(self) -> bool:
        """A file or a link would be put in the place of a folder, with all that is in it."""
        return self.op is Op.PUT and self.expected is not None and self.expected.kind == FOLDER


NEW: Final = "new"
"""Why a file is copied to an unoccupied path."""


@dataclass(frozen=True, slots=True)
class Puts(Sequence[Action]):
    """PUTs. Nearly all are of new files, which need no action of their own.

    paths    of the files
    sources  their entries
    others   by its index, each action that is not of a new file at an unoccupied path
    """

    paths: list[str]
    sources: EntryColumns
    others: Mapping[int, Action] = field(default_factory=dict)

    @classmethod
    def of(cls, actions: Sequence[Action]) -> "Puts":
        if isinstance(actions, Puts):
            return actions
        return cls(
            [action.path for action in actions],
            EntryColumns.of([action.source for action in actions if action.source]),
            {
                index: action
                for index, action in enumerate(actions)
                if action.expected is not None or action.why != NEW
            },
        )

    @classmethod
    def fresh(cls, folder: str, sources: EntryColumns) -> "Puts":
        """Those of new files in one folder."""
        prefix = paths.join(folder, "")
        return cls([prefix + name for name in sources.names], sources)

    @classmethod
    def joined(cls, parts: Sequence["Puts"]) -> "Puts":
        """All puts of all parts, in order."""
        if len(parts) == 1:
            return parts[0]
        others: dict[int, Action] = {}
        start = 0
        for part in parts:
            others |= {start + index: action for index, action in part.others.items()}
            start += len(part)
        files = list(chain.from_iterable(part.paths for part in parts))
        return cls(files, EntryColumns.joined([part.sources for part in parts]), others)

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Action]:
        for index, (path, source) in enumerate(zip(self.paths, self.sources, strict=True)):
            yield self.others.get(index) or Action(Op.PUT, path, source, None, NEW)

    @overload
    def __getitem__(self, at: int) -> Action: ...

    @overload
    def __getitem__(self, at: slice) -> "Puts": ...

    def __getitem__(self, at: int | slice) -> "Action | Puts":
        if isinstance(at, slice):
            start, end, _ = at.indices(len(self))
            # A queue of large files makes a slice for each: none may walk through all others.
            inside = range(start, end) if self.others else ()
            others = {at - start: self.others[at] for at in inside if at in self.others}
            return Puts(self.paths[start:end], self.sources.between(start, end), others)
        index = range(len(self))[at]
        other = self.others.get(index)
        return other or Action(Op.PUT, self.paths[index], self.sources.entry(index), None, NEW)


class Outcome(NamedTuple):
    """The result of an action; `trees.contract.Brought` has those of files that were moved.

    source, result  the entries of the source and the destination as they are now, to be agreed on;
                    None after DELETE, FORGET and failures
    hash            BLAKE3 of the content, hex
    displaced       where in the trash the displaced entry is now, or ""
    problem         why it failed; None when it did not
    transfer        id of the transfer that moved it, or failed to; "" when no content moved
    places          of a MOVE: ranges of its places in the far side's feed, as far as they are known
    lineage         of these places (machines.newest_change)
    exchanged       of a MOVE with an occupant: what is at `moved_from` now
    notice          of a META: what could not be kept, although it was done
    """

    action: Action
    source: Entry | None = None
    result: Entry | None = None
    hash: str = ""
    displaced: str = ""
    problem: Problem | None = None
    transfer: str = ""
    places: Sequence[tuple[int, int]] = ()
    lineage: str = ""
    exchanged: Entry | None = None
    notice: Problem | None = None
