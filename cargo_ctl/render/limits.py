"""Limits: what holds, what the file says, what was set by command."""

from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.table import table
from cargo_ctl.render.words import escaped, speed


def limits(result: Mapping[str, Any]) -> str:
    """`limits.show` and `limits.set`: a line a limit."""
    file, override = result.get("file"), result.get("override")
    file = file if isinstance(file, Mapping) else {}
    override = override if isinstance(override, Mapping) else {}
    rows = [
        (
            escaped(name),
            limit(value),
            limit(file[name]) if name in file else "",
            "by command, until the file changes" if name in override else "",
        )
        for name, value in result.items()
        if name not in ("file", "override")
    ]
    return table(("LIMIT", "NOW", "IN THE FILE", "SET"), rows)


def limit(value: object) -> str:
    """A rate of the wire, or `none`."""
    if value is None:
        return "none"
    return speed(value) if isinstance(value, int) and not isinstance(value, bool) else escaped(value)
