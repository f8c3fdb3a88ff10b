"""What a comparison of a job's two sides found, as text."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cargo_ctl.render.words import count, escaped, size

_WHY, _SIZE = 22, 9
_FIGURES = frozenset({"files", "bytes", "same", "again"})
"""Of the totals, those that count no differences."""


def heading() -> str:
    """The heading of the columns of `files`."""
    return f"{'WHAT':<{_WHY}}{'SIZE':>{_SIZE}}  PATH"


def files(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line per file that differs; all pages line up."""
    return "\n".join(
        f"{escaped(row.get('why') or ''):<{_WHY}}{size(row.get('size') or 0):>{_SIZE}}  "
        f"{escaped(row['path'])}"
        for row in rows
    )


def progress(totals: Mapping[str, Any]) -> str:
    """How far a comparison is."""
    return f"{count(totals.get('files') or 0, 'file')} compared"


def totals(name: str, figures: Mapping[str, Any], again: int) -> str:
    """The last lines: how many of each, and what can be done.

    `again` is how many of those that differ can be delivered again.
    """
    job = escaped(name)
    compared = f"{progress(figures)} by content, {size(figures.get('bytes') or 0)}"
    words = _words(figures)
    if not words:
        return f"{job}: both sides are the same; {compared}"
    parts = ", ".join(f"{number:,} {escaped(word)}" for word, number in words.items())
    lines = [f"{job}: {parts}; {compared}"]
    if again:
        lines.append(f"to deliver these again: cargo_ctl job verify {shlex.quote(job)} --again")
    return "\n".join(lines)


def any_in(figures: Mapping[str, Any]) -> bool:
    """Whether anything differs."""
    return bool(_words(figures))


def _words(figures: Mapping[str, Any]) -> dict[str, int]:
    return {word: number for word, number in figures.items() if number and word not in _FIGURES}
