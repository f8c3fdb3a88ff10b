"""Whether a destination has room: what a job learns from the files that it takes and refuses.

Nobody tells a client how much is free on a server. But a file that was refused for want of room
says that no larger one fits either. So, within a run, only smaller files are offered after it. A
run thus tries each file for which there may be room, and few others.

A file that is too large for the disk fails alone, and the others go on. The disk counts as full if
it refused a file that is no larger than one it took in the same run, or took nothing at all. Then
the job is held, and every now and then it offers the smallest file that waits. When that one fits,
all others are offered again. Empty files and folders show nothing: they fit on a full disk, too.

The same is done when a quota on the server is used up, with one difference. Of a file that replaces
another one, only the difference counts there, which the server knows. So such a file is always
offered, and shows nothing about the others.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from cargo_sync.model.problems import Code, Problem

PROBE: Final = 30.0
"""Seconds after which a full disk, or a used up quota, is tried again, with one file."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file for which there was no room."""

    path: str
    size: int
    problem: Problem


class DestinationRoom:
    """The room at one destination of a job, from run to run.

    full      the smallest file that waits does not fit: the disk is full, or the quota used up
    smallest  that file; also without `full`, while larger files than the disk can take wait
    passed    files of this run that were not offered, because there is no room for them
    met       `smallest` is still to be brought here, as this run has seen
    """

    def __init__(self) -> None:
        self.full = False
        self.smallest: Refused | None = None
        self.passed = 0
        self.met = False
        self._refused: Refused | None = None
        self._took = 0
        self._took_new = 0

    @property
    def lacking(self) -> Code:
        """What there is too little of: DISK_FULL or OVER_QUOTA."""
        known = self._refused or self.smallest
        return Code.DISK_FULL if known is None else known.problem.code

    @property
    def tight(self) -> bool:
        """Whether there may be no room for some files of this run."""
        return self._refused is not None or self.full

    def begin(self) -> None:
        """A run begins."""
        self.passed, self._refused, self._took, self._took_new = 0, None, 0, 0
        self.met = False

    def meets(self, paths: Collection[str]) -> None:
        """Notes that these files are to be brought here, now or when they are due."""
        self.met |= self.smallest is not None and self.smallest.path in paths

    def may_try(self, path: str, size: int, *, replaces: bool = False) -> bool:
        """Whether to offer a file. Counts it as passed if not.

        `replaces`: it takes the place of another one.
        """
        known = self.smallest if self.full else None
        refused = self._refused or known
        if refused is None or size < refused.size or (known is not None and path == known.path):
            return True
        if replaces and self.lacking is Code.OVER_QUOTA:
            return True
        self.passed += 1
        return False

    def took(self, path: str, size: int, *, replaced: bool = False) -> bool:
        """A file arrived. Returns whether the files that waited for room are to be tried now."""
        smallest = self.smallest
        self._took = max(self._took, size)
        if not replaced:
            self._took_new = max(self._took_new, size)
        elif self.lacking is Code.OVER_QUOTA and smallest is not None and path != smallest.path:
            return False
        if smallest is None or (size < smallest.size and path != smallest.path):
            return False
        self.full, self.smallest, self.passed = False, None, 0
        return True

    def took_all(
        self, paths: Sequence[str], sizes: Sequence[int], replaced: Collection[int] = ()
    ) -> bool:
        """Like `took`, for a batch of files; `replaced` are the indices of those that replaced."""
        if self.smallest is None:
            self._took = max(self._took, *sizes)
            new = (size for index, size in enumerate(sizes) if index not in replaced)
            self._took_new = max(self._took_new, max(new if replaced else sizes, default=0))
            return False
        took = [
            self.took(path, size, replaced=index in replaced)
            for index, (path, size) in enumerate(zip(paths, sizes, strict=True))
        ]
        return any(took)  # of all files, not up to the first

    def refused(self, path: str, size: int, problem: Problem) -> None:
        """There was no room for a file."""
        if self._refused is None or size < self._refused.size:
            self._refused = Refused(path, size, problem)

    def end(self, *, waits: bool) -> None:
        """A run ended normally.

        Args:
            waits: whether `smallest` still waits for another try.
        """
        known, refused = self.smallest, self._refused
        if refused is None and not waits:
            self.full, self.smallest = False, None  # it is gone: the others may fit
            return
        self.smallest = smallest = refused or known
        took = self._took_new if self.lacking is Code.OVER_QUOTA else self._took
        if smallest is not None and took:
            self.full = smallest.size <= took
        elif refused is not None and (known is None or refused.size < known.size):
            self.full = True  # otherwise what is known from an earlier run still holds
