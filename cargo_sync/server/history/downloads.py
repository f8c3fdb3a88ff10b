"""Files that left the server: what lanes and HTTP sent is collected, and written once a second.

A file of a lane counts when its client confirms it, one over HTTP when its last byte was sent. No
transfer waits for this: what left in the second before a power cut may be missing in the history.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from cargo_sync.machines.fetched_parts import FetchedBytes, FetchedParts
from cargo_sync.model.history import ChangeCause, HistoryFiles, HistoryKind, ToldBatch
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.history import HistoryRows

MOST: Final = 200_000
"""Files that wait to be written while the state cannot be written; then the oldest are dropped."""

_log = logging.getLogger(__name__)


class FetchedVersion(NamedTuple):
    """A version of a file that somebody fetches over HTTP."""

    workspace: int
    cause: ChangeCause
    path: str
    hash: str
    version: int


class _Left(NamedTuple):
    """Files that left in the same way."""

    workspace: int
    cause: ChangeCause
    files: HistoryFiles
    seconds: float


class Downloads:
    """The files that left and are not written yet. Any thread may add some.

    Args:
        rows: the history.
        tell: called with what was written.
        world: clocks and threads.
    """

    def __init__(
        self, rows: HistoryRows, tell: Callable[[Sequence[ToldBatch]], None], world: World
    ) -> None:
        self._rows = rows
        self._tell = tell
        self._world = world
        self._lock = threading.Lock()
        self._left: list[_Left] = []
        self._parts = FetchedParts[FetchedVersion]()
        self._failing = False

    def took(self, workspace: int, cause: ChangeCause, files: HistoryFiles, seconds: float) -> None:
        """A client confirmed these files of a lane."""
        with self._lock:
            self._left.append(_Left(workspace, cause, files, seconds))

    def fetched(
        self, file: FetchedVersion, start: int, end: int, size: int, seconds: float
    ) -> None:
        """Bytes [start, end) of a file of `size` bytes were sent over HTTP."""
        with self._lock:
            now = self._world.steady()
            self._add(self._parts.fetched(file, start, end, size, seconds, now))

    async def tick(self) -> None:
        """Writes what left; called once a second."""
        with self._lock:
            self._add(self._parts.overdue(self._world.steady()))
        if self._left:
            await self._world.offload(self.write)

    def close(self) -> None:
        """Writes what is left at the end."""
        with self._lock:
            self._add(self._parts.all())
        self.write()

    def write(self) -> None:
        """Writes what left. While the state cannot be written it is kept, up to a limit."""
        with self._lock:
            left, self._left = self._left, []
        told: list[ToldBatch] = []
        try:
            with self._rows.together():
                for one in _joined(left):
                    cause = one.cause._replace(seconds=one.seconds)
                    kind = HistoryKind.DOWNLOADED
                    told += self._rows.add(one.workspace, cause, kind, one.files)
        except ProblemError as error:
            self._fail(left, error)
            return
        self._failing = False
        if told:
            self._tell(told)

    def _fail(self, left: list[_Left], error: ProblemError) -> None:
        if not self._failing:
            _log.error("downloads cannot be written to the history: %s", error)
        self._failing = True
        with self._lock:
            self._left = kept = [*left, *self._left]
            count = sum(len(one.files.paths) for one in kept)
            while kept and count > MOST:
                count -= len(kept.pop(0).files.paths)

    def _add(self, fetched: Sequence[FetchedBytes[FetchedVersion]]) -> None:
        for (workspace, cause, path, content, version), size, seconds in fetched:
            files = HistoryFiles([path], [size], [content], [version])
            self._left.append(_Left(workspace, cause, files, seconds))


def _joined(left: Sequence[_Left]) -> list[_Left]:
    """What left in the same way, together."""
    together: dict[tuple[int, ChangeCause], list[_Left]] = {}
    for one in left:
        together.setdefault((one.workspace, one.cause), []).append(one)
    joined = []
    for (workspace, cause), some in together.items():
        files = HistoryFiles.joined([one.files for one in some])
        joined.append(_Left(workspace, cause, files, sum(one.seconds for one in some)))
    return joined
