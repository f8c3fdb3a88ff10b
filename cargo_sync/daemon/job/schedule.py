"""A job's hours by the wall clock: whether its window is open, which row of its timetable holds.

Somebody may set that clock at any time. So each question is answered by the clock of that moment,
and a wait for the next change looks at the clock at least once per minute.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from cargo_sync.config.timetable import TimetableRow, Window
from cargo_sync.machines.window import is_open, next_edge, next_row, speed_at

LONGEST_WAIT: Final = 60.0
"""Seconds until the clock is read again, at most."""


class _Spell(NamedTuple):
    """What holds from `since` until before `until`, unix seconds, by the rules of `zone`."""

    zone: tzinfo | None
    since: float
    until: float
    open: bool
    changes_at: int | None
    rate: int | None


class Schedule:
    """When a job may move files, and the speed that its timetable gives it then.

    window  None: always
    rows    the timetable
    zone    gives the time zone of the window and of the rows; a new one when its rules changed
    named   the zone's name if the job names one, shown beside every time; else ""
    wall    gives unix seconds
    """

    def __init__(
        self,
        window: Window | None,
        rows: Sequence[TimetableRow],
        zone: Callable[[], tzinfo],
        named: str,
        wall: Callable[[], float],
    ) -> None:
        self.window = window
        self._zone = zone
        self._named = f", {named}" if named else ""
        self._rows = rows
        self._wall = wall
        self._spell = _Spell(None, 0.0, 0.0, True, None, None)

    @property
    def zone(self) -> tzinfo:
        return self._zone()

    @property
    def matter(self) -> bool:
        """Whether anything here depends on the time."""
        return self.window is not None or bool(self._rows)

    @property
    def open(self) -> bool:
        return self._now().open

    @property
    def changes_at(self) -> int | None:
        """When the window next opens or closes, unix seconds; None if it never does."""
        return self._now().changes_at

    @property
    def rate(self) -> int | None:
        """The speed of the row that holds now, bits per second; None if no row does."""
        return self._now().rate

    def patience(self) -> float:
        """Seconds after which to look at the clock again."""
        return min(LONGEST_WAIT, max(0.0, self._now().until - self._wall()))

    def words(self) -> str:
        """`22:00 to 02:30, Europe/Madrid`; "" if there is no window."""
        return f"{self.window}{self._named}" if self.window is not None else ""

    def opening(self) -> str:
        """When the window opens, in its time zone: `22:00`, with the date if that is not today.

        "" while it is open.
        """
        at = self.changes_at
        if at is None or self.open:
            return ""
        then, today = (datetime.fromtimestamp(time, self.zone) for time in (at, self._wall()))
        form = "%H:%M" if then.date() == today.date() else "%Y-%m-%d %H:%M"
        return f"{then.strftime(form)}{self._named}"

    def _now(self) -> _Spell:
        at, zone, last = self._wall(), self._zone(), self._spell
        if zone is not last.zone or not last.since <= at < last.until:
            self._spell = self._spell_at(at, zone)
        return self._spell

    def _spell_at(self, at: float, zone: tzinfo) -> _Spell:
        edge = next_edge(self.window, zone, at) if self.window is not None else None
        row_edge = next_row(self._rows, zone, at)
        return _Spell(
            zone,
            at,
            min((time for time in (edge, row_edge) if time is not None), default=float("inf")),
            self.window is None or is_open(self.window, zone, at),
            edge,
            speed_at(self._rows, zone, at),
        )
