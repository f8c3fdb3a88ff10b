"""What a look looks at in a job's local folder: all of it, or only what may have changed.

Theory. After a look at everything, the state knows each folder as it was. A later look may leave
out a folder if nothing changed in it since. That is so for a folder without hints, as long as hints
tell everything; only what the state still has to settle is looked at anyway. So a look is at
everything

    at the start, and when the folder was opened or watched anew,
    when hints do not tell everything, or some were lost,
    when the last look did not end, or could not read a folder,
    when a person orders it,
    every `interval` seconds at the latest: some changes have no hint (docs/operations.md). Jobs
    that begin together do not do so at the same time.

A download needs no hints: only a change on the server is a reason to act, and the state unsettles
its folder. A hint counts for the next look if it comes after the beginning of one.
"""

from collections.abc import Collection
from typing import Final

HOUR: Final = 3600.0
FEW: Final = 10_000
"""Folders that a look looks at one by one. If there are more, it is at everything."""


class NearScope:
    """The scope of one job's next look. Times are seconds of one steady clock."""

    def __init__(self, interval: float = HOUR, chance: float = 1.0) -> None:
        """`chance` is in [0, 1): it makes the interval shorter, down to a half."""
        self._interval = interval * (0.5 + chance / 2)
        self._trusted = False
        self._changed: set[str] = set()
        self._left: Collection[str] = ()
        self._known_at: float | None = None
        """When the last look at everything began, if nothing was missed since."""
        self._begun: float | None = None
        """When the look at everything began that has not ended yet."""

    def trust(self, trusted: bool) -> None:
        """Whether each change is hinted from now on, or needs no hint."""
        if trusted != self._trusted:
            self._trusted = trusted
            self.everything()

    def hinted(self, folders: Collection[str] | None) -> None:
        """Something changed in these folders, or nobody knows where (None)."""
        if folders is not None:
            self._changed.update(folders)
        if folders is None or len(self._changed) > FEW:
            self.everything()

    def everything(self) -> None:
        """The next look is at everything, because nothing is known for sure."""
        self._known_at = self._begun = None
        self._changed.clear()

    def knows(self, now: float) -> bool:
        """Whether a look that begins now is only at what may have changed."""
        known = self._known_at
        return self._trusted and known is not None and now - known < self._interval

    def begin(self, now: float) -> frozenset[str] | None:
        """A look begins; returns the folders that may have changed, or None for all folders."""
        knows, known = self.knows(now), self._known_at
        self._known_at = None
        if not knows:
            self._begun = now if self._trusted else None
            self._changed.clear()
            return None
        self._begun = known
        changed, self._changed = self._changed, set()
        return frozenset(changed).union(self._left)

    def ended(self, left: Collection[str], *, missed: bool) -> None:
        """The look has seen what it wanted to see.

        Args:
            left: the folders in which names were left out. They are looked at each time, so that
                it is known what is left out.
            missed: a folder could not be read.
        """
        self._left = left
        self._known_at = None if missed or len(left) > FEW else self._begun
