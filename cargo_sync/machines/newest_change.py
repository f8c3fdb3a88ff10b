"""The newest change of a server that a client knows of: the proof that the server did not go back.

A server numbers its changes. When it is restored from an older state, the numbers that were lost
are given out again, but in another lineage (each start of a server begins one). So if the server
still has this one number with this lineage, it has all changes before it too.

What a client keeps is safe only if it is older than this proof, or stored together with it. That is
true of what was listed, and of what the client itself has changed there: a backup of the server may
lack just that.

With a page of a listing goes the newest change that the server had when it made the page, not the
one where the page ends. A path comes once, where its last change is: of one that has changed twice
the page may lack the first change, because the second one comes later. A server restored to a time
in between has just that first change, and does not tell it again.
"""

from typing import Final, NamedTuple


class Lineage(NamedTuple):
    """Whose changes are numbered from `first` on: those of one start of a server.

    token  "" if the server does not say it: then nothing is proved by its numbers
    """

    token: str = ""
    first: int = 0


class SeenChange(NamedTuple):
    """A change of a server; number 0 stands for none."""

    number: int = 0
    lineage: str = ""


NOTHING_SEEN: Final = SeenChange()


class NewestChange:
    """Keeps the newest change that a server has shown.

    A change of another lineage proves nothing of those before it: the server may have been restored
    in between. So the one that is kept gives way to it only if both are of one lineage, or if one
    start of the server has both. What a start has, it keeps: a server is restored while it does not
    run. Each further page of a listing asks for the change that is kept, so it may come from a
    later start; what the client itself changes, at another start than it has asked, may not.

    change  the newest one
    """

    def __init__(self) -> None:
        self.change = NOTHING_SEEN
        self._start = ""
        """Which start of the server has `change`, by the lineage of what it makes."""

    def begin(self, change: SeenChange, by: str) -> None:
        """The server was asked, and its start `by` has this change."""
        self.change, self._start = change, by

    def confirm(self, change: SeenChange, by: str) -> None:
        """The server was asked again, and its start `by` has this change, which it has shown."""
        if change == self.change:
            self._start = by

    def add(self, number: int, lineage: str, by: str = "") -> None:
        """The server has shown this change.

        Args:
            number: of the change.
            lineage: of the change.
            by: of the changes that this start of the server makes; "" for the one that made it.
        """
        by = by or lineage
        follows = not self.change.number or lineage == self.change.lineage or by == self._start
        if follows and number > self.change.number:
            self.change = SeenChange(number, lineage)
        if self.change == (number, lineage):
            self._start = by
