"""Tells a person who waits what has run, and how long the rest will take."""

import sys
import time

from benchmarks.transfers.forecast import Forecast, Step, words


class Progress:
    """Tables go to standard output, everything else to standard error.

    On a terminal there is one line, which the next one replaces; elsewhere a line after each table.
    """

    def __init__(self, forecast: Forecast) -> None:
        self._forecast = forecast
        self._live = sys.stderr.isatty()
        self._began = time.monotonic()
        self._tell()

    def ran(self, step: Step, line: str) -> None:
        """A run has ended; `line` says which one."""
        self._forecast.ran(step)
        if self._live:
            self._replace(f"{line}, {self._left()}")

    def show(self, table: str) -> None:
        """Prints a table."""
        if self._live:
            self._replace("")
        print(table, flush=True)
        self._tell()

    def _tell(self) -> None:
        if not self._live:
            print(self._left(), file=sys.stderr, flush=True)

    def _replace(self, line: str) -> None:
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    def _left(self) -> str:
        return words(self._forecast.left(time.monotonic() - self._began))
