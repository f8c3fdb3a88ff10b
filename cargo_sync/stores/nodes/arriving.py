"""A content that goes on to nodes while it still arrives in the spool, and has no hash yet.

Lanes to nodes read it as far as it is staged, and are woken when there is more.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from cargo_sync.lanes.ports import Exchange, Wake
from cargo_sync.local import sparse
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.blob_pieces import fill
from cargo_sync.stores.contract import ComingFile, Content
from cargo_sync.stores.nodes.keeping_up import KeepingUp
from cargo_sync.stores.nodes.recent_pieces import RecentPieces, RecordMemory
from cargo_sync.stores.unnamed import LONGEST, unnamed
from cargo_sync.wire.records import LentRecord
from cargo_sync.wire.shared import SharedRecord

TOGETHER: Final = 2 << 20
"""So many bytes are waited for, if more are to come: a lane sends them without a pause."""
_GIVEN_UP: Final = Problem(Code.CANCELLED, "the upload has ended before all of it came")


class ArrivingContent:
    """One of these; see `contract.Forward`. Any thread may use it.

    id       names it for nodes: 32 hex digits
    content  what it is; None: not all of it has come
    over     set, in the event loop, when no node needs it any more
    """

    def __init__(
        self,
        id: str,
        file: ComingFile,
        closed: Callable[["ArrivingContent"], None],
        steady: Callable[[], float],
        memory: RecordMemory | None = None,
    ) -> None:
        """`closed` is called when it does not come any more; it must not block."""
        self.id = id
        self.file = file
        self.content: Content | None = None
        self.over = asyncio.Event()
        self._closed = closed
        self._steady = steady
        self._until = steady() + LONGEST
        self._lock = threading.Lock()
        self._count = 0
        self._is_given_up = False
        self.recent = RecentPieces(memory or RecordMemory())
        self.lanes = KeepingUp()
        self._needs: dict[Wake, int] = {}
        """Who waits, and for how many bytes from the start on."""

    def offer(self) -> Offer:
        """How it is offered to a node."""
        return unnamed(self.id, self.file.size, self.file.holes)

    # -- for who brings it -------------------------------------------------------------------------

    def came(self, offset: int, piece: memoryview, exchange: Exchange | None = None) -> None:
        self.lanes.wait(offset, len(piece))
        self.recent.keep(offset, piece, exchange)

    def reached(self, count: int) -> None:
        if self.content is None and self._steady() > self._until:
            self.close()
        with self._lock:
            if count <= self._count:
                return
            self._count = count
            wakes = [wake for wake, needed in self._needs.items() if needed <= count]
            for wake in wakes:
                del self._needs[wake]
        for wake in wakes:
            wake()

    def sealed(self, content: Content) -> None:
        with self._lock:
            if not self._is_given_up:
                self.content = content
        self.reached(content.size)

    def close(self, *, kept: bool = True) -> None:
        if self.content is None and not self._is_given_up:
            self.give_up()
            self._closed(self)

    # -- for nodes ---------------------------------------------------------------------------------

    @property
    def is_given_up(self) -> bool:
        """Whether nobody may read it any more."""
        return self._is_given_up

    def give_up(self) -> None:
        """Nobody reads it any more: whoever does is told."""
        with self._lock:
            self._is_given_up = True
            wakes, self._needs = list(self._needs), {}
        self.recent.clear()
        for wake in wakes:
            wake()

    def open(self, wake: Wake, *, shares: bool = False) -> "ArrivingReader":
        """Opens it for one lane; one that `shares` takes what is sealed for several lanes.

        Raises ProblemError.
        """
        try:
            return ArrivingReader(self, self.file.open(), wake, shares=shares)
        except OSError as error:
            raise ProblemError(from_os_error(error, "a file that arrives")) from error

    def has(self, count: int, wake: Wake) -> bool:
        """Whether so many bytes are here; if not, `wake` is called when more have come.

        Raises:
            ProblemError: it was given up.
        """
        with self._lock:
            if self._is_given_up:
                raise ProblemError(_GIVEN_UP)
            if count <= self._count:
                return True
            self._needs[wake] = min(max(count, self._count + TOGETHER), self.file.size)
        self.recent.follow()
        return False

    def here(self) -> int:
        """The bytes from the start on that are here."""
        return self._count

    def forget(self, wake: Wake) -> None:
        """It is not called any more."""
        with self._lock:
            self._needs.pop(wake, None)


class ArrivingReader:
    """Reads one as far as it is staged; see `lanes.ports.Reader`. What a node gets it hashes."""

    def __init__(
        self, arriving: ArrivingContent, fd: int, wake: Wake, *, shares: bool = False
    ) -> None:
        self._arriving = arriving
        self._fd = fd
        self._wake = wake
        self._shares = shares
        self._front = arriving.lanes.enter()
        arriving.recent.enter(shares=shares)

    def record(self, header: bytes, offset: int, count: int) -> LentRecord | SharedRecord | None:
        if not self._has(offset, count):
            return None
        recent = self._arriving.recent
        piece = recent.lend(header, offset, count, shares=self._shares)
        if piece is None:
            return None
        let_go = partial(recent.give, offset, piece)
        if piece.key:
            return SharedRecord(header, piece.record, piece.key, let_go)
        return LentRecord(piece.record, let_go)

    def read_into(self, view: memoryview, offset: int) -> int | None:
        if not self._has(offset, len(view)):
            return None
        try:
            fill(self._fd, view, offset)
        except OSError as error:
            raise ProblemError(from_os_error(error, "a file that arrives")) from error
        return len(view)

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        here = min(until, self._arriving.here())
        if not self._arriving.file.holes or offset >= here:
            return until, False
        try:
            end, is_hole = sparse.extent(self._fd, offset, here)
        except OSError:
            return until, False  # reading it says why
        return (end, True) if is_hole else (until if end == here else end, False)

    def unchanged(self) -> bool:
        return True  # the node hashes what it gets

    def close(self) -> None:
        self._arriving.lanes.leave(self._front)
        self._arriving.recent.leave(shares=self._shares)
        self._arriving.forget(self._wake)
        os.close(self._fd)

    def _has(self, offset: int, count: int) -> bool:
        """Whether the next bytes are here. Raises ProblemError: it was given up."""
        is_here = self._arriving.has(offset + count, self._wake)
        self._arriving.lanes.reach(self._front, offset, is_all=not is_here)
        return is_here
