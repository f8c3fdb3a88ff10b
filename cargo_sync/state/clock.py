"""The retention clock of one process: it continues where the last one stopped.

Its row also says whether a process runs: a clean end is noted there, a kill is not.

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
_UNCLEAN: Final = (
    "the last process did not end cleanly: files that were written shortly before are checked"
)

_log = logging.getLogger(__name__)

_PUT: Final = put("clock", "one", "reading, wall, boottime, boot_id, running")


class RetentionClock:
    """Gives the reading of the retention clock, in seconds; any thread may ask.

    clocks  reads the system's clocks
    """

    def __init__(
        self,
        database: Database,
        clocks: Callable[[], SystemClocks],
        unclean: Callable[[UncleanStop], None],
    ) -> None:
        """Notes that a process runs.

        Args:
            database: the state.
            clocks: reads the system's clocks.
            unclean: called if the last process did not end cleanly, in the same transaction.

        Raises:
            ProblemError: the state cannot be read or written.
        """
        self._database = database
        self._clocks = clocks
        with database.transaction():
            last, now = self._stored(), clocks()
            self._mark = resumed(last, now)
            self._jumped = jump(last.clocks, now) if last else 0.0
            if last and self._was_running():
                rebooted = not now.boot_id or now.boot_id != last.clocks.boot_id
                unclean(UncleanStop(last.reading, last.clocks.wall, rebooted))
                _log.warning("%s", _UNCLEAN)
            self._store(self._mark, running=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Notes a clean end, also after an exception: nothing that was written is lost by it."""
        try:
            self._store(advanced(self._mark, self._clocks()), running=False)
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
        with self._database.transaction():
            self._store(mark, running=True)
            beside(mark.reading)
        jumped, self._jumped = self._jumped, 0.0
        return jumped

    def _stored(self) -> ClockMark | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT reading, wall, boottime, boot_id FROM clock"
            ).fetchone()
        return ClockMark(row[0], SystemClocks(*row[1:])) if row else None

    def _was_running(self) -> bool:
        with self._database.read() as connection:
            return bool(connection.execute("SELECT running FROM clock").fetchone()[0])

    def _store(self, mark: ClockMark, *, running: bool) -> None:
        with self._database.transaction() as connection:
            connection.execute(_PUT, (1, mark.reading, *mark.clocks, int(running)))
