"""Pictures of results: bars as SVG, readable on light and dark pages. Pure."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Measure:
    """What the length of a bar is."""

    words: str
    unit: str
    of: Callable[[Row], float]


SECONDS: Final = Measure("seconds, shorter is faster", "s", lambda row: row.seconds)
RATE: Final = Measure("MB/s, longer is faster", "MB/s", lambda row: row.mb_per_s)


def picture(
    title: str, rows: Sequence[Row], ours: Container[str], measure: Measure = SECONDS
) -> str:
    """The picture of one workload: for each mode and tool a bar for each direction."""
    longest = max(measure.of(row) for row in rows) or 1.0
    parts: list[str] = []
    y = TOP
    for (_, tool), of_tool in groupby(_sorted(rows), key=lambda row: (row.mode, row.tool)):
        bars = list(of_tool)
        over = bars[0].over
        label = tool if over.startswith(tool) else f"{tool} {over}"
        parts.append(_text(0, y + (len(bars) * BAR + 9) // 2, label.strip()))
        for row in bars:
            kind = "ours" if tool in ours else "other"
            value = measure.of(row)
            length = max(1, round(LONGEST * value / longest))
            parts += _bar(y, row.direction, kind, length, f"{value:.2f} {measure.unit}")
            y += BAR
        y += GAP
    return _document(f"{title}: {measure.words}", y, parts)


def _sorted(rows: Sequence[Row]) -> list[Row]:
    """By mode and tool, in the order of their first rows."""
    order = list(dict.fromkeys((row.mode, row.tool) for row in rows))
    return sorted(rows, key=lambda row: order.index((row.mode, row.tool)))


def _bar(y: int, direction: str, kind: str, length: int, words: str) -> list[str]:
    place = f'x="{LABEL}" y="{y + 1}" width="{length}" height="{BAR - 2}"'
    return [
        _text(LABEL - 6, y + BAR - 3, direction, "side", 'text-anchor="end" '),
        f'<rect class="{kind}" {place} rx="2"/>',
        _text(LABEL + length + 6, y + BAR - 2, words, "side"),
    ]


def _text(x: int, y: int, text: str, kind: str = "", more: str = "") -> str:
    named = f'class="{kind}" ' if kind else ""
    return f'<text {named}{more}x="{x}" y="{y}">{escape(text)}</text>'


def _document(title: str, height: int, parts: Sequence[str]) -> str:
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        _text(0, 14, title, "head"),
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
