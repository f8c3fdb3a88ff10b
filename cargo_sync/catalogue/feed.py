"""The changes of a workspace, as a client asks for them when it looks; and where they are."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import Catalogue, ChangesPage
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges
from cargo_sync.model.problems import Code, ProblemError

EVERYTHING: Final = 2**63 - 1


class Position(NamedTuple):
    """The current position of a workspace.

    sequence  the version of the newest change
    lineage   of the change that was asked about
    floor     deletions up to this version may be forgotten
    """

    epoch: str
    sequence: int
    lineage: str
    floor: int


class FeedPage(NamedTuple):
    """What is new for a client that knows a workspace up to a change.

    known    the lineage of the newest change that it knows
    without  the client's own changes are left out
    """

    page: ChangesPage
    known: str
    without: bool


class ChangeFeed:
    """The feed of the workspace with this id and epoch. It blocks."""

    def __init__(self, catalogue: Catalogue, id: int, epoch: str) -> None:
        self._catalogue = catalogue
        self._id = id
        self._epoch = epoch

    def position(self, since: int) -> Position:
        """The current position, for a client that knows the workspace up to the change `since`."""
        page = self._catalogue.changes(self._id, EVERYTHING, "", 1)
        lineage = self._catalogue.lineage(self._id, since)
        return Position(self._epoch, page.sequence, lineage, page.floor)

    def look(
        self,
        since: int,
        under: str,
        limit: int,
        own: OwnChanges = NO_CHANGES,
        newest: int | None = None,
        finish: Callable[[], bool] = lambda: False,
    ) -> FeedPage:
        """Changes below `under` after `since`, and what a client asks at the start of a look.

        Args:
            since: the change up to which the client has seen all.
            under: a folder.
            limit: of the rows.
            own: changes that the client made after that. They are left out if the newest of them is
                still what it was: an old backup may have been restored.
            newest: the newest change that the client knows of; None: `since`.
            finish: called while a folder that moved is torn: a client would take what is missing in
                it at its new path for deleted. False: it stays torn.
        """
        there = self.position(own.newest) if own.ranges else None
        same = there is not None and (there.lineage == own.lineage and there.sequence >= own.newest)
        without = own.ranges if same else ()
        page = self._catalogue.changes(self._id, since, under, limit, without)
        while page.torn and finish():
            page = self._catalogue.changes(self._id, since, under, limit, without)
        known = self._catalogue.lineage(self._id, since if newest is None else newest)
        return FeedPage(page, known, same)


class FeedPaths:
    """Where something changed, in all workspaces. It blocks."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def sequences(self) -> dict[int, int]:
        """The newest number of each workspace."""
        return self._catalogue.sequences()

    def paths(self, workspace: int, since: int, most: int) -> tuple[Sequence[str], int]:
        """What changed after the number `since`, and the newest number.

        The path is "", which means everything, if it is more than `most`, or if the numbers went
        back or are gone.
        """
        try:
            page = self._catalogue.changes(workspace, since, "", most)
        except ProblemError as error:
            if error.problem.code is not Code.UNKNOWN_WORKSPACE:
                raise
            return [""], 0
        if page.more or page.torn or page.sequence < since:
            return [""], page.sequence
        return [path for path, _ in page.rows], page.sequence
