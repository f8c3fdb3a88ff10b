"""Windows of time: whether one is open, and when that changes. Time and zone are arguments.

A window is a part of every day, from one time of day to another. Times of day cannot be compared
directly: 02:30 comes twice on the night when clocks go back, and never when they go forward. So
each day's window is turned into an interval between two instants, and only instants are compared:

- The interval begins when the clock first shows the start on that day. It ends when the clock first
  shows the end on that day, or on the next day for a window across midnight. If an hour comes
  twice, the first one counts.
- If the clock skips a time, the instant is the one at which a clock without the change would show
  it. When clocks go from 02:00 to 03:00, 02:30 is the instant that the new time calls 03:30
  (PEP 495, fold 0).
- If the clock skips the start or the end but not both, the end can come before the start. Then the
  window has the same length as on any other day.

So each day has exactly one interval. A window is open while the interval of some day contains the
moment; the start belongs to it, the end does not.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from cargo_sync.config.timetable import DAY, TimetableRow, Window

_AROUND: Final = 3
"""Days before and after a moment whose intervals can matter: an interval touches two days, and a
zone that changed its side of the date line has skipped a day."""


def interval(window: Window, day: date, zone: tzinfo) -> tuple[int, int]:
    """When the window of `day` opens and when it closes, unix seconds."""
    across = window.end <= window.start
    start = _instant(day, window.start, zone)
    end = _instant(day + timedelta(days=1) if across else day, window.end, zone)
    return start, end if end > start else start + window.length * 60


def is_open(window: Window, zone: tzinfo, at: float) -> bool:
    """Whether the window is open at `at`, unix seconds."""
    return any(start <= at < end for start, end in _intervals(window, zone, at))


def next_edge(window: Window, zone: tzinfo, at: float) -> int | None:
    """When the window next opens or closes after `at`, unix seconds; None if it is always open."""
    if window.length == DAY:
        return None
    joined = list(_joined(sorted(_intervals(window, zone, at))))
    return min(edge for pair in joined for edge in pair if edge > at)


def speed_at(rows: Sequence[TimetableRow], zone: tzinfo, at: float) -> int | None:
    """The speed of the row that contains `at`; None outside of all rows.

    If a clock change makes two rows overlap, the lower speed counts.
    """
    return min((row.speed for row in rows if is_open(row.window, zone, at)), default=None)


def next_row(rows: Sequence[TimetableRow], zone: tzinfo, at: float) -> int | None:
    """When a row next begins or ends after `at`; None if no row does."""
    edges = (next_edge(row.window, zone, at) for row in rows)
    return min((edge for edge in edges if edge is not None), default=None)


def _intervals(window: Window, zone: tzinfo, at: float) -> Iterator[tuple[int, int]]:
    today = datetime.fromtimestamp(at, zone).date()
    for days in range(-_AROUND, _AROUND + 1):
        yield interval(window, today + timedelta(days=days), zone)


def _joined(intervals: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Joins intervals that touch or overlap: the window does not close between them."""
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
