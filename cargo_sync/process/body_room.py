"""Memory in which the body of an answer is received, each byte at its place."""

from collections.abc import Callable, Sequence

from cargo_sync.wire.http1 import HttpAnswer


class BodyRoom:
    """Views of memory, which are filled one after the other.

    size     bytes of all of them
    rest     so many of these are still to come
    is_told  one of them was told to be full: what is in it belongs to somebody else
    is_open  what comes next belongs here

    Args:
        views: each of at least one byte.
        accepts: whether the body of an answer belongs here, if it has `size` bytes.
        filled: called with the index of each view when all of its bytes are there.
    """

    def __init__(
        self,
        views: Sequence[memoryview],
        accepts: Callable[[HttpAnswer], bool],
        filled: Callable[[int], object],
    ) -> None:
        self._views = views
        self.accepts = accepts
        self._filled = filled
        self._index = self._done = 0
        self.size = self.rest = sum(map(len, views))
        self.is_told = self.is_open = False

    def begin(self) -> None:
        """The body comes, from its first byte on."""
        self._index = self._done = 0
        self.rest = self.size
        self.is_open = bool(self._views)

    def left(self) -> memoryview:
        """Where the next bytes belong, up to the end of a view; never empty while it is open."""
        return self._views[self._index][self._done :]

    def came(self, count: int) -> None:
        """So many bytes were written to `left`."""
        self._done += count
        self.rest -= count
        if self._done == len(self._views[self._index]):
            index, self._index, self._done = self._index, self._index + 1, 0
            self.is_told, self.is_open = True, self._index < len(self._views)
            self._filled(index)

    def put(self, some: memoryview) -> None:
        """These bytes come next; they are no more than there is room for."""
        while some:
            place = self.left()[: len(some)]
            place[:] = some[: len(place)]
            some = some[len(place) :]
            self.came(len(place))
