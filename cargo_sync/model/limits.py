"""Limits that an order set in place of what a file says."""

from typing import NamedTuple


class Ordered(NamedTuple):
    """One. `bits` a second, None is no limit; `file` is what the file said when it was ordered, as
    JSON."""

    bits: int | None
    file: str
