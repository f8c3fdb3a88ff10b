"""The trash as text: versions, and what became of those that were restored."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from cargo_ctl.render.table import table
from cargo_ctl.render.words import count, duration, escaped, size

_CAUSES: Final[Mapping[str, str]] = {
    "overwritten": "overwritten",
    "deleted": "deleted",
    "damaged": "damaged by a stop",
    "delivered": "delivered",
    "restored": "an older one was restored",
    "found": "found in the trash",
}


def versions(result: Mapping[str, Any], zone: tzinfo | None = None) -> str:
    """`trash.list`: one line per version, and how much there is. Times are in `zone`, or local."""
    rows, totals = result.get("versions") or [], result.get("totals") or {}
    files, kept = totals.get("files", 0), totals.get("bytes", 0)
    where = f" of {escaped(result['where'])}" if result.get("where") else ""
    words = f"{count(files, 'version')}, {size(kept)} in the trash{where}"
    if not rows:
        return f"nothing is found; in all {words}" if files else f"the trash{where} is empty"
    return f"{table_of(rows, zone)}\n{words}"


def table_of(rows: Sequence[Mapping[str, Any]], zone: tzinfo | None = None) -> str:
    """One line per version. Times are in `zone`, or local."""
    head = ("ID", "WHEN", "WHY", "SIZE", "STATE", "PATH")
    return table(head, [_row(row, zone) for row in rows], {0, 3})


def restored(row: Mapping[str, Any]) -> str:
    """One version that was to be restored."""
    path = escaped(row.get("path") or "")
    if row.get("code") != "done":
        hint = f" ({escaped(row['hint'])})" if row.get("hint") else ""
        why = row.get("message") or f"{row.get('path')}: {row.get('code')}"
        return f"not restored: {escaped(why)}{hint}"
    stood = row.get("displaced") or 0
    more = f"; {count(stood, 'version')} that stood there went to the trash" if stood else ""
    where = " on the server" if str(row.get("id", "")).startswith("s") else ""
    return f"restored{where}: {path}{more}"


def summary(results: Sequence[Mapping[str, Any]]) -> str:
    """What became of all of them."""
    done = [row for row in results if row.get("code") == "done"]
    failed = len(results) - len(done)
    words = f"{count(len(done), 'version')} restored"
    return f"{words}, {failed:,} not" if failed else words


def emptying(result: Mapping[str, Any], seconds: int) -> str:
    """The question before versions are removed."""
    totals = result.get("totals") or {}
    where = escaped(result.get("where") or "")
    files, kept = totals.get("files", 0), totals.get("bytes", 0)
    what = f"{count(files, 'version')} ({size(kept)}) in the trash of {where}"
    if seconds:
        return f"Remove for good what is older than {duration(seconds)} of {what}?"
    return f"Remove for good {what}?"


def emptied(result: Mapping[str, Any]) -> str:
    """`trash.empty`."""
    return f"{count(result['files'], 'version')} removed for good ({size(result['bytes'])})"


def _row(row: Mapping[str, Any], zone: tzinfo | None) -> Sequence[str]:
    path, user = escaped(row.get("path") or ""), row.get("user")
    cause = str(row.get("cause") or "")
    why = _CAUSES.get(cause) or escaped(cause)
    known = row.get("size")
    return (
        escaped(str(row.get("id") or "")),
        moment(row.get("time"), zone),
        f"{why} by {escaped(user)}" if user else why,
        "" if known is None else size(known),
        _state(row),
        f"{path}/" if row.get("kind") == "folder" else path,
    )


def _state(row: Mapping[str, Any]) -> str:
    if row.get("state") == "restored":
        return f"at {escaped(row.get('moved_to') or '')}"
    return "freed" if row.get("state") == "freed" else "kept"


def moment(time: float | None, zone: tzinfo | None = None) -> str:
    """A time, to the second."""
    try:
        return datetime.fromtimestamp(time or 0.0, zone).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{time}"
