"""Rows as a plain table."""

from collections.abc import Sequence
from typing import Final

from benchmarks.transfers.link.links import Link
from benchmarks.transfers.verdicts import Row
from benchmarks.transfers.workloads import ALL, Kind

HEAD: Final = (
    "tool", "over", "s", "CPU s", "far", "later", "MB/s", "files/s", "MB", "ours is",
)  # fmt: skip
WIDTHS: Final = (10, 9, 8, 7, 6, 6, 7, 9, 6, 7)


def heading(row: Row) -> str:
    """What a group of rows has in common."""
    return f"{row.workload}, {row.mode}, {row.direction}, medians of {row.runs}"


def lines(rows: Sequence[Row]) -> list[str]:
    """A table of rows of one workload, mode and direction."""
    if not rows:
        return []
    asked = [
        f"{row.tool}: `status` is answered within {row.status_p99_ms:.1f} ms (p99)"
        for row in rows
        if row.status_p99_ms is not None
    ]
    watched = [
        f"{row.tool}: the server uses {far:.2f}% of a core, the daemon {near:.2f}%"
        for row in rows
        if row.workload in ALL and ALL[row.workload].kind is Kind.IDLE
        for far, near in [cores(row)]
    ]
    shown = [_line(_cells(row)) for row in rows]
    return [heading(rows[0]), _line(HEAD), *shown, *asked, *watched, ""]


def cores(row: Row) -> tuple[float, float]:
    """What the server and the client used, in percent of a core."""
    far = row.far_cpu_seconds / row.seconds
    return 100 * far, 100 * (row.cpu_seconds / row.seconds - far)


def link_lines(link: Link, rows: Sequence[Row]) -> list[str]:
    """A table of rows of one link and direction."""
    head = f"{link.words}, {rows[0].direction}, {rows[0].seconds:g} s, medians of {rows[0].runs}"
    shown = [
        f"{row.tool:10}  {row.over:9}  {row.mb_per_s:8.2f} MB/s  "
        f"{link.share(row.mb_per_s):5.1f}% of the link  "
        + ("" if row.ours_is is None else f"x {row.ours_is:.2f}")
        for row in rows
    ]
    return [head, *shown, ""]


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.tool,
        row.over,
        f"{row.seconds:.3f}",
        f"{row.cpu_seconds:.2f}",
        f"{row.far_cpu_seconds:.2f}",
        f"{row.cpu_later:.2f}",
        f"{row.mb_per_s:,.0f}",
        f"{row.files_per_s:,.0f}",
        f"{row.rss_mb:,.0f}",
        "" if row.ours_is is None else f"x {row.ours_is:.2f}",
    )


def _line(cells: Sequence[str]) -> str:
    shown = [
        cell.ljust(width) if number < 2 else cell.rjust(width)
        for number, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    ]
    return "  ".join(shown).rstrip()
