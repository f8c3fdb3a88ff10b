"""The ledger: how many copies of each content there are, on both sides and in both trashes.

A person may destroy the last copy of what is theirs. No step of the engine may.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.testing.tree import MemoryTree


class Ledger:
    """`lost` has the contents whose last copy went without a person."""

    def __init__(self) -> None:
        self.copies: Counter[bytes] = Counter()
        self.lost: set[bytes] = set()
        self._person = False

    @contextmanager
    def person(self) -> Iterator[None]:
        """What goes meanwhile was taken away by a person, or by a disaster."""
        before, self._person = self._person, True
        try:
            yield
        finally:
            self._person = before

    @property
    def is_person(self) -> bool:
        return self._person

    def more(self, content: bytes) -> None:
        self.copies[content] += 1

    def fewer(self, content: bytes) -> None:
        left = self.copies[content] = self.copies[content] - 1
        if left == 0 and not self._person:
            self.lost.add(content)


class CountedTree(MemoryTree):
    """A memory tree whose contents are in the ledger.

    keeps_links  people can make links here
    kept         an entry without what one of the sides does not keep
    """

    def __init__(self, part: Literal["near", "far"], ledger: Ledger) -> None:
        super().__init__(part, part)
        self.keeps_links = True
        self.kept: Callable[[Entry], Entry] = lambda entry: entry
        self.part: Literal["near", "far"] = part
        self.ledger = ledger

    def _keep(self, path: str, content: bytes) -> None:
        self.ledger.more(content)
        self._drop(path)
        super()._keep(path, content)

    def _drop(self, path: str) -> None:
        if path in self._contents:
            self.ledger.fewer(self._contents[path])
        super()._drop(path)

    def _throw_away(self, path: str, content: bytes) -> None:
        self.ledger.more(content)
        super()._throw_away(path, content)

    def all(self) -> dict[str, Entry]:
        return dict(self._entries)

    def folders(self) -> list[str]:
        return ["", *(path for path, entry in self._entries.items() if entry.kind == FOLDER)]

    def below(self, path: str) -> list[str]:
        """What is at `path` and below it, in the order in which it came."""
        start = path + "/"
        return [one for one in self._entries if one == path or one.startswith(start)]
