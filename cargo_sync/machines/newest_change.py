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
    in between. So the one that is kept gives way to it only if the server was asked for it before,
    or if the start of the server that made the new change has shown the one that is kept. A listing
    asks with each further page for the change that is kept.

    change  the newest one
    """

    def __init__(self) -> None:
        self.change = NOTHING_SEEN
        self._asked = NOTHING_SEEN
        self._shown_by = ""
        """Which start of the server has shown `change`, by the lineage of what it makes."""

    def begin(self, change: SeenChange) -> None:
        """The server was asked, and has this change."""
        self.change = self._asked = change
        self._shown_by = ""

    def confirm(self, change: SeenChange) -> None:
        """The server was asked again, and still has this change, which it has shown."""
        if change == self.change:
            self._asked = change

    def add(self, number: int, lineage: str, by: str = "") -> None:
        """The server has shown this change.

        Args:
            number: of the change.
            lineage: of the change.
            by: of the changes that this start of the server makes; "" for the one that made it.
        """
        proved = lineage in (self.change.lineage, self._shown_by) or self.change == self._asked
        if proved and number > self.change.number:
            self.change = SeenChange(number, lineage)
        if self.change == (number, lineage):
            self._shown_by = by or lineage
