"""Which deleted files were moved: their content was brought to another path lately.

A small file that was renamed is sent again, and its old path is deleted. That loses nothing, so the
guard must not count it. Of each content, as many deletions are moves as files with this content
were brought in the guard's window, if one of these is still there as it was brought. So what was
brought and deleted since excuses nothing, and one new copy excuses one deletion. A file that was
renamed twice was brought twice.
"""

from collections.abc import Iterable
from typing import Final

MOST: Final = 100_000
"""Contents that are compared; the deletions of all others count."""


class MovedContent:
    """Compares the contents that were deleted with those that were brought.

    First all deletions are named (`gone`), then what was brought, then `take` says of each deletion
    whether it was a move. Contents are BLAKE3 in hex; "" is not known.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._brought: dict[int, int] = {}
        """By content that is gone: how many files were brought, without those that moves used."""
        self._there: set[int] = set()
        """Contents of which a brought file is still there."""
        self._taken: dict[int, int] = {}

    def gone(self, contents: Iterable[str]) -> None:
        """Files with these contents are deleted."""
        for content in contents:
            if content and len(self._brought) < self._most:
                self._brought.setdefault(_key(content), 0)

    def used(self, contents: Iterable[str]) -> None:
        """Deletions with these contents were found to be moves before."""
        for content in contents:
            if content and (key := _key(content)) in self._brought:
                self._brought[key] -= 1

    def concerns(self, content: str) -> bool:
        """Whether a file with this content is deleted."""
        return _key(content) in self._brought

    def is_there(self, content: str) -> bool:
        """Whether a brought file with this content is known to be there still."""
        return _key(content) in self._there

    def brought(self, content: str, *, there: bool) -> None:
        """A file with this content was brought; `there`: it is there as it was brought."""
        key = _key(content)
        self._brought[key] += 1
        if there:
            self._there.add(key)

    def take(self, content: str) -> bool:
        """Whether the next deletion of a file with this content is a move."""
        if not content or (key := _key(content)) not in self._there:
            return False
        taken = self._taken.get(key, 0)
        if taken >= self._brought[key]:
            return False
        self._taken[key] = taken + 1
        return True

    def take_again(self) -> None:
        """The same deletions are asked about once more."""
        self._taken.clear()


def _key(content: str) -> int:
    """A hash in less room: half of it is enough to tell contents apart."""
    return int(content[:32], 16)
