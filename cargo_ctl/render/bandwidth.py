"""Bandwidth as text: now, in the file, and set by command."""

from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.table import table
from cargo_ctl.render.words import escaped, speed


def bandwidth(result: Mapping[str, Any]) -> str:
    """`bandwidth.show` and `bandwidth.set`: one line per name."""
    rows = [
        (
            escaped(one["name"]),
            limit(one.get("now")),
            limit(one.get("file")),
            "by command, until the file changes" if "override" in one else "",
        )
        for one in result.get("bandwidth") or []
    ]
    shown = table(("NAME", "NOW", "IN THE FILE", "SET"), rows)
    among = result.get("among")
    if not among:
        return shown
    return f"{shown}\neach of the {among['servers']:,} servers has as much for itself"


def limit(value: object) -> str:
    """A speed in the form of job files, or `none`."""
    if value is None:
        return "none"
    return (
        speed(value) if isinstance(value, int) and not isinstance(value, bool) else escaped(value)
    )
