"""What a server tells of its changes, so that a look lists only the folders in which some are.

The server says where something changed; what is there now is listed, as in every other look. So
what it says of a file is never believed, a change that it tells twice costs one listing, and own
changes need no care. Everything is looked at

- first after each start, because what could not be listed is remembered in memory alone;
- when the server does not know the cursor any more, or tells of too many folders;
- and once a day: a server may know nothing of what was changed behind its back.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from cargo_sync.model.jobs import DAY
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import RemoteFolder, RemoteListing
from cargo_sync.trees.remote.walking import walk_some

MOST: Final = 5_000
"""Folders that are listed one by one; for more of them everything is."""


@dataclass(frozen=True, slots=True)
class ChangedFolders:
    """Where something changed since a cursor. A folder may be in both, or be gone.

    folders  what is directly in them may be another
    below    so may be all that is below them: they are new or were renamed
    cursor   where the next look begins
    """

    folders: Collection[str]
    below: Collection[str]
    cursor: int


@runtime_checkable
class TellsChanges(Protocol):
    """A remote that can tell of changes; whether its server does is `abilities.feed`.

    Of a change of ours below `.cargo_sync` nothing is told.
    """

    async def newest_change(self, since: int) -> int:
        """The number of the newest change, asked for before a look at everything.

        Args:
            since: of a change that the server had earlier, which makes it cheap; 0 for none.

        Returns:
            0 if the server does not say it.
        """

    async def changes(self, since: int, most: int) -> ChangedFolders | None:
        """Where something changed after the change `since`.

        Returns:
            None if that is not known, or if there are more than `most` folders: then everything
            must be looked at.
        """


class RemoteFeed:
    """Looks at a remote that tells of changes.

    cursor  where the look after this one begins; 0 if that is a look at everything. It is known
            when a look has ended
    """

    def __init__(
        self, remote: RemoteFolder, tells: TellsChanges, lived: Callable[[], float]
    ) -> None:
        self._remote = remote
        self._tells = tells
        self._lived = lived
        self._since = 0
        """Where the last look at everything began; 0: there was none, or it did not end."""
        self._due = 0.0
        self._missed: set[str] = set()
        self._left_out: set[str] = set()
        """Folders that no look has listed completely: they are listed again, changed or not."""
        self.cursor = 0

    async def walk(self, cursor: int) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
        """As `RemoteFolder.walk`, but only folders in which something may have changed."""
        now, told = self._lived(), None
        self.cursor = 0
        if self._since and cursor >= self._since and now < self._due:
            told = await self._tells.changes(cursor, MOST)
        if told is None:
            # A look at everything that is cut has told of folders, but perhaps not what is in them.
            self._since = 0
            newest, groups = await self._tells.newest_change(cursor), self._remote.walk()
        else:
            some, below = {*told.folders, *self._left_out}, {*told.below, *self._missed}
            newest, groups = told.cursor, walk_some(self._remote.list, some, below)
        missed, left_out = set[str](), set[str]()
        async for group in groups:
            for one in group:
                if isinstance(one, Missed):
                    missed.add(one.path)
                elif one.problems:
                    left_out.add(one.path)
            yield group
        if told is None:
            self._since, self._due = newest, now + DAY
        self._missed, self._left_out = missed, left_out
        self.cursor = newest if len(missed) + len(left_out) < MOST else 0
