"""Pictures of results: bars as SVG, readable on light and dark pages. Pure.

A bar is as long as the time that a tool took: the shortest is the fastest.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.transfers.verdicts import Row

WIDTH: Final = 720
LABEL: Final = 150
LONGEST: Final = 440
"""Pixels of the longest bar."""
BAR: Final = 12
GAP: Final = 10
TOP: Final = 30
STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #1f2937 }
.head { font-weight: 600 } .side { font-size: 10px; fill: #6b7280 }
.other { fill: #a8b1bf } .ours { fill: #2563eb }
@media (prefers-color-scheme: dark) {
  text { fill: #e5e7eb } .side { fill: #9ca3af } .other { fill: #5b6575 } .ours { fill: #60a5fa }
}
"""


def picture(title: str, rows: Sequence[Row], ours: str) -> str:
    """The picture of one workload: for each mode and tool a bar for each direction."""
    longest = max(row.seconds for row in rows)
    parts: list[str] = []
    y = TOP
    for (_, tool), of_tool in groupby(_sorted(rows), key=lambda row: (row.mode, row.tool)):
        bars = list(of_tool)
        over = bars[0].over
        label = tool if over.startswith(tool) else f"{tool} {over}"
        parts.append(_text(0, y + (len(bars) * BAR + 9) // 2, label.strip()))
        for row in bars:
            kind = "ours" if tool == ours else "other"
            parts += _bar(y, row, kind, max(1, round(LONGEST * row.seconds / longest)))
            y += BAR
        y += GAP
    return _document(title, y, parts)


def _sorted(rows: Sequence[Row]) -> list[Row]:
    """By mode and tool, in the order of their first rows."""
    order = list(dict.fromkeys((row.mode, row.tool) for row in rows))
    return sorted(rows, key=lambda row: order.index((row.mode, row.tool)))


def _bar(y: int, row: Row, kind: str, length: int) -> list[str]:
    place = f'x="{LABEL}" y="{y + 1}" width="{length}" height="{BAR - 2}"'
    return [
        _text(LABEL - 6, y + BAR - 3, row.direction, "side", 'text-anchor="end" '),
        f'<rect class="{kind}" {place} rx="2"/>',
        _text(LABEL + length + 6, y + BAR - 2, f"{row.seconds:.2f} s", "side"),
    ]


def _text(x: int, y: int, text: str, kind: str = "", more: str = "") -> str:
    named = f'class="{kind}" ' if kind else ""
    return f'<text {named}{more}x="{x}" y="{y}">{escape(text)}</text>'


def _document(title: str, height: int, parts: Sequence[str]) -> str:
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}: seconds, shorter is faster</title>",
        f"<style>{STYLE}</style>",
        _text(0, 14, f"{title}: seconds, shorter is faster", "head"),
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
