"""Rows with a bar, as wide as the terminal: what is least needed gives way first."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cargo_ctl.render.progress import fitting
from cargo_ctl.render.words import percent

_WIDEST = 24
_NARROWEST = 6
"""A bar of fewer cells says nothing: it is left out."""
_SHORTEST = 12
"""Cells of a label that stay before figures are left out."""
_GAP = 2


@dataclass(frozen=True, slots=True)
class BarRow:
    """One line: what it is about, its bar and its figures.

    label    ends with `…` if there is not enough room
    figures  the most important one last: the first ones are left out if there is not enough room
    state    a second column after the label
    done     how much of `total` is done; a `total` of 0 means that there is no bar
    share    whether the bar's share is also shown as a number
    reason   a sentence that is shown instead of figures
    """

    label: Text
    figures: Sequence[str] = ()
    state: Text | None = None
    done: float = 0
    total: float = 0
    share: bool = True
    reason: Text | None = None

    @property
    def number(self) -> str:
        return percent(self.done, self.total) if self.total and self.share else ""


def bars(rows: Sequence[BarRow], width: int) -> RenderableType:
    """The rows in columns, at most `width` cells wide.

    If the terminal is narrow, the bars get shorter and then disappear, then the labels are cut,
    then the first figures are left out. The last figure, the time that is left, goes last.
    """
    label = max((row.label.cell_len for row in rows), default=0)
    state = max((row.state.cell_len for row in rows if row.state is not None), default=0)
    number = max((len(row.number) for row in rows), default=0)
    figures = max((len(", ".join(row.figures)) for row in rows), default=0)
    between = sum(_GAP + cells for cells in (state, number) if cells) + _GAP
    drawn = any(row.total for row in rows)
    bar = min(_WIDEST, width - label - between - figures - _GAP) if drawn else 0
    bar = bar if bar >= _NARROWEST else 0
    if bar:
        between += _GAP + bar
    label = min(label, max(_SHORTEST, width - between - figures))
    room = max(1, width - label - between)
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    for cells in (label, state, bar, number):
        if cells:
            grid.add_column(width=cells)
    grid.add_column(max_width=room)
    for row in rows:
        grid.add_row(*_cells(row, state, bar, number, room))
    return grid


def _cells(row: BarRow, state: int, bar: int, number: int, room: int) -> list[RenderableType]:
    cells: list[RenderableType] = [_one_line(row.label)]
    if state:
        cells.append(row.state or "")
    if bar:
        cells.append(_bar(row, bar) if row.total else "")
    if number:
        cells.append(row.number)
    cells.append(
        row.reason if row.reason is not None else _one_line(Text(fitting(row.figures, room)))
    )
    return cells


def _bar(row: BarRow, width: int) -> ProgressBar:
    """A bar in a colour that means no harm: the colours of rich are those of an error."""
    return ProgressBar(
        total=row.total,
        completed=min(row.done, row.total),
        width=width,
        complete_style="cyan",
        finished_style="green",
    )


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
