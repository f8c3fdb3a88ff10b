"""Limits that a command set in place of the configured ones."""

from typing import NamedTuple


class Ordered(NamedTuple):
    """One limit that a command set.

    bits  per second; None means no limit
    file  what the configuration file said at that time, as JSON
    """

    bits: int | None
    file: str
