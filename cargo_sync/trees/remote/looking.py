"""What a remote's listings become for a survey: whole folders, large ones in parts."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.entries import Entry, EntryColumns
from cargo_sync.model.large_folders import MOST, cuts
from cargo_sync.model.problems import Code, Problem
from cargo_sync.model.world import Offload
from cargo_sync.trees.contract import Delta, Missed, Whole
from cargo_sync.trees.remote.contract import RemoteFolder, RemoteListing
from cargo_sync.trees.remote.feed import RemoteFeed, TellsChanges

LARGE: Final = 2_000
"""Entries that are sorted and encoded in a thread: fewer take a millisecond or two."""


class RemoteLook:
    """Looks at a remote, again and again.

    staged  files of ours beside their places, by path, as the last whole look saw them; None before
    had     whether something was agreed on in a folder: nothing can seem to be lost where not
    """

    def __init__(
        self,
        remote: RemoteFolder,
        offload: Offload,
        lived: Callable[[], float],
        had: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._remote = remote
        self._offload = offload
        self._feed = RemoteFeed(remote, remote, lived) if isinstance(remote, TellsChanges) else None
        self._had = had
        self._empty = EmptyListings()
        self.staged: Mapping[str, Entry] | None = None

    async def observe(self, cursor: int) -> AsyncIterator[Sequence[Whole | Missed] | Delta]:
        """Reports every folder; of a server that tells of changes, those that may be others.

        Args:
            cursor: where the look before this one ended; 0: nothing is known.

        Raises:
            ProblemError: the server cannot be reached.
        """
        feed = self._feed if self._remote.abilities.feed else None
        self._empty.begin()
        staged: dict[str, Entry] = {}
        async for group in self._remote.walk() if feed is None else feed.walk(cursor):
            seen: list[Whole | Missed] = []
            for one in group:
                if isinstance(one, RemoteListing):
                    staged |= {paths.join(one.path, file.name): file for file in one.staged}
                if isinstance(one, Missed):
                    seen.append(one)
                elif not self._remote.abilities.empties and (doubt := await self._doubtful(one)):
                    seen.append(doubt)
                elif len(one.entries) > LARGE:
                    seen += await self._offload(parts_of, one)
                else:
                    seen += parts_of(one)
            yield seen
        self._empty.end()
        if feed is None:
            self.staged = staged
        if feed is not None and feed.cursor:
            yield Delta((), feed.cursor)

    async def _doubtful(self, listing: RemoteListing) -> Missed | None:
        """The folder as it is reported if its empty listing is not believed yet."""
        is_empty = not listing.entries and not listing.problems
        doubted = is_empty and not self._empty.believes(listing.path)
        if doubted and await self._offload(self._had, listing.path):
            words = f"{listing.path or 'the folder'!r} is listed as empty; the next look decides"
            return Missed(listing.path, Problem(Code.VANISHED, words, listing.path))
        if not is_empty:
            self._empty.filled(listing.path)
        return None


class EmptyListings:
    """Which empty listings are to be believed, of a server that also sends them by mistake.

    One is doubted if its folder had something before, or if nothing is known about it because this
    is the first look. It is believed when the next look in a row sees the same. What had something
    is known by a hash of its path: 100,000 folders take some megabytes.
    """

    def __init__(self) -> None:
        self._filled: set[int] = set()
        self._doubted: set[str] = set()
        self._doubts: set[str] = set()
        self._known = False

    def begin(self) -> None:
        """A look begins."""
        self._doubts = set()

    def believes(self, path: str) -> bool:
        """Whether the empty listing of a folder is believed; it was listed just now."""
        if path in self._doubted or (self._known and hash(path) not in self._filled):
            self._filled.discard(hash(path))
            return True
        self._doubts.add(path)
        return False

    def filled(self, path: str) -> None:
        """A folder has something."""
        self._filled.add(hash(path))

    def end(self) -> None:
        """The look saw everything."""
        self._doubted, self._known = self._doubts, True


def parts_of(listing: RemoteListing) -> list[Whole]:
    """A folder as the survey takes it, a large one in parts, whose cuts are those of every scan."""
    entries = sorted(listing.entries)
    columns = EntryColumns.of(entries)
    starts = cuts(columns.names) if len(entries) > MOST else [0]
    firsts = ["", *(columns.names[at] for at in starts[1:])]
    parts = []
    for first, end, start, until in zip(
        firsts, [*firsts[1:], ""], starts, [*starts[1:], len(entries)], strict=True
    ):
        part = columns.between(start, until)
        problems = tuple(listing.problems) if not first else ()
        parts.append(Whole(listing.path, part.encode(), len(part), problems, first, end))
    return parts
