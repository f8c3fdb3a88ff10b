"""What happened to the files of a server as text, one line per file, and as CSV."""

import csv
from collections.abc import Mapping
from datetime import datetime
from io import StringIO
from typing import Any, Final

from cargo_ctl.render.keys import moment
from cargo_ctl.render.words import escaped, rate, size

_COLUMNS: Final = (
    "workspace", "kind", "path", "from", "bytes", "user", "address", "origin", "flow", "speed_bps",
    "hash", "version", "cursor",
)  # fmt: skip
CSV_HEAD: Final = ",".join(("time", *_COLUMNS))
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet would take for a formula."""


def happened(row: Mapping[str, Any]) -> str:
    """A row of a server's `history`: `4711 2026-11-29 14:02:11 music deleted a (1 kB) by ana`."""
    parts = [
        str(row["cursor"]),
        moment(row["time"]),
        escaped(row.get("workspace") or "-"),
        escaped(row["kind"]),
    ]
    path = escaped(row["path"])
    parts.append(f"{escaped(row['from'])} -> {path}" if row.get("from") else path)
    if not row["path"].endswith("/"):
        parts.append(f"({size(row['bytes'])})")
    parts.append(f"by {_who(row)}")
    line = " ".join(parts)
    return f"{line}, {rate(row['speed_bps'])}" if row.get("speed_bps") else line


def _who(row: Mapping[str, Any]) -> str:
    if user := row.get("user"):
        address = row.get("address")
        return f"{escaped(user)} ({escaped(address)})" if address else escaped(user)
    return "a command" if row.get("origin") == "control" else "another program"


def csv_line(row: Mapping[str, Any]) -> str:
    """A row as a line of CSV (RFC 4180), with the columns of `CSV_HEAD`.

    The time has its offset from UTC. No value is a formula for a spreadsheet: names come from
    others.
    """
    time = datetime.fromtimestamp(row["time"]).astimezone().isoformat(timespec="seconds")
    line = StringIO()
    cells = [time, *(_cell(row.get(name)) for name in _COLUMNS)]
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = escaped(str(value))
    return f"'{text}" if text.startswith(_FORMULAS) else text
