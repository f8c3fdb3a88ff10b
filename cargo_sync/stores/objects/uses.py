"""Which objects this process has written, as long as their contents may still be recorded.

After that, an object of which nothing was recorded is given up: it held what the workspace had
already, or what nobody wanted any more.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from cargo_sync.stores.contract import Content


class ObjectUses:
    """One event loop uses it."""

    def __init__(self, is_held: Callable[[str], bool]) -> None:
        """`is_held` says whether somebody holds a content, by its hash."""
        self._is_held = is_held
        self._objects: dict[str, list[int]] = defaultdict(list)
        self._contents = Counter[int]()
        self._ended: list[int] = []

    def add(self, object: int, contents: Sequence[Content]) -> None:
        """An object has these contents, or will have them."""
        self._contents[object] += len(contents)
        for content in contents:
            self._objects[content.hash].append(object)
        self.released([one.hash for one in contents if not self._is_held(one.hash)])

    def released(self, hashes: Iterable[str]) -> None:
        """Nobody holds these any more: what was to be recorded of them is."""
        for hash in hashes:
            for object in self._objects.pop(hash, ()):
                self._contents[object] -= 1
                if not self._contents[object]:
                    self.end(object)

    def end(self, object: int) -> None:
        """Nothing more is recorded of an object."""
        self._contents.pop(object, None)
        self._ended.append(object)

    def take_ended(self) -> list[int]:
        """Those that have ended since the last call."""
        ended, self._ended = self._ended, []
        return ended
