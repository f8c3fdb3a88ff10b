"""Windows of time: whether one is open, and when that changes. Time and zone are arguments.

A window is a part of every day, from one time of day to another. The hands of a clock are a bad
judge of it: they show half past two twice on the night when clocks go back, and never when they go
forward. So the window of each day is made an interval between two instants, once, and only those
are compared:

- It begins when the clock of that day first shows its start, and ends when the clock of that day,
  or of the next for a window across midnight, first shows its end. In an hour that comes twice the
  first one counts.
- A time that the clock jumps over is the one at which a clock that had not been set would show it:
  02:30 in the night from 02:00 to 03:00 is what the set clock calls 03:30 (PEP 495, fold 0).
- Should the end come before the start by that, since the clock jumped over one of them and not over
  the other, the window lasts as long as on any other day.

Hence a day has one interval, never two and never none, whatever the clock does. A window is open
while some day's interval holds the moment; start belongs to it, end does not.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from cargo_sync.config.timetable import DAY, TimetableRow, Window

_AROUND: Final = 3
"""Days before and after a moment whose intervals can matter: an interval touches two days, and
where the date line was moved a zone left one out."""


def interval(window: Window, day: date, zone: tzinfo) -> tuple[int, int]:
    """From when to when the window of `day` is open, unix seconds."""
    across = window.end <= window.start
    start = _instant(day, window.start, zone)
    end = _instant(day + timedelta(days=1) if across else day, window.end, zone)
    return start, end if end > start else start + window.length * 60


def is_open(window: Window, zone: tzinfo, at: float) -> bool:
    """Whether the window is open at `at`, unix seconds."""
    return any(start <= at < end for start, end in _intervals(window, zone, at))


def next_edge(window: Window, zone: tzinfo, at: float) -> int | None:
    """When it next opens or closes after `at`, unix seconds; None for a window that is always
    open."""
    if window.length == DAY:
        return None
    joined = list(_joined(sorted(_intervals(window, zone, at))))
    return min(edge for pair in joined for edge in pair if edge > at)


def speed_at(rows: Sequence[TimetableRow], zone: tzinfo, at: float) -> int | None:
    """The rate of the row that holds `at`; None outside of all.

    Where a jump of the clock makes two rows meet, the lower one.
    """
    return min((row.speed for row in rows if is_open(row.window, zone, at)), default=None)


def next_row(rows: Sequence[TimetableRow], zone: tzinfo, at: float) -> int | None:
    """When a row next begins or ends after `at`; None when none does."""
    edges = (next_edge(row.window, zone, at) for row in rows)
    return min((edge for edge in edges if edge is not None), default=None)


def _intervals(window: Window, zone: tzinfo, at: float) -> Iterator[tuple[int, int]]:
    today = datetime.fromtimestamp(at, zone).date()
    for days in range(-_AROUND, _AROUND + 1):
        yield interval(window, today + timedelta(days=days), zone)


def _joined(intervals: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Those that meet or overlap as one: between them nothing closes."""
    begun, ended = intervals[0]
    for start, end in intervals[1:]:
        if start > ended:
            yield begun, ended
            begun, ended = start, end
        else:
            ended = max(ended, end)
    yield begun, ended


def _instant(day: date, minutes: int, zone: tzinfo) -> int:
    """When the clock first shows this time of day; `minutes` may be 1440."""
    shown = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    return int(shown.replace(tzinfo=zone).astimezone(UTC).timestamp())
