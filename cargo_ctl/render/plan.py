"""What a run would do, as text."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cargo_ctl.render.words import arrow, count, escaped, size

_OP, _SIZE, _WHY = 9, 9, 24
_ARROW = 2
"""Cells of the arrow before a step of a two-way job."""


def heading(*, two_way: bool) -> str:
    """The heading of the columns of `actions`; those of a two-way job have a direction."""
    return _line("OP", "SIZE", "WHY", "PATH", _op_width(two_way=two_way))


def actions(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line per action; the columns have fixed widths, so that all pages line up."""
    return "\n".join(
        _line(
            _op(row),
            size(row["size"]) if row.get("size") is not None else "",
            escaped(row.get("why") or ""),
            escaped(row["path"]),
            _op_width(two_way="direction" in row),
        )
        for row in rows
    )


def _op(row: Mapping[str, Any]) -> str:
    """`put`; in a two-way job with an arrow, up to the server or down from it: `↑ put`.

    A conflict concerns both sides.
    """
    way = "↕" if row.get("op") == "conflict" else arrow(row.get("direction"))
    return f"{way} {escaped(row['op'])}" if way else escaped(row["op"])


def _op_width(*, two_way: bool) -> int:
    return _OP + _ARROW if two_way else _OP


def totals(name: str, figures: Mapping[str, Any], listed: int, more: bool) -> str:
    """The last lines: how many of each, how many bytes, and that nothing was done.

    `listed` actions were printed; `more` says whether there are others.
    """
    counts = {
        op: number
        for op, number in figures.items()
        if op not in ("bytes", "held", "waiting") and number
    }
    waiting = figures.get("waiting") or 0
    changing = f"{count(waiting, 'file')} still being written"
    if not counts:
        return f"{escaped(name)}: nothing to do" + (f" yet, {changing}" if waiting else "")
    parts = [f"{number:,} {escaped(op)}" for op, number in counts.items()]
    parts.append(size(figures.get("bytes") or 0))
    parts += [changing] if waiting else []
    first = "the first is" if listed == 1 else f"the first {listed:,} are"
    cut = f" ({first} listed)" if more else ""
    job = shlex.quote(escaped(name))
    todo = f"to do it now: cargo_ctl job sync {job}"
    if figures.get("held"):
        todo = f"this run is held until you approve it: cargo_ctl job approve {job}"
    return f"{', '.join(parts)}{cut}\nnothing was done; {todo}"


def _line(op: str, bytes: str, why: str, path: str, width: int) -> str:
    return f"{op:<{width}}{bytes:>{_SIZE}}  {why:<{_WHY}}  {path}".rstrip()
