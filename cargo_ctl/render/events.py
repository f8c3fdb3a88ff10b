"""Events as text, a line each."""

from typing import Any

from cargo_ctl.render.keys import moment
from cargo_ctl.render.words import escaped, size


def event(row: dict[str, Any]) -> str:
    """One of `events`: {cursor, job, kind, time, path, bytes, message, details}."""
    parts = [str(row["cursor"]), moment(row["time"]), escaped(row["job"]), escaped(row["kind"])]
    if row["path"]:
        parts.append(escaped(row["path"]))
    if row["bytes"]:
        parts.append(f"({size(row['bytes'])})")
    line = " ".join(parts)
    return f"{line}: {escaped(row['message'])}" if row["message"] else line


def lost(since: int, oldest: int) -> str:
    """Said when what was asked for is not kept any more."""
    return f"events {since + 1} to {oldest - 1} are not kept any more"
