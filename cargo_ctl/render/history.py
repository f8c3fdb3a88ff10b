"""History as text, one line per row: of all jobs, or of one job."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from cargo_ctl.render.keys import moment
from cargo_ctl.render.table import table
from cargo_ctl.render.words import arrow, duration, escaped, rate, size


def happened(row: Mapping[str, Any]) -> str:
    """A row of `history`: {cursor, job, kind, time, path, bytes, message, details}."""
    parts = [
        str(row["cursor"]),
        moment(row["time"]),
        escaped(row["job"] or "-"),
        _what(row, row["details"]),
    ]
    if row["path"]:
        parts.append(escaped(row["path"]))
    if row["bytes"]:
        parts.append(f"({size(row['bytes'])})")
    line = " ".join(parts)
    return f"{line}: {escaped(row['message'])}" if row["message"] else line


def lost(since: int, oldest: int) -> str:
    """The warning that the first wanted rows were deleted already."""
    return f"rows {since + 1} to {oldest - 1} are no longer kept"


def of_job(
    name: str, rows: Sequence[Mapping[str, Any]], more: int | None, zone: tzinfo | None = None
) -> str:
    """`job.history`, newest first. Times are in `zone`; None is this machine's time zone."""
    if not rows:
        return f"{escaped(name)}: no history"
    head = ("TIME", "WHAT", "SIZE", "TOOK", "SPEED", "PATH")
    lines = table(head, [_row(row, zone) for row in rows], {2, 3, 4})
    return lines if more is None else f"{lines}\nolder rows: --before {more}"


def _what(row: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    """`deleted`; in a two-way job with an arrow, up to the server or down from it: `deleted ↑`."""
    kind = escaped(row.get("kind", ""))
    if kind in ("uploaded", "downloaded"):
        return kind
    return f"{kind} {arrow(details.get('direction'))}".rstrip()


def _row(row: Mapping[str, Any], zone: tzinfo | None) -> Sequence[str]:
    path, message = escaped(row.get("path") or ""), escaped(row.get("message") or "")
    seconds = row.get("seconds")
    return (
        datetime.fromtimestamp(row["time"], zone).strftime("%Y-%m-%d %H:%M:%S"),
        _what(row, row),
        size(row["bytes"]) if path else "",
        "" if seconds is None else f"{seconds:.1f} s" if seconds < 60 else duration(seconds),
        rate(row["speed_bps"]) if row.get("speed_bps") else "",
        f"{path}: {message}" if path and message else path or message,
    )
