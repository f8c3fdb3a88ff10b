"""Who uses a content, and who deletes copies of it: never both.

A content is held from the moment when it is placed in the spool until it is recorded and released.
Whoever wants to delete copies of it claims it first; that fails while it is held. Who holds it
after that waits until the claim has ended before believing any row of it.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager


class Claims:
    """What is held, and what is being deleted. Its calls may come from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dropping = threading.Lock()
        """Held while the spool drops contents; it may take a while."""
        self._held: dict[str, tuple[int, int]] = {}
        """How often, and since which mark."""
        self._mark = 0
        self._leaving: set[str] = set()

    def hold(self, hashes: Iterable[str]) -> None:
        """Holds each once more. It waits while the spool drops contents."""
        with self._dropping, self._lock:
            for hash in hashes:
                count, since = self._held.get(hash, (0, self._mark))
                self._held[hash] = count + 1, since

    def release(self, hashes: Iterable[str]) -> list[str]:
        """Gives one hold of each back; returns those that nobody holds any more."""
        free = []
        with self._lock:
            for hash in hashes:
                if (found := self._held.pop(hash, None)) is None:
                    continue
                count, since = found
                if count > 1:
                    self._held[hash] = count - 1, since
                else:
                    free.append(hash)
        return free

    def drop(self, hashes: Iterable[str], remove: Callable[[Sequence[str]], object]) -> None:
        """Calls `remove` with those that nobody holds, and nobody can hold meanwhile."""
        with self._dropping:
            with self._lock:
                free = [hash for hash in hashes if hash not in self._held]
            if free:
                remove(free)

    def mark(self) -> int:
        """A mark: see `is_past`."""
        with self._lock:
            self._mark += 1
            return self._mark

    def is_past(self, mark: int) -> bool:
        """Whether all that was held at this mark was released."""
        with self._lock:
            return all(since >= mark for _, since in self._held.values())

    def is_held(self, hash: str) -> bool:
        with self._lock:
            return hash in self._held

    def are_leaving(self, hashes: Sequence[str]) -> bool:
        """Whether copies of one of these are being deleted."""
        with self._lock:
            return not self._leaving.isdisjoint(hashes)

    @contextmanager
    def deleting(self, hashes: Iterable[str]) -> Iterator[list[str]]:
        """Those of which copies may be deleted while this is entered."""
        with self._lock:
            mine = [hash for hash in hashes if hash not in self._held and hash not in self._leaving]
            self._leaving.update(mine)
        try:
            yield mine
        finally:
            with self._lock:
                self._leaving.difference_update(mine)
