"""Conflicts as text."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from cargo_ctl.render.table import table
from cargo_ctl.render.words import count, escaped, size

_CHOICES: Final[Mapping[str, str]] = {
    "keep_both": "both are kept",
    "local": "the local version wins",
    "remote": "the server's version wins",
}
_DECIDED: Final[Mapping[str, str]] = {
    "keep_both": "both will be kept",
    "local": "the local version will win",
    "remote": "the server's version will win",
}
"""Of a conflict that is still open."""
_HASH: Final = 12
"""Characters of a hash that are shown; --json has all."""


def conflict_list(result: Mapping[str, Any], zone: tzinfo | None = None) -> str:
    """`conflict.list`: one line per conflict, and the totals. Times are in `zone`, or local."""
    rows, totals = result.get("conflicts") or [], result.get("totals") or {}
    words = f"{totals.get('open', 0):,} open, {totals.get('resolved', 0):,} resolved"
    if not rows:
        return words if any(totals.values()) else "there are no conflicts"
    head = ("ID", "JOB", "SEEN", "LOCAL", "REMOTE", "PATH", "WHAT")
    listed = table(head, [_row(row, zone) for row in rows], {0, 3, 4})
    return f"{listed}\n{words}"


def conflict_show(row: Mapping[str, Any], zone: tzinfo | None = None) -> str:
    """`conflict.show`: what both sides have. Times are in `zone`, or local."""
    seen = _moment(row.get("time"), zone)
    lines = [
        f"conflict {escaped(row['id'])}: {escaped(row['path'])} of {escaped(row['job'])}",
        f"  seen    {seen}, in the run {escaped(row.get('run') or '')}",
        f"  policy  {escaped(row.get('policy') or '')}",
        f"  state   {_what(row)}",
    ]
    sides = [(word, row.get(word)) for word in ("base", "local", "remote")]
    head = ("", "KIND", "SIZE", "MODIFIED", "HASH")
    lines += table(head, [_side(word, side, zone) for word, side in sides], {2}).splitlines()
    if row.get("state") == "open" and not row.get("choice"):
        id = escaped(str(row["id"]))
        lines.append(f"to decide: cargo_ctl conflict resolve {id} keep-both (or local, or remote)")
    return "\n".join(lines)


def resolved(result: Mapping[str, Any]) -> str:
    """`conflict.resolve`: what was decided, and when it is done."""
    row = result["conflict"]
    what = f"{escaped(row['path'])} of {escaped(row['job'])}: {_choice(row)}"
    if result.get("run"):
        return f"{what}; run {escaped(result['run'])} does it"
    return f"{what}, as soon as the job runs: {escaped(result.get('waits') or '')}"


def deciding(number: int, choice: str) -> str:
    """The question before many are decided."""
    return f"Decide {count(number, 'open conflict')}: {_DECIDED[choice.replace('-', '_')]}?"


def decided(number: int, refused: int) -> str:
    """The last line after many."""
    more = f", {refused:,} not" if refused else ""
    return f"{number:,} decided{more}"


def _row(row: Mapping[str, Any], zone: tzinfo | None) -> Sequence[str]:
    return (
        escaped(str(row["id"])),
        escaped(row["job"]),
        _moment(row.get("time"), zone),
        _size(row.get("local")),
        _size(row.get("remote")),
        escaped(row["path"]),
        _what(row),
    )


def _what(row: Mapping[str, Any]) -> str:
    """`waits for a decision`, `the local version wins`, `both are kept: a (conflict …).odt`."""
    if not row.get("choice"):
        return "waits for a decision" if row.get("state") == "open" else "ended by itself"
    what = _choice(row)
    copy = f": {escaped(row['copy'])}" if row.get("copy") else ""
    return f"{what}{copy}"


def _choice(row: Mapping[str, Any]) -> str:
    choice = row.get("choice") or ""
    words = _DECIDED if row.get("state") == "open" else _CHOICES
    return words.get(choice) or escaped(choice)


def _side(word: str, side: Mapping[str, Any] | None, zone: tzinfo | None) -> Sequence[str]:
    if not side:
        return (f"  {word}", "never agreed on", "", "", "")
    kind = escaped(side.get("kind") or "")
    if side.get("target"):
        kind = f"{kind} to {escaped(side['target'])}"
    is_file = side.get("kind") == "file"
    modified = _moment(side.get("mtime"), zone) if is_file else ""
    content = (side.get("hash") or "not computed") if is_file else ""
    return (f"  {word}", kind, _size(side), modified, escaped(content[:_HASH]))


def _size(side: Mapping[str, Any] | None) -> str:
    return size(side["size"]) if side and side.get("kind") == "file" else ""


def _moment(time: float | None, zone: tzinfo | None) -> str:
    if time is None:
        return ""
    try:
        return datetime.fromtimestamp(time, zone).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{time:.0f}"  # a file's time may be in a year that nobody can write
