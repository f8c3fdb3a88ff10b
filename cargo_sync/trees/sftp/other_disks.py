"""Which folders of a server are on another disk than our folder: nothing is renamed into them."""

from typing import Final

from cargo_sync.model import paths
from cargo_sync.trees.remote.staging import is_staged

MOST: Final = 10_000
"""Folders that are remembered; then all is found out anew."""


class OtherDisks:
    """What is known of folders, by what the server did."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}

    def has(self, path: str) -> bool:
        """Whether the folder above a path is known to be on another disk."""
        return self._known.get(paths.parent(path), False)

    def is_known(self, path: str) -> bool:
        """Whether it is known on which disk that folder is."""
        return paths.parent(path) in self._known

    def note(self, path: str, *, elsewhere: bool) -> None:
        """It is known now on which disk that folder is."""
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[paths.parent(path)] = elsewhere

    def found(self, path: str, place: str) -> bool:
        """A file that was staged at `place` could not be renamed to its path.

        Returns:
            Whether it is worth trying again, from a place beside it.
        """
        again = is_staged(place)
        self.note(path, elsewhere=again)
        return again
