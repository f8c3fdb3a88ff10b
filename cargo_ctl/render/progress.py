"""Progress as text: files, bytes, speed and time left."""

from collections.abc import Mapping, Sequence
from typing import Any

from cargo_ctl.render.words import count, duration, percent, rate, size


def progress(figures: Mapping[str, Any]) -> str:
    """`120 of 3,000 files, 1.2 MB of 256.0 MB (0%), 12.3 MB/s, 20 s left`."""
    return ", ".join(parts(figures))


def fitting(figures: Sequence[str], room: int) -> str:
    """The last of the figures that fit into `room` cells: the time that is left stays longest."""
    first = 0
    while first < len(figures) - 1 and len(", ".join(figures[first:])) > room:
        first += 1
    return ", ".join(figures[first:])


def parts(figures: Mapping[str, Any]) -> list[str]:
    """What `progress` says, one by one."""
    files_done, files_total = _number(figures, "files_done"), _number(figures, "files_total")
    bytes_done, bytes_total = _number(figures, "bytes_done"), _number(figures, "bytes_total")
    share = percent(bytes_done, bytes_total) if bytes_total else percent(files_done, files_total)
    return [
        f"{files_done:,} of {count(files_total, 'file')}{_both_ways(figures)}",
        f"{size(bytes_done)} of {size(bytes_total)} ({share})",
        *pace(figures),
    ]


def _both_ways(figures: Mapping[str, Any]) -> str:
    """Of a two-way job: ` (↑ 1 of 3, ↓ 2 of 5)`; else ""."""
    ways = [figures.get("up"), figures.get("down")]
    if not all(isinstance(way, Mapping) for way in ways):
        return ""
    parts = [
        f"{sign} {_number(way, 'files_done'):,} of {_number(way, 'files_total'):,}"
        for sign, way in zip("↑↓", ways, strict=True)
        if isinstance(way, Mapping)
    ]
    return f" ({', '.join(parts)})"


def pace(figures: Mapping[str, Any]) -> list[str]:
    """Speed and time left, as far as they are known; a speed of 0 is left out."""
    parts = []
    if _number(figures, "speed_bps"):
        parts.append(rate(figures["speed_bps"]))
    if figures.get("eta_s") is not None:
        parts.append(f"{duration(figures['eta_s'])} left")
    return parts


def moving(figures: Mapping[str, Any]) -> bool:
    """Whether there is something to transfer."""
    return bool(_number(figures, "files_total") or _number(figures, "bytes_total"))


def _number(figures: Mapping[str, Any], name: str) -> int:
    return int(figures.get(name) or 0)
