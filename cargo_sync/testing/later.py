"""A sink and a source in memory whose work is done elsewhere: it is done when the test says so."""

import threading
from collections.abc import Callable, Iterable

from cargo_sync.lanes.ports import Wake
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Finished, Offer
from cargo_sync.testing.disk import (
    MemoryDisk,
    MemoryFile,
    MemoryReader,
    MemorySink,
    MemorySource,
)


def _nobody() -> None:
    """No lane has said yet whom to wake."""


class LateSink(MemorySink):
    """Publishes a batch when `publish` names it; any thread may call that, and `fill`.

    submitted  the batches that wait for it
    given      bytes of content that came
    at_last    those of them that are published while it is closed
    """

    def __init__(self, disk: MemoryDisk) -> None:
        super().__init__(disk)
        self.submitted: list[int] = []
        self.given = 0
        self.at_last: list[int] = []
        self._results: list[tuple[int, Problem | None]] = []
        self._lock = threading.Lock()
        self._full = False
        self._wake: Wake = _nobody

    def publish(self, batch: int, problem: Problem | None = None) -> None:
        """The batch is published now, or nothing of it can be, because of `problem`."""
        with self._lock:
            self.submitted.remove(batch)
            self._results.append((batch, problem))
        self._wake()

    def fill(self, full: bool = True) -> None:
        """From now on it is full, or not."""
        self._full = full
        self._wake()

    def wakes(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        self.given += len(content)
        super().whole(batch, index, content)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        self.given += len(content)
        super().part(batch, index, offset, content)

    def submit(self, batch: int) -> None:
        with self._lock:
            self.submitted.append(batch)

    def finished(self) -> list[Finished]:
        with self._lock:
            results, self._results = self._results, []
        found = [(batch, problem or self.commit(batch)) for batch, problem in results]
        return super().finished() + found

    def close(self) -> None:
        for batch in self.at_last:
            super().submit(batch)
        super().close()

    def full(self) -> bool:
        return self._full


class LateSource(MemorySource):
    """Has of each file only what `arrive` brought; any thread may call that.

    asked  the paths that were said to be coming
    """

    def __init__(self, files: dict[str, MemoryFile]) -> None:
        super().__init__(files)
        self.asked: list[str] = []
        self._here: dict[str, int] = {}
        self._wake: Wake = _nobody

    def arrive(self, path: str, size: int | None = None) -> None:
        """So many bytes of a file are here now; None: all of it."""
        self._here[path] = len(self.files[path].content) if size is None else size
        self._wake()

    def wakes(self, wake: Wake) -> None:
        self._wake = wake

    def coming(self, offers: Iterable[Offer]) -> None:
        self.asked += [offer.path for offer in offers]

    def open(self, offer: Offer) -> MemoryReader:
        super().open(offer).close()
        self.open_readers += 1
        return _LateReader(self, offer, self._here)


class _LateReader(MemoryReader):
    def __init__(self, source: LateSource, offer: Offer, here: dict[str, int]) -> None:
        super().__init__(source, offer)
        self._path = offer.path
        self._here = here

    def read_into(self, view: memoryview, offset: int) -> int | None:
        if self._here.get(self._path, -1) < offset + len(view):
            return None
        return super().read_into(view, offset)
