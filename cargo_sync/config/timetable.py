"""Times of day in a job file: when it may move files, and speeds for parts of the day.

`speed` is one speed, or a timetable: `[{"from": "08:00", "to": "18:00", "speed": "10mbps"}, …]`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cargo_sync.config import units
from cargo_sync.config.shape import SeveralError, describe, name_hint, wrong

DAY: Final = 24 * 60
_FIELDS: Final = ("from", "to", "speed")
DAILY_SPEED_FORM: Final = f'{units.SPEED_FORM}; or a list of {{"from", "to", "speed"}}'


@dataclass(frozen=True, slots=True)
class Window:
    """A part of every day: minutes since midnight, `start` to `end`.

    `end` is 1 to 1440; if it is not above `start`, it is on the next day. start_time alone lasts
    until midnight, end_time alone begins at midnight.
    """

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many minutes it is open, on a day without a clock change; 1440 is always."""
        return (self.end - self.start - 1) % DAY + 1

    def __str__(self) -> str:
        return f"{units.format_clock(self.start)} to {units.format_clock(self.end % DAY)}"


@dataclass(frozen=True, slots=True)
class TimetableRow:
    """One row of a timetable: the speed while its window is open, bits per second."""

    window: Window
    speed: int

    def __str__(self) -> str:
        return f"{self.window} {units.format_speed(self.speed)}"


@dataclass(frozen=True, slots=True)
class DailySpeed:
    """The value of `speed`: one speed for the whole day, or rows with no limit at other times."""

    flat: int | None = None
    rows: tuple[TimetableRow, ...] = ()


def window(start: int | None, end: int | None) -> Window | None:
    """The window between two times of day, each of them optional; None without both."""
    if start is None and end is None:
        return None
    return Window(start or 0, end or DAY)


def read_speed(value: Any) -> DailySpeed:
    """Reads `speed` of a job file.

    Raises:
        ValueError: it is not a speed.
        SeveralError: with all problems of a timetable.
    """
    if isinstance(value, str):
        return DailySpeed(units.parse_speed(value))
    if not isinstance(value, list):
        raise ValueError(f"must be text in quotes or a list, not {describe(value)}")
    if not value:
        raise wrong("is an empty list; leave it out for no limit")
    errors: list[ValueError] = []
    rows: list[TimetableRow] = []
    for number, fields in enumerate(value):
        row = _row(number, fields)
        if isinstance(row, TimetableRow):
            errors += _overlaps(number, row, rows)
            rows.append(row)
        else:
            errors += row
    if errors:
        raise SeveralError(errors)
    return DailySpeed(rows=tuple(rows))


def _row(number: int, fields: Any) -> TimetableRow | list[ValueError]:
    if not isinstance(fields, dict):
        return [wrong(f"must be an object with from, to and speed, not {describe(fields)}", number)]
    errors: list[ValueError] = [
        wrong(f"is not a field here ({name_hint(str(field), _FIELDS)})", number, field)
        for field in fields
        if field not in _FIELDS
    ]
    found: dict[str, int] = {}
    for field in _FIELDS:
        parse, form = (
            (units.parse_speed, units.SPEED_FORM)
            if field == "speed"
            else (units.parse_clock, units.CLOCK_FORM)
        )
        text = fields.get(field)
        try:
            if text is None:
                raise ValueError("is missing")
            if not isinstance(text, str):
                raise ValueError(f"must be text in quotes, not {describe(text)}")
            found[field] = parse(text)
        except ValueError as error:
            errors.append(wrong(f"{error} (expected: {form})", number, field))
    if not errors and found["from"] == found["to"]:
        errors.append(
            wrong(
                'is the same as from; for the whole day write only "speed": "10mbps"', number, "to"
            )
        )
    return errors or TimetableRow(Window(found["from"], found["to"] or DAY), found["speed"])


def _overlaps(
    number: int, row: TimetableRow, before: Sequence[TimetableRow]
) -> Iterator[ValueError]:
    """The problem of a row that overlaps with one before it; the first of those is enough."""
    other = next((each for each in before if _overlap(row.window, each.window)), None)
    if other is not None:
        yield wrong(
            f"{row.window} overlaps with {other.window}; only one speed is possible", number
        )


def _overlap(one: Window, other: Window) -> bool:
    """Whether a minute is in both windows: exactly if one of them begins inside the other."""
    return (other.start - one.start) % DAY < one.length or (
        one.start - other.start
    ) % DAY < other.length
