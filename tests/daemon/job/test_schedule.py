"""A job's hours, when the rules of its time zone change under it."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo

from cargo_sync.config.timetable import Window
from cargo_sync.daemon.job.schedule import Schedule


def test_new_rules_hold_at_once() -> None:
    rules: list[tzinfo] = [timezone(timedelta(hours=-8))]
    at = datetime(2027, 1, 15, 5, 30, tzinfo=UTC).timestamp()
    window = Window(22 * 60, 23 * 60)
    schedule = Schedule(window, (), lambda: rules[0], "America/Vancouver", lambda: at)
    assert (schedule.open, schedule.opening()) == (False, "22:00, America/Vancouver")
    rules[0] = timezone(timedelta(hours=-7))
    assert (schedule.open, schedule.changes_at) == (True, round(at) + 1800)
