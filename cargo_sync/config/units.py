"""Speeds, sizes and times of day as people write them: pure conversions of texts and numbers."""

import re
from decimal import Decimal

from cargo_sync.config.errors import quoted

_SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*(g|m|k|)bps", re.IGNORECASE | re.ASCII)
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000, "t": 1_000_000_000_000}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(t|g|m|k|)b", re.IGNORECASE | re.ASCII)
_SPAN = re.compile(r"(\d{1,6})\s*(min|h|d)", re.IGNORECASE | re.ASCII)
_SPANS = {"min": 60, "h": 3_600, "d": 86_400}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})\s*(am|pm|)", re.IGNORECASE | re.ASCII)

SPEED_FORM = 'a number and bps, kbps, mbps or gbps, such as "10mbps"'
SIZE_FORM = 'a number and B, kB, MB, GB or TB, such as "10MB"'
SPAN_FORM = 'a whole number and min, h or d, from "1min" to "30d"'
CLOCK_FORM = 'a time of day such as "10:00pm", "12:00am" or "22:00"'


_MOST = 10**15
"""Bits per second, and bytes: far beyond every machine, and far below what the state can hold."""


def parse_speed(text: str) -> int:
    """`10mbps`, `512kbps`, `800bps`, `1.5gbps` in bits per second; units are decimal.

    Raises:
        ValueError: it is not a speed.
    """
    found = _SPEED.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{quoted(text)} is not a speed")
    bits = int(Decimal(found[1]) * _FACTORS[found[2].lower()])
    if bits < 1:
        raise ValueError("a speed must be more than 0; leave it out for no limit")
    if bits > _MOST:
        raise ValueError("a speed must be at most 1000000gbps; leave it out for no limit")
    return bits


def format_speed(bits: int) -> str:
    """Bits per second as `parse_speed` reads them: `10mbps`; rounded to three decimals."""
    unit = next(unit for unit in ("g", "m", "k", "") if bits >= _FACTORS[unit] or not unit)
    number = f"{Decimal(bits) / _FACTORS[unit]:.3f}".rstrip("0").rstrip(".")
    return f"{number}{unit}bps"


def parse_size(text: str) -> int:
    """`10MB`, `512kB`, `1.5TB`, `800B` in bytes; units are decimal.

    Raises:
        ValueError: it is not a size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{quoted(text)} is not a size")
    size = int(Decimal(found[1]) * _FACTORS[found[2].lower()])
    if size > _MOST:
        raise ValueError("a size must be at most 1000TB")
    return size


def parse_span(text: str) -> float:
    """`90min`, `12h`, `1d` in seconds, from a minute to 30 days.

    Raises:
        ValueError: it is not such a time.
    """
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{quoted(text)} is not a length of time")
    seconds = int(found[1]) * _SPANS[found[2].lower()]
    if not 60 <= seconds <= 30 * 86_400:
        raise ValueError(f"{quoted(text)} is too {'short' if seconds < 60 else 'long'}")
    return float(seconds)


def format_span(seconds: float) -> str:
    """Seconds as `parse_span` reads them: `1d`."""
    unit = next(unit for unit in ("d", "h", "min") if seconds % _SPANS[unit] == 0 or unit == "min")
    return f"{seconds / _SPANS[unit]:g}{unit}"


def parse_clock(text: str) -> int:
    """`10:00pm`, `12:00am`, `06:00`, `22:30` in minutes since midnight, 0 to 1439.

    Raises:
        ValueError: it is not a time of day.
    """
    found = _CLOCK.fullmatch(text.strip())
    wrong = ValueError(f"{quoted(text)} is not a time of day")
    if found is None:
        raise wrong
    hour, minute, half = int(found[1]), int(found[2]), found[3].lower()
    if minute > 59 or (not 1 <= hour <= 12 if half else hour > 23):
        raise wrong
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour * 60 + minute


def format_clock(minutes: int) -> str:
    """Minutes since midnight as `HH:MM`."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
