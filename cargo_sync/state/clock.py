"""The retention clock of one process: it continues where the last one stopped.

`machines/retention` has the theory and the arithmetic.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from cargo_sync.machines.retention import (
    ClockMark,
    SystemClocks,
    advanced,
    described,
    jump,
    resumed,
)
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.database import Database

BEAT: Final = 60.0
"""Seconds from one stored reading to the next."""

_log = logging.getLogger(__name__)


class RetentionClock:
    """Gives the reading of the retention clock, in seconds; any thread may ask.

    clocks  reads the system's clocks
    """

    def __init__(self, database: Database, clocks: Callable[[], SystemClocks]) -> None:
        """Raises ProblemError if the state cannot be read or written."""
        self._database = database
        self._clocks = clocks
        last, now = self._stored(), clocks()
        self._mark = resumed(last, now)
        self._jumped = jump(last.clocks, now) if last else 0.0
        self._store(self._mark)

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
            self._store(mark)
            beside(mark.reading)
        jumped, self._jumped = self._jumped, 0.0
        return jumped

    def _stored(self) -> ClockMark | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT reading, wall, boottime, boot_id FROM clock"
            ).fetchone()
        return ClockMark(row[0], SystemClocks(*row[1:])) if row else None

    def _store(self, mark: ClockMark) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?, ?)", (mark.reading, *mark.clocks)
            )
