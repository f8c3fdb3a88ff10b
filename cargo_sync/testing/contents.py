"""A store of contents whose copies are made when a test says so, as if its machines were away."""

from collections.abc import Sequence

from cargo_sync.lanes.ports import Reader
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.contract import (
    Coming,
    ComingFile,
    Content,
    ContentStore,
    Done,
    Forward,
    Spool,
    Wake,
)


class AwayStore:
    """Passes everything on to another store; while `away` is set, nothing is secured or read.

    away     why not, or None
    waiting  how many calls of `secure` wait
    """

    def __init__(self, store: ContentStore) -> None:
        self._store = store
        self._waiting: list[tuple[int, Sequence[Content], Done]] = []
        self._readers: list[Wake] = []
        self.away: Problem | None = None

    @property
    def spool(self) -> Spool:
        return self._store.spool

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def come_back(self) -> None:
        """Secures what waits, and wakes who reads."""
        self.away = None
        waiting, self._waiting = self._waiting, []
        for workspace, contents, done in waiting:
            self._store.secure(workspace, contents, done)
        readers, self._readers = self._readers, []
        for wake in readers:
            wake()

    def fail(self, problem: Problem) -> None:
        """What waits fails."""
        waiting, self._waiting = self._waiting, []
        for _, contents, done in waiting:
            done([problem] * len(contents))

    def forward(self, workspace: int, file: ComingFile) -> Forward:
        return self._store.forward(workspace, file)

    def is_here(self, workspace: int, file: Offer, source: bytes) -> bool:
        return self._store.is_here(workspace, file, source)

    def secure(self, workspace: int, contents: Sequence[Content], done: Done) -> None:
        if self.away is None:
            self._store.secure(workspace, contents, done)
        else:
            self._waiting.append((workspace, contents, done))

    def release(self, contents: Sequence[Content]) -> None:
        self._store.release(contents)

    def refusal(self, workspace: int) -> Problem | None:
        return self.away

    def open(self, workspace: int, content: Content, wake: Wake | None) -> Reader:
        reader = self._store.open(workspace, content, wake)
        return reader if wake is None else _LateReader(self, reader, wake)

    def coming(
        self, workspace: int, contents: Sequence[Content], wake: Wake | None = None
    ) -> Coming:
        return self._store.coming(workspace, contents, wake)

    def forget(self, workspace: int, hashes: Sequence[str]) -> None:
        self._store.forget(workspace, hashes)

    def room(self, workspace: int) -> int | None:
        return self._store.room(workspace)

    def reads_later(self, wake: Wake) -> bool:
        """Whether a reader has nothing yet; then it is woken."""
        if self.away is not None:
            self._readers.append(wake)
        return self.away is not None


class _LateReader:
    """A reader that has nothing while its store is away."""

    def __init__(self, store: AwayStore, reader: Reader, wake: Wake) -> None:
        self._store = store
        self._reader = reader
        self._wake = wake

    def read_into(self, view: memoryview, offset: int) -> int | None:
        if self._store.reads_later(self._wake):
            return None
        return self._reader.read_into(view, offset)

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        return self._reader.extent(offset, until)

    def unchanged(self) -> bool:
        return True

    def close(self) -> None:
        self._reader.close()
