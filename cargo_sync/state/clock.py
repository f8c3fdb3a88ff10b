"""The retention clock of one process: it continues where the last one stopped.

Its row also says whether a process runs: a clean end is noted there, a kill is not. Servers that
share a state share the clock, and none of them falls behind it; whether each of them runs is in a
row of its own.

`machines/retention` has the theory and the arithmetic.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, Self

from cargo_sync.machines.retention import (
    ClockMark,
    SystemClocks,
    advanced,
    described,
    jump,
    resumed,
)
from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database

BEAT: Final = 60.0
"""Seconds from one stored reading to the next."""
OWN: Final = "clock"
"""The scope of what is stored with a reading (`database.Scope`)."""
_UNCLEAN: Final = (
    "the last process did not end cleanly: files that were written shortly before are checked"
)

_log = logging.getLogger(__name__)

_OF: Final = "reading, wall, boottime, boot_id, running"
_PUT: Final = put("clock", "one", _OF)
_PUT_OWN: Final = put("server_clock", "id", _OF)
_LAST: Final = f"SELECT {_OF} FROM clock"  # noqa: S608
_OWN: Final = f"SELECT {_OF} FROM server_clock WHERE id = ?"  # noqa: S608


class RetentionClock:
    """Gives the reading of the retention clock, in seconds; any thread may ask.

    clocks  reads the system's clocks
    """

    def __init__(
        self,
        database: Database,
        clocks: Callable[[], SystemClocks],
        unclean: Callable[[UncleanStop], None],
        server: str = "",
    ) -> None:
        """Notes that a process runs.

        Args:
            database: the state.
            clocks: reads the system's clocks.
            unclean: called if the last process did not end cleanly, in the same transaction.
            server: the id of a server that may share the state; "" if it has it alone.

        Raises:
            ProblemError: the state cannot be read or written.
        """
        self._database = database
        self._clocks = clocks
        self._server = server
        with database.transaction():
            now = clocks()
            own, was_running = self._own()
            self._mark = self._continued(own, now)
            self._jumped = jump(own.clocks, now) if own else 0.0
            if own and was_running:
                rebooted = not now.boot_id or now.boot_id != own.clocks.boot_id
                unclean(UncleanStop(own.reading, own.clocks.wall, rebooted))
                _log.warning("%s", _UNCLEAN)
            self._store(self._mark, running=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Notes a clean end, also after an exception: nothing that was written is lost by it."""
        try:
            with self._database.transaction(own=OWN):
                mark = self._not_behind(advanced(self._mark, self._clocks()))
                self._store(mark, running=False)
        except ProblemError as error:
            _log.error("the clean end cannot be stored: %s", error)

    def __call__(self) -> float:
        return advanced(self._mark, self._clocks()).reading

    async def run(
        self,
        offload: Offload,
        beside: Callable[[float], None],
        jumped: Callable[[str], Awaitable[None]],
    ) -> None:
        """Stores the reading each minute until cancelled.

        Args:
            offload: runs `beat` in a thread.
            beside: see `beat`.
            jumped: called with a sentence after the wall clock jumped.
        """
        never = Wakeup()
        while True:
            try:
                if seconds := await offload(self.beat, beside):
                    _log.warning("%s", described(seconds))
                    await jumped(described(seconds))
            except ProblemError as error:
                _log.error("the retention clock cannot be stored: %s", error)
            await never.wait(BEAT)

    def beat(self, beside: Callable[[float], None]) -> float:
        """Stores the reading, in one transaction with what `beside` stores for this reading.

        Returns:
            Seconds by which the wall clock jumped since the last call, 0.0 if it did not.

        Raises:
            ProblemError: the state cannot be written. The next call returns the jump.
        """
        before, now = self._mark, self._clocks()
        self._jumped += jump(before.clocks, now)
        self._mark = mark = advanced(before, now)
        with self._database.transaction(own=OWN):
            self._mark = mark = self._not_behind(mark)
            self._store(mark, running=True)
            beside(mark.reading)
        jumped, self._jumped = self._jumped, 0.0
        return jumped

    def _continued(self, own: ClockMark | None, now: SystemClocks) -> ClockMark:
        """The reading at a start; `own` is what this server has stored last.

        How long it was stopped is said by its own wall clock alone: that of another machine may be
        hours behind, and each start would age all that is kept by these.
        """
        last = self._stored()
        if own is None and last is not None and self._server:
            return ClockMark(last.reading, now)
        return self._not_behind(resumed(own, now))

    def _not_behind(self, mark: ClockMark) -> ClockMark:
        """The same, or the reading of the servers that share the state, if that is later."""
        if self._server and (last := self._stored()) and last.reading > mark.reading:
            return ClockMark(last.reading, mark.clocks)
        return mark

    def _stored(self) -> ClockMark | None:
        return _stored(self._database)

    def _own(self) -> tuple[ClockMark | None, bool]:
        """What this server's last process has stored, and whether it still ran."""
        asked = _OWN if self._server else _LAST
        with self._database.read() as connection:
            row = connection.execute(asked, (self._server,) if self._server else ()).fetchone()
        return (ClockMark(row[0], SystemClocks(*row[1:4])), bool(row[4])) if row else (None, False)

    def _store(self, mark: ClockMark, *, running: bool) -> None:
        row = (mark.reading, *mark.clocks)
        with self._database.transaction(own=OWN) as connection:
            connection.execute(_PUT, (1, *row, int(running and not self._server)))
            if self._server:
                connection.execute(_PUT_OWN, (self._server, *row, int(running)))


def clock_beside(database: Database, clocks: Callable[[], SystemClocks]) -> Callable[[], float]:
    """The reading of the clock for a process beside the one that runs; it stores nothing.

    Raises:
        ProblemError: the state cannot be read.
    """
    mark = resumed(_stored(database), clocks())
    return lambda: advanced(mark, clocks()).reading


def _stored(database: Database) -> ClockMark | None:
    with database.read() as connection:
        row = connection.execute("SELECT reading, wall, boottime, boot_id FROM clock").fetchone()
    return ClockMark(row[0], SystemClocks(*row[1:])) if row else None
